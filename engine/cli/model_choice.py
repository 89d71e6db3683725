"""``--model``: which server to talk to, and with which key.

``local`` needs nothing. OpenAI's key comes from ``OPENAI_API_KEY`` and is sent to OpenAI only; every other server's
comes from ``ENGINE_API_KEY``. A ``ws://`` URL (a server on this machine or behind a tunnel) needs no key.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

import attrs

from engine._messages import did_you_mean, without_keys
from engine.cli.exit_status import CommandFailed, ExitStatus
from engine.models.interface import ModelCapabilities
from engine.secret.value import Secret, SecretUrl

LOCAL = "local"
OPENAI_PREFIX = "openai:"
OPENAI_KEY, OTHER_KEY = "OPENAI_API_KEY", "ENGINE_API_KEY"
_AZURE = (".azure.com", ".azure.us", ".azure.cn")


@attrs.frozen(kw_only=True)
class ModelChoice:
    """What ``--model`` means."""

    kind: Literal["local", "remote"]
    name: str
    """For people: the model's name, or host and port. Never a key."""
    model_name: str | None = None
    """For the session's settings."""
    url: SecretUrl | None = None
    api_key: Secret | None = None
    headers: Mapping[str, Secret] | None = None
    capabilities: ModelCapabilities = attrs.field(factory=ModelCapabilities)


def add_server_options(parser: argparse._ActionsContainer) -> None:
    """Declare ``--server-waits`` and ``--allow-unencrypted-key``, which go with ``--model``."""
    parser.add_argument(
        "--allow-unencrypted-key",
        action="store_true",
        help="send the key also over ws:// to another machine, where everybody on the way can read it",
    )
    parser.add_argument(
        "--server-waits",
        action="store_true",
        help="the server of --model says nothing before it has heard something: send it the session's settings at "
        "once (without this, after a second of silence)",
    )


def model_text(text: str) -> str | SecretUrl:
    """Return a ``--model`` as it is kept: a URL may hold a key."""
    return SecretUrl(text) if "://" in text else text


def choose_model(text: str | SecretUrl, environment: Mapping[str, str], *, server_waits: bool = False) -> ModelChoice:
    """Read a ``--model``, and whether its server waits for the client's first word.

    Raises:
        CommandFailed: it names no model, or the model needs a key that is not in the environment; or it is the local
            model, which waits for nobody.
    """
    text = text if isinstance(text, SecretUrl) else model_text(text)
    choice = _at_url(text, environment) if isinstance(text, SecretUrl) else _choose(text, environment)
    if not server_waits:
        return choice
    if choice.kind == "local":
        raise CommandFailed(ExitStatus.USAGE, "--server-waits goes with --model: the local model waits for nobody")
    return attrs.evolve(choice, capabilities=ModelCapabilities(announces_session=False))


def _choose(text: str, environment: Mapping[str, str]) -> ModelChoice:
    if text == LOCAL:
        return ModelChoice(kind="local", name=LOCAL)
    if text.startswith(OPENAI_PREFIX) and (name := text.removeprefix(OPENAI_PREFIX).strip()):
        key = _key(environment, OPENAI_KEY, f"OpenAI's {name} needs a key")
        return ModelChoice(kind="remote", name=text, model_name=name, api_key=key)
    raise CommandFailed(ExitStatus.UNKNOWN_MODEL, f"there is no model {without_keys(repr(text))}{_advice(text)}")


def _at_url(url: SecretUrl, environment: Mapping[str, str]) -> ModelChoice:
    if not url.reveal().startswith(("ws://", "wss://")):
        raise CommandFailed(ExitStatus.UNKNOWN_MODEL, f"there is no model {url!r}{_advice(url.shown())}")
    try:
        parts = urlsplit(url.reveal())
        where = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname or "")
    except ValueError:
        where = ""
    if not where:
        raise CommandFailed(ExitStatus.USAGE, "--model: that is not a URL of the form wss://host/path")
    host = parts.hostname or ""
    if host == "openai.com" or host.endswith(".openai.com"):
        return ModelChoice(
            kind="remote", name=where, url=url, api_key=_key(environment, OPENAI_KEY, f"{where} needs a key")
        )
    if parts.scheme == "ws":
        return ModelChoice(kind="remote", name=where, url=url, api_key=_may_key(environment, OTHER_KEY))
    key = _key(environment, OTHER_KEY, f"{where} needs a key")
    if host.endswith(_AZURE):
        return ModelChoice(kind="remote", name=where, url=url, headers={"api-key": key})
    return ModelChoice(kind="remote", name=where, url=url, api_key=key)


def _may_key(environment: Mapping[str, str], variable: str) -> Secret | None:
    return Secret(environment.get(variable, "").strip()) or None


def _key(environment: Mapping[str, str], variable: str, why: str) -> Secret:
    if key := _may_key(environment, variable):
        return key
    raise CommandFailed(ExitStatus.NO_KEY, f"{why}: set {variable}, or use --model local, which needs none")


def _advice(text: str) -> str:
    if text.startswith(("http://", "https://")):
        return did_you_mean(text.replace("http", "ws", 1))
    if text.startswith("gpt") or "realtime" in text:
        return did_you_mean(f"{OPENAI_PREFIX}{text}")
    return f": it is {LOCAL!r}, '{OPENAI_PREFIX}NAME', or a ws:// or wss:// URL"

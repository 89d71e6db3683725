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

from engine._messages import did_you_mean
from engine.cli.exit_status import CommandFailed, ExitStatus
from engine.models.interface import ModelCapabilities

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
    url: str | None = None
    api_key: str | None = attrs.field(default=None, repr=False)
    headers: Mapping[str, str] | None = attrs.field(default=None, repr=False)
    capabilities: ModelCapabilities = attrs.field(factory=ModelCapabilities)


def add_server_waits(parser: argparse._ActionsContainer) -> None:
    """Declare ``--server-waits``, which goes with ``--model``."""
    parser.add_argument(
        "--server-waits",
        action="store_true",
        help="the server of --model says nothing before it has heard something: send it the session's settings at "
        "once (without this, after a second of silence)",
    )


def choose_model(text: str, environment: Mapping[str, str], *, server_waits: bool = False) -> ModelChoice:
    """Read a ``--model``, and whether its server waits for the client's first word.

    Raises:
        CommandFailed: it names no model, or the model needs a key that is not in the environment; or it is the local
            model, which waits for nobody.
    """
    choice = _choose(text, environment)
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
    if text.startswith(("ws://", "wss://")):
        return _at_url(text, environment)
    raise CommandFailed(ExitStatus.UNKNOWN_MODEL, f"there is no model {text!r}{_advice(text)}")


def _at_url(url: str, environment: Mapping[str, str]) -> ModelChoice:
    try:
        parts = urlsplit(url)
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
        return ModelChoice(kind="remote", name=where, url=url, api_key=environment.get(OTHER_KEY, "").strip() or None)
    key = _key(environment, OTHER_KEY, f"{where} needs a key")
    if host.endswith(_AZURE):
        return ModelChoice(kind="remote", name=where, url=url, headers={"api-key": key})
    return ModelChoice(kind="remote", name=where, url=url, api_key=key)


def _key(environment: Mapping[str, str], variable: str, why: str) -> str:
    if key := environment.get(variable, "").strip():
        return key
    raise CommandFailed(ExitStatus.NO_KEY, f"{why}: set {variable}, or use --model local, which needs none")


def _advice(text: str) -> str:
    if text.startswith(("http://", "https://")):
        return did_you_mean(text.replace("http", "ws", 1))
    if text.startswith("gpt") or "realtime" in text:
        return did_you_mean(f"{OPENAI_PREFIX}{text}")
    return f": it is {LOCAL!r}, '{OPENAI_PREFIX}NAME', or a ws:// or wss:// URL"

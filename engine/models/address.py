"""Which URL a session dials: the model's own or a given one, with a model in it, or a call."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from engine.errors import SettingsError
from engine.secret.discretion import discreet
from engine.secret.value import Secret, SecretUrl

OPENAI_URL = "wss://api.openai.com/v1/realtime"

_WEBSOCKET = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}

_SAYS_WHAT_TO_TALK_TO = frozenset({"model", "deployment", "call_id", "intent"})
"""Query parameters beside which a model is not wanted. A `model` beside `intent=transcription` is even refused."""


@discreet
def dialled_url(base: str | Secret | None, model: str, call_id: str | None) -> SecretUrl:
    """The WebSocket URL to dial.

    Args:
        base: a `ws` or `wss` URL, dialled as it is but for the model; or the `http` or `https` base URL of an API, to
            which `/realtime` is added. None: OpenAI's.
        model: added as `?model=`, unless the URL says already what to talk to.
        call_id: attaches to this running call instead.

    Raises:
        SettingsError: `base` is not such a URL.
    """
    try:
        scheme, host, path, query, _ = urlsplit(OPENAI_URL if base is None else SecretUrl.of(base).reveal())
    except ValueError:
        scheme = ""
    if scheme not in _WEBSOCKET:
        raise SettingsError("model_config.url: must begin with wss://, ws://, https:// or http://")
    if scheme.startswith("http") and "realtime" not in path:
        path = path.rstrip("/") + "/realtime"
    given = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
    if call_id is not None and "call_id" not in given:
        query = _with(query, "call_id", call_id)
    elif call_id is None and not given & _SAYS_WHAT_TO_TALK_TO:
        query = _with(query, "model", model)
    return SecretUrl(urlunsplit((_WEBSOCKET[scheme], host, path, query, "")))


def is_openai(url: str | Secret) -> bool:
    """The URL leads to OpenAI itself, over a connection that nobody else can read."""
    parts = urlsplit(SecretUrl.of(url).reveal())
    host = parts.hostname or ""
    return parts.scheme == "wss" and (host == "openai.com" or host.endswith(".openai.com"))


def _with(query: str, name: str, value: str) -> str:
    addition = f"{name}={quote(value, safe='')}"
    return f"{query}&{addition}" if query else addition

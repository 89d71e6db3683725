"""Who may open a session: what a WebSocket request asks for, and why it is turned away.

The service accepts every upgrade and then says what is wrong: one `error` event, then a close with 3000 (who
you are) or 4000 (what you ask for), whose reason is the error's type and code. By default nobody is turned
away here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl

import attrs

from engine.local.conversation.errors import INVALID_REQUEST
from engine.local.conversation.ids import Ids
from engine.local.conversation.session_settings import DEFAULT_MODEL
from engine.local.settings.options import LocalOptions
from engine.secret.value import Secret
from engine.serving.keys import is_known
from engine.wire.codec import encode_server
from engine.wire.server_events import ErrorDetail, ErrorEvent

PATH_ENDS_WITH = "/realtime"
SUBPROTOCOL = "realtime"
_KEY_SUBPROTOCOL = "openai-insecure-api-key."
_BAD_KEY, _BAD_REQUEST = 3000, 4000
_TARGET = re.compile(
    r"(?:https?://[A-Za-z0-9.:\[\]_-]+)?(/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)(?:\?([!-~]*))?"
)
"""A path and a query (RFC 9112, 3.2), with the server before it where a proxy is asked. Browsers write more signs in a
query than they may."""
_MOST_FIELDS = 64
"""Fields of a query that are read."""


class BadTarget(ValueError):
    """What is asked for in a request is no path."""


@attrs.frozen
class UpgradeRequest:
    """A request for a session."""

    path: str
    key: Secret | None
    model: str | None
    transcription: bool
    beta: bool
    subprotocol: str | None
    call_id: str | None

    @classmethod
    def of(cls, target: str, headers: Iterable[tuple[bytes, bytes]], subprotocols: Sequence[str]) -> UpgradeRequest:
        """Read a request: its target (path and query), headers, and the subprotocols it offers.

        Raises:
            BadTarget: the target is not one.
        """
        match = _TARGET.fullmatch(target)
        if match is None:
            raise BadTarget(f"the target of a request begins with a path: /v1{PATH_ENDS_WITH}")
        fields = "&".join((match[2] or "").split("&", _MOST_FIELDS)[:_MOST_FIELDS])
        query = dict(parse_qsl(fields))
        given = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
        return cls(
            path=match[1],
            key=_key(given, subprotocols),
            model=query.get("model"),
            transcription=query.get("intent") == "transcription",
            beta="realtime" in given.get("openai-beta", ""),
            subprotocol=SUBPROTOCOL if SUBPROTOCOL in subprotocols else None,
            call_id=query.get("call_id"),
        )

    @property
    def served(self) -> bool:
        """Whether there is anything at this path."""
        return self.path.rstrip("/").endswith(PATH_ENDS_WITH)


@attrs.frozen
class Refusal:
    """Why a session does not begin."""

    code: str | None
    message: str
    close_code: int

    @property
    def reason(self) -> str:
        """What the close frame says."""
        return INVALID_REQUEST if self.code is None else f"{INVALID_REQUEST}.{self.code}"

    def event(self, ids: Ids) -> bytes:
        """The only event that such a connection sees."""
        detail = ErrorDetail(INVALID_REQUEST, self.message, self.code)
        return encode_server(ErrorEvent(detail, event_id=ids.event()))


def refusal_of(request: UpgradeRequest, options: LocalOptions) -> Refusal | None:
    """Why this request gets no session; None: it gets one."""
    return _of_key(request, options) or _of_shape(request, options)


def model_of(request: UpgradeRequest) -> str:
    """The model that the session will name."""
    return request.model or DEFAULT_MODEL


def _of_key(request: UpgradeRequest, options: LocalOptions) -> Refusal | None:
    if options.api_keys is None:
        return None
    if request.key is None:
        return Refusal(None, "Missing bearer or basic authentication in header", _BAD_KEY)
    if not is_known(request.key, options.api_keys):
        return Refusal("invalid_api_key", f"Incorrect API key provided: {_masked(request.key.reveal())}.", _BAD_KEY)
    return None


def _of_shape(request: UpgradeRequest, options: LocalOptions) -> Refusal | None:
    if options.refuse_beta and request.beta:
        return Refusal(
            "beta_api_shape_disabled",
            "The Realtime Beta API is no longer supported. Please use the GA API.",
            _BAD_REQUEST,
        )
    if request.call_id is not None:
        return Refusal("invalid_call_id", "There are no calls to attach to here.", _BAD_REQUEST)
    if options.models is None or request.transcription:
        return None
    if request.model is None:
        return Refusal(
            "missing_model",
            "You must provide a model parameter, for example ?model=gpt-realtime.",
            _BAD_REQUEST,
        )
    if request.model not in options.models:
        return Refusal("invalid_model", f'Model "{request.model}" is not supported in realtime mode.', _BAD_REQUEST)
    return None


def _key(headers: dict[str, str], subprotocols: Sequence[str]) -> Secret | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key:
        return Secret(key.strip())
    if headers.get("api-key"):
        return Secret(headers["api-key"])
    offered = (each for each in subprotocols if each.startswith(_KEY_SUBPROTOCOL))
    return next((Secret(each.removeprefix(_KEY_SUBPROTOCOL)) for each in offered), None)


def _masked(key: str) -> str:
    return f"{key[:3]}***{key[-4:]}" if len(key) > 10 else "***"

"""Greeting: what the first events of a connection mean.

OpenAI accepts every handshake. If the key or the model is wrong, its first and only event is an `error`, and in the
same instant it closes with 3000 or 4000. An `error` that no close follows is an event like any other.
"""

from __future__ import annotations

from collections.abc import Sequence

import trio

from engine.errors import AuthenticationError, ConnectRefused, ModelNotFound, TransportClosed, TransportLost
from engine.transport.interface import Transport
from engine.wire.codec import decode_server
from engine.wire.server_events import ErrorEvent, ServerEvent
from engine.wire.server_session import ErrorDetail

_CLOSE_FOLLOWS = 1.0
"""Seconds to wait for the close after an `error`. It takes milliseconds where there is one [seen on api.openai.com]."""

_NOT_AUTHENTICATED = frozenset({"invalid_api_key", "authentication_error", "ephemeral_token_expired"})
NO_SUCH_MODEL = frozenset({"missing_model", "invalid_model", "model_not_found", "DeploymentNotFound"})
_ABOUT_KEYS = ("missing bearer", "incorrect api key", "token expired")
"""Some refusals have no code, only words."""


async def greeting(transport: Transport) -> tuple[ServerEvent, ...]:
    """Wait for the first events. The caller's scope bounds it.

    Raises:
        AuthenticationError, ModelNotFound, ConnectRefused: the server turned us away.
    """
    said: list[ServerEvent] = []
    try:
        said += await _batch(transport)
        if all(isinstance(event, ErrorEvent) for event in said):
            with trio.move_on_after(_CLOSE_FOLLOWS):
                said += await _batch(transport)
    except TransportLost as lost:
        raise turned_away(_last_error(said), lost) from None
    return tuple(said)


def turned_away(error: ErrorDetail | None, lost: TransportLost) -> ConnectRefused:
    """The reason in a type, from the error event, if there was one, and from the close."""
    words = f"{lost.reason}: {error.message}" if error and lost.reason else error.message if error else lost.reason
    codes = {error.code, error.type} if error else set()
    # The reason is the error's type and, after a dot, its code.
    codes |= set(lost.reason.split("."))
    how = f"the connection was closed (code {lost.code})" if isinstance(lost, TransportClosed) else str(lost)
    told = f"{how} as soon as it was open: {words or 'no reason was given'}"
    if codes & _NOT_AUTHENTICATED or lost.code == 3000 or any(hint in words.lower() for hint in _ABOUT_KEYS):
        return AuthenticationError(f"{told}. Check the key and its rights.")
    if codes & NO_SUCH_MODEL or lost.code == 4004:
        return ModelNotFound(f"{told}. Check the model's name, and that it is a realtime model.")
    return ConnectRefused(told)


async def _batch(transport: Transport) -> list[ServerEvent]:
    return [decode_server(message) for message in await transport.receive()]


def _last_error(said: Sequence[ServerEvent]) -> ErrorDetail | None:
    return next((event.error for event in reversed(said) if isinstance(event, ErrorEvent)), None)

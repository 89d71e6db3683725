"""Greeting: what the first events of a connection mean.

OpenAI accepts every handshake. If the key or the model is wrong, its first and only event is an `error`, and in the
same instant it closes with 3000 or 4000. An `error` that no close follows is an event like any other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress

import trio

from engine.errors import TransportLost
from engine.models.refusals import turned_away
from engine.transport.interface import Transport
from engine.wire.codec import decode_server
from engine.wire.server_events import ServerEvent
from engine.wire.server_session import errors_told

_CLOSE_FOLLOWS = 1.0
"""Seconds to wait for the close after an `error`. It takes milliseconds where there is one [seen on api.openai.com]."""


async def greeting(transport: Transport, *, patience: float = math.inf) -> tuple[ServerEvent, ...]:
    """Wait for the first events, and return them; none if nothing has come within `patience` seconds.

    The caller's scope bounds it besides.

    Raises:
        AuthenticationError, ModelNotFound, ConnectRefused: the server turned us away.
    """
    said: list[ServerEvent] = []
    try:
        with trio.move_on_after(patience):
            said += await _batch(transport)
        if said and len(errors_told(said)) == len(said):
            with trio.move_on_after(_CLOSE_FOLLOWS):
                said += await _batch(transport)
    except TransportLost as lost:
        raise turned_away(errors_told(said), lost) from None
    return tuple(said)


async def answer(transport: Transport, messages: Sequence[bytes]) -> tuple[ServerEvent, ...]:
    """Send the client's first messages to a server that waits for them, and wait for its first events.

    Raises:
        AuthenticationError, ModelNotFound, ConnectRefused: the server turned us away.
    """
    with suppress(TransportLost):  # reading tells why
        await transport.send(messages)
    return await greeting(transport)


async def _batch(transport: Transport) -> list[ServerEvent]:
    return [decode_server(message) for message in await transport.receive()]

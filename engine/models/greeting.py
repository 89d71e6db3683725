"""Greeting: what the first events of a connection mean.

OpenAI accepts every handshake. If the key or the model is wrong, its first and only event is an `error`, and in the
same instant it closes with 3000 or 4000. An `error` that no close follows is an event like any other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress

import trio

from engine.errors import ConnectRefused, TransportLost
from engine.models.hearing import ended, heard
from engine.models.refusals import turned_away
from engine.secret.redaction import Redaction
from engine.transport.interface import Transport
from engine.wire.client_events import ClientEvent
from engine.wire.codec import encode_client
from engine.wire.server_events import ServerEvent
from engine.wire.server_session import errors_told

_CLOSE_FOLLOWS = 1.0
"""Seconds to wait for the close after an `error`. It takes milliseconds where there is one [seen on api.openai.com]."""


async def greeting(
    transport: Transport, redaction: Redaction | None = None, *, patience: float = math.inf
) -> tuple[ServerEvent, ...]:
    """Wait for the first events, and return them; none if nothing has come within `patience` seconds.

    The caller's scope bounds it besides.

    Raises:
        AuthenticationError, ModelNotFound, ConnectRefused: the server turned us away.
    """
    redaction = redaction or Redaction()
    said: list[ServerEvent] = []
    refused: ConnectRefused | None = None
    try:
        with trio.move_on_after(patience):
            said += await _batch(transport, redaction)
        if said and len(errors_told(said)) == len(said):
            with trio.move_on_after(_CLOSE_FOLLOWS):
                said += await _batch(transport, redaction)
    except TransportLost as lost:
        refused = turned_away(errors_told(said), ended(lost, redaction))
    if refused is not None:
        raise refused
    return tuple(said)


async def answer(transport: Transport, events: Sequence[ClientEvent], redaction: Redaction) -> tuple[ServerEvent, ...]:
    """Send the client's first events to a server that waits for them, and wait for its first events.

    Raises:
        AuthenticationError, ModelNotFound, ConnectRefused: the server turned us away.
    """
    with suppress(TransportLost):  # reading tells why
        await transport.send([encode_client(event, redaction.open) for event in events])
    return await greeting(transport, redaction)


async def _batch(transport: Transport, redaction: Redaction) -> list[ServerEvent]:
    return heard(await transport.receive(), redaction)

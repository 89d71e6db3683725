"""A conversation in the protocol of `engine.wire`, over any transport: events to messages, and endings to errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import trio

from engine.errors import SessionExpired, TransportClosed, TransportLost
from engine.models.hearing import REPEATING, discreet_event, ended
from engine.secret.redaction import Redaction
from engine.transport.interface import SupportsSendNowait, Transport
from engine.wire.client_events import ClientEvent
from engine.wire.codec import decode_server, encode_client
from engine.wire.server_events import ErrorEvent, ServerEvent

FirstWords = Callable[[Sequence[ClientEvent]], Awaitable[Sequence[ServerEvent]]]
"""Sends events to a server that has said nothing yet, and waits for its first events, but not for ever."""


class WireConnection:
    """One open conversation. Implements `ModelConnection`, `SupportsSendNowait` and `WaitsForFirstWord`.

    Args:
        transport: where the server is.
        first: what it said when the connection was opened.
        first_words: how to get it to say something, if it has to.
        redaction: what must not be shown of the server's words; it learns of each secret that is sent.
    """

    def __init__(
        self,
        transport: Transport,
        first: Sequence[ServerEvent] = (),
        *,
        first_words: FirstWords | None = None,
        redaction: Redaction | None = None,
    ) -> None:
        self.redaction = redaction or Redaction()
        """What must not be shown of what goes over this connection."""
        self._open = self.redaction.open
        self._transport = transport
        self._direct = transport if isinstance(transport, SupportsSendNowait) else None
        self._first = first
        self._first_words = first_words
        self._expired = False

    async def receive(self) -> Sequence[ServerEvent]:
        """See `ModelConnection.receive`. The first batch is `first`, if there is any.

        Raises:
            SessionExpired: the server ended the session because of its age.
            ConnectRefused: it has never said anything, or turned us away instead.
        """
        if self._first_words is not None:
            await self.speak_first(())
        if self._first:
            await trio.lowlevel.checkpoint()
            events, self._first = self._first, ()
        else:
            lost: TransportLost | None = None
            try:
                messages = await self._transport.receive()
            except TransportLost as told:
                lost = self._meaning(told)
            if lost is not None:
                raise lost
            events = [decode_server(message) for message in messages]
            if not REPEATING.isdisjoint(map(type, events)):
                events = [
                    discreet_event(event, message, self.redaction)
                    for event, message in zip(events, messages, strict=True)
                ]
        for event in events:
            if type(event) is ErrorEvent and event.error.code == "session_expired":
                self._expired = True
        return events

    @property
    def greeted(self) -> bool:
        """See `WaitsForFirstWord.greeted`."""
        return self._first_words is None

    async def speak_first(self, events: Sequence[ClientEvent]) -> None:
        """See `WaitsForFirstWord.speak_first`."""
        assert self._first_words is not None, "the server has spoken"
        self._first = await self._first_words(events)
        self._first_words = None

    async def send(self, events: Sequence[ClientEvent]) -> None:
        """See `ModelConnection.send`."""
        lost: TransportLost | None = None
        try:
            await self._transport.send([encode_client(event, self._open) for event in events])
        except TransportLost as told:
            lost = self._meaning(told)
        if lost is not None:
            raise lost

    @property
    def can_send_nowait(self) -> bool:
        """See `SupportsSendNowait.can_send_nowait`."""
        return self._direct is not None

    def send_nowait(self, events: Sequence[ClientEvent]) -> bool:
        """See `SupportsSendNowait.send_nowait`."""
        return self._direct is not None and self._direct.send_nowait(
            [encode_client(event, self._open) for event in events]
        )

    async def aclose(self) -> None:
        """See `ModelConnection.aclose`."""
        await self._transport.aclose()

    def _meaning(self, lost: TransportLost) -> TransportLost:
        """A session that is too old is told by an `error` and then closed with 1001, which alone means little."""
        closed = ended(lost, self.redaction)
        if not isinstance(closed, TransportClosed):
            return closed
        if self._expired or (closed.code == 1001 and "maximum duration" in closed.reason):
            return SessionExpired(
                f"the session reached the server's longest duration: {closed.reason or 'no more was said'}",
                code=closed.code or 1001,
                reason=closed.reason,
            )
        return closed

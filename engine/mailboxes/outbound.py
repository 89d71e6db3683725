"""Outbound: what goes to the far end, control and audio, on its way to the connection."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from engine.clock import now_ns
from engine.errors import TransportLost
from engine.mailboxes.bell import Bell
from engine.mailboxes.mark import Mark
from engine.mailboxes.statistics import MailboxStatistics
from engine.wire.client_events import ClientEvent, InputAudioBufferAppend

WIRE_EVENTS = 1024


class Outbound:
    """`wire` and `uplink`: two urgencies, one reader, who gets control first."""

    def __init__(self, wire_capacity: int = WIRE_EVENTS, waited: Callable[[int], None] | None = None) -> None:
        """`wire_capacity` is in events; `waited` is told how many nanoseconds the oldest event of `wire` has waited
        when it is taken."""
        self._wire: deque[ClientEvent] = deque()
        self._uplink: Sequence[InputAudioBufferAppend | Mark] = ()
        self._wire_capacity = wire_capacity
        self._wire_passed = self._wire_most = self._uplink_passed = 0
        self._waited = waited
        self._wire_since = 0
        self._uplink_since: int | None = None
        self.brought_at: int | None = None
        """When the application brought the oldest audio that was taken last; None if none was."""
        self._arrival, self._room = Bell(), Bell()
        self._closed = False

    def put_wire(self, events: Sequence[ClientEvent]) -> None:
        """Control: never waits. Raises TransportLost when the far end has stopped reading."""
        if len(self._wire) + len(events) > self._wire_capacity:
            raise TransportLost(f"the far end has stopped reading: {len(self._wire)} events wait to be sent")
        if not self._wire and self._waited is not None:
            self._wire_since = now_ns()
        self._wire.extend(events)
        self._wire_passed += len(events)
        self._wire_most = max(self._wire_most, len(self._wire))
        self._arrival.ring()

    async def room(self) -> None:
        """Until the audio that was put last is being written."""
        while self._uplink:
            await self._room.wait()

    def put_uplink(self, entries: Sequence[InputAudioBufferAppend | Mark], since: int | None) -> None:
        """Audio, and marks among it, for which there is `room`. `since` is when the application brought the oldest."""
        if entries:
            self._uplink, self._uplink_since = entries, since
            self._uplink_passed += 1
            self._arrival.ring()

    async def take(self) -> tuple[list[ClientEvent], list[Mark]]:
        """What is to be written now, control first, and the marks to settle once it is. Empty after `close`."""
        while not self._wire and not self._uplink and not self._closed:
            await self._arrival.wait()
        events: list[ClientEvent] = list(self._wire)
        if events and self._waited is not None:
            self._waited(now_ns() - self._wire_since)
        self._wire.clear()
        marks: list[Mark] = []
        self.brought_at = None
        if self._uplink and not self._closed:
            self._take_uplink(events, marks)
        return events, marks

    def _take_uplink(self, events: list[ClientEvent], marks: list[Mark]) -> None:
        for entry in self._uplink:
            if isinstance(entry, Mark):
                marks.append(entry)
                events.append(entry.event)
            else:
                events.append(entry)
        self._uplink, self.brought_at = (), self._uplink_since
        self._room.ring()

    def close(self) -> None:
        """Write what control has to say, and no more."""
        self._closed = True
        self._arrival.ring()

    def abandon(self) -> None:
        """Nothing will be written any more."""
        self.close()
        self._wire.clear()

    def statistics(self) -> tuple[MailboxStatistics, MailboxStatistics]:
        """Counters of `wire` and `uplink`."""
        wire = MailboxStatistics("wire", self._wire_capacity, len(self._wire), self._wire_most, self._wire_passed)
        return wire, MailboxStatistics(
            "uplink", 1, bool(self._uplink), min(1, self._uplink_passed), self._uplink_passed
        )

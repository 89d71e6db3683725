"""Outbound: what goes to the far end, control and audio, on its way to the connection."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from engine.errors import TransportLost
from engine.mailboxes.bell import Bell
from engine.mailboxes.microphone import Mark
from engine.mailboxes.statistics import MailboxStatistics
from engine.wire.client_events import ClientEvent, InputAudioBufferAppend

WIRE_EVENTS = 1024


class Outbound:
    """`wire` and `uplink`: two urgencies, one reader, who gets control first."""

    def __init__(self, uplink_capacity: int, wire_capacity: int = WIRE_EVENTS) -> None:
        """`uplink_capacity` is in bytes of audio, `wire_capacity` in events."""
        self._wire: deque[ClientEvent] = deque()
        self._uplink: deque[InputAudioBufferAppend | Mark] = deque()
        self._wire_capacity, self._uplink_capacity = wire_capacity, uplink_capacity
        self._wire_passed = self._wire_most = 0
        self._uplink_waiting = self._uplink_passed = self._uplink_most = 0
        self._arrival, self._room = Bell(), Bell()
        self._closed = False

    def put_wire(self, events: Sequence[ClientEvent]) -> None:
        """Control: never waits. Raises TransportLost when the far end has stopped reading."""
        if not events:  # most batches ask nothing of the far end: do not wake the writer for them
            return
        if len(self._wire) + len(events) > self._wire_capacity:
            raise TransportLost(f"the far end has stopped reading: {len(self._wire)} events wait to be sent")
        self._wire.extend(events)
        self._wire_passed += len(events)
        self._wire_most = max(self._wire_most, len(self._wire))
        self._arrival.ring()

    async def put_uplink(self, entry: InputAudioBufferAppend | Mark) -> None:
        """Audio: waits while more than the capacity waits already."""
        while self._uplink_waiting > self._uplink_capacity:
            await self._room.wait()
        if isinstance(entry, InputAudioBufferAppend):
            self._uplink_waiting += len(entry.audio)
            self._uplink_passed += len(entry.audio)
            self._uplink_most = max(self._uplink_most, self._uplink_waiting)
        self._uplink.append(entry)
        self._arrival.ring()

    async def take(self) -> tuple[list[ClientEvent], list[Mark]]:
        """Everything that waits, control first, and the marks to settle once it is written. Empty after `close`."""
        while not self._wire and not self._uplink and not self._closed:
            await self._arrival.wait()
        events: list[ClientEvent] = list(self._wire)
        marks: list[Mark] = []
        for entry in self._uplink:
            if isinstance(entry, Mark):
                marks.append(entry)
                events.append(entry.event)
            else:
                events.append(entry)
        self._wire.clear()
        self._uplink.clear()
        self._uplink_waiting = 0
        self._room.ring()
        return events, marks

    def close(self) -> None:
        """Write what is there, and no more."""
        self._closed = True
        self._arrival.ring()

    def abandon(self) -> None:
        """Nothing will be written any more."""
        self._uplink.clear()
        self._wire.clear()
        self._room.ring()

    def statistics(self) -> tuple[MailboxStatistics, MailboxStatistics]:
        """Counters of `wire` and `uplink`."""
        wire = MailboxStatistics("wire", self._wire_capacity, len(self._wire), self._wire_most, self._wire_passed)
        uplink = MailboxStatistics(
            "uplink", self._uplink_capacity, self._uplink_waiting, self._uplink_most, self._uplink_passed
        )
        return wire, uplink

"""Outbound: what goes to the server, control and audio, on its way to the connection.

Most of it is taken in the step that brought it, by a direct write (`direct`); what cannot go at once is for the
connection's writer, in order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from engine.clock import now_ns
from engine.errors import TransportLost
from engine.mailboxes.inline_event import InlineEvent
from engine.mailboxes.statistics import MailboxStatistics
from engine.mailboxes.wakeup import Wakeup
from engine.mailboxes.weights import client_event_weight
from engine.wire.client_events import ClientEvent, InputAudioBufferAppend

WIRE_EVENTS = 1024
"""Events of control that may wait while the application is let go on: beyond it, what it sends waits for room."""
WIRE_BYTES = 8 * 1024 * 1024
"""The same, in bytes of content."""
MOST_WIRE = 16
"""So many times that may wait in all. Nothing but a server that goes on talking and does not read makes so much."""


class Batch(NamedTuple):
    """Events that go to the server in one write."""

    events: Sequence[ClientEvent]
    inline_events: Sequence[InlineEvent] = ()
    """Those of the events that somebody waits for until they are written."""
    enqueued_at: int | None = None
    """When `send_audio` put the oldest of the audio, in nanoseconds; None if there is none."""


class Outbound:
    """`wire` and `uplink`: two urgencies, one line to the server, which gets control first."""

    def __init__(
        self,
        wire_capacity: int = WIRE_EVENTS,
        waited: Callable[[int], None] | None = None,
        wire_bytes: int = WIRE_BYTES,
    ) -> None:
        """Make an empty queue.

        Args:
            wire_capacity: of control, in events.
            wire_bytes: of control, in bytes of content.
            waited: called with the nanoseconds that the oldest event of `wire` has waited, when it is taken.
        """
        self._wire: deque[ClientEvent] = deque()
        self._uplink: Sequence[InputAudioBufferAppend | InlineEvent] = ()
        self.begun: Batch | None = None
        """A batch that a direct write began and did not finish: the writer's next, which nothing may be added to."""
        self._writing = False
        """The writer has taken a batch and not come back for the next."""
        self._wire_capacity, self._wire_bytes_capacity = wire_capacity, wire_bytes
        self._wire_bytes = 0
        self._wire_passed = self._wire_most = self._uplink_passed = 0
        self._waited = waited
        self._wire_since = 0
        self._uplink_since: int | None = None
        self.audio_taken_ns: int | None = None
        """When the application brought the last audio that has been put here, in nanoseconds; None if it never did."""
        self._arrival, self._room, self._wire_room = Wakeup(), Wakeup(), Wakeup()
        self._closed = False

    def put_wire(self, events: Sequence[ClientEvent]) -> None:
        """Add control, which goes with the next write.

        Raises:
            TransportLost: the server goes on talking and does not read: `MOST_WIRE` times the capacity waits.
        """
        self._wire_bytes += sum(map(client_event_weight, events))
        if (
            len(self._wire) + len(events) > self._wire_capacity * MOST_WIRE
            or self._wire_bytes > self._wire_bytes_capacity * MOST_WIRE
        ):
            raise TransportLost(f"the server has stopped reading: {len(self._wire)} events wait to be sent")
        if not self._wire and self._waited is not None:
            self._wire_since = now_ns()
        self._wire.extend(events)
        self._wire_passed += len(events)
        self._wire_most = max(self._wire_most, len(self._wire))

    @property
    def has_wire_room(self) -> bool:
        """Whether the application may have more control written: less than the capacity waits."""
        return len(self._wire) < self._wire_capacity and self._wire_bytes < self._wire_bytes_capacity

    async def wire_room(self) -> None:
        """Wait until `has_wire_room` is true, or nothing is written any more."""
        while not self.has_wire_room and not self._closed:
            await self._wire_room.wait()

    @property
    def has_room(self) -> bool:
        """Whether audio may be put: what was put last is being written, or gone."""
        return not self._uplink

    async def room(self) -> None:
        """Wait until `has_room` is true."""
        while self._uplink:
            await self._room.wait()

    def put_uplink(self, entries: Sequence[InputAudioBufferAppend | InlineEvent], since: int | None) -> None:
        """Add audio, and events among it, for which there is room. It goes with the next write.

        `since` is when the application brought the oldest of it.
        """
        if entries:
            self._uplink, self._uplink_since = entries, since
            if since is not None:
                self.audio_taken_ns = since
            self._uplink_passed += 1

    def begin(self) -> Batch | None:
        """Take the next batch for a direct write, control first; None if nothing waits or somebody is writing.

        It stays in `begun` until the direct write sets that to None: else it is the writer's next batch.
        """
        if self._writing or self.begun is not None or not (self._wire or self._uplink):
            return None
        batch = self._next()
        if not batch.events:
            return None
        self.begun = batch
        return batch

    def wake_writer(self) -> None:
        """Wake the writer, if it waits for something to write."""
        self._arrival.set()

    async def take(self) -> Batch:
        """Wait for the writer's next batch, control first, and return it; after `close` it may have no events."""
        self._writing = False
        while self.begun is None and not self._wire and not self._uplink and not self._closed:
            await self._arrival.wait()
        batch, self.begun = self.begun or self._next(), None
        self._writing = True
        return batch

    def _next(self) -> Batch:
        events: list[ClientEvent] = list(self._wire)
        if events:
            if self._waited is not None:
                self._waited(now_ns() - self._wire_since)
            self._wire_bytes = 0
            self._wire_room.set()
        self._wire.clear()
        if not self._uplink or self._closed:
            return Batch(events)
        inline_events: list[InlineEvent] = []
        for entry in self._uplink:
            if isinstance(entry, InlineEvent):
                inline_events.append(entry)
                events.append(entry.event)
            else:
                events.append(entry)
        self._uplink = ()
        self._room.set()
        return Batch(events, inline_events, self._uplink_since)

    def close(self) -> None:
        """Refuse audio from now on; control that waits, and what was begun, is still written."""
        self._closed = True
        self._arrival.set()
        self._wire_room.set()

    def abandon(self) -> None:
        """Drop everything: nothing will be written any more."""
        self.close()
        self.begun = None
        self._wire.clear()

    def statistics(self) -> tuple[MailboxStatistics, MailboxStatistics]:
        """Return the counters of `wire` (events) and `uplink` (writes)."""
        wire = MailboxStatistics("wire", self._wire_capacity, len(self._wire), self._wire_most, self._wire_passed)
        return wire, MailboxStatistics(
            "uplink", 1, bool(self._uplink), min(1, self._uplink_passed), self._uplink_passed
        )

"""Outbound: what goes to the far end, control and audio, on its way to the connection."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence

import trio

from engine.clock import now_ns
from engine.errors import SessionClosed, TransportLost
from engine.mailboxes.bell import Bell
from engine.mailboxes.mark import Mark
from engine.mailboxes.microphone import Microphone
from engine.mailboxes.statistics import MailboxStatistics
from engine.wire.client_events import ClientEvent

WIRE_EVENTS = 1024


class Outbound:
    """`wire` and `microphone`: two urgencies, one reader, who gets control first."""

    def __init__(
        self,
        microphone: Microphone,
        patience: float,
        wire_capacity: int = WIRE_EVENTS,
        waited: Callable[[int], None] | None = None,
    ) -> None:
        """`patience` is how many seconds a rest of audio waits to become a frame; `wire_capacity` is in events;
        `waited` is told how many nanoseconds the oldest event of `wire` has waited when it is taken."""
        self._wire: deque[ClientEvent] = deque()
        self._wire_capacity = wire_capacity
        self._wire_passed = self._wire_most = 0
        self._waited = waited
        self._wire_since = 0
        self.brought_at: int | None = None
        """When the oldest audio came that was taken last; None if none was."""
        self._audio_since: int | None = None
        self._microphone = microphone
        self._patience = patience
        self._flush_at = math.inf
        self._nap = trio.CancelScope()
        """Around the reader while it waits; its deadline moves with `flush_at`."""
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

    async def put_audio(self, entry: bytes | Mark) -> None:
        """Audio, or a mark among it: waits while more than the capacity waits already. Raises SessionClosed.

        If it is cancelled, nothing was handed over. The reader is woken once for each frame, not for each piece.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        while self._microphone.full and not self._closed:
            await self._room.wait()
        if self._closed:
            raise SessionClosed("the session is closed: audio can no longer be sent")
        if self._audio_since is None:
            self._audio_since = now_ns()
        self._microphone.add(entry)
        if self._microphone.due:
            self._arrival.ring()
        elif self._flush_at == math.inf:
            self._flush_at = self._nap.deadline = trio.current_time() + self._patience

    async def take(self) -> tuple[list[ClientEvent], list[Mark]]:
        """What is to be written now, control first, and the marks to settle once it is. Empty after `close`."""
        with trio.CancelScope(deadline=self._flush_at) as self._nap:
            while not self._wire and not self._microphone.due and not self._closed:
                await self._arrival.wait()
        events: list[ClientEvent] = list(self._wire)
        if events and self._waited is not None:
            self._waited(now_ns() - self._wire_since)
        self._wire.clear()
        self.brought_at = None
        marks: list[Mark] = []
        if not self._closed:
            self._take_audio(events, marks)
        return events, marks

    def _take_audio(self, events: list[ClientEvent], marks: list[Mark]) -> None:
        for entry in self._microphone.take():
            if isinstance(entry, Mark):
                marks.append(entry)
                events.append(entry.event)
            else:
                events.append(entry)
        if self._audio_since is not None:
            self.brought_at, self._audio_since = self._audio_since, None
        self._flush_at = math.inf
        self._room.ring()

    def close(self) -> None:
        """Write what control has to say, and no more."""
        self._closed = True
        self._arrival.ring()
        self._room.ring()

    def abandon(self) -> None:
        """Nothing will be written any more: whoever waits for a mark is told."""
        self.close()
        self._wire.clear()
        self._microphone.close()

    def statistics(self) -> tuple[MailboxStatistics, MailboxStatistics]:
        """Counters of `wire` and `microphone`."""
        wire = MailboxStatistics("wire", self._wire_capacity, len(self._wire), self._wire_most, self._wire_passed)
        return wire, self._microphone.statistics()

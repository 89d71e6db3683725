"""Microphone: what the application wants the far end to hear, on its way to the audio pump."""

from __future__ import annotations

from collections import deque

import trio

from engine.errors import SessionClosed
from engine.mailboxes.bell import Bell
from engine.mailboxes.statistics import MailboxStatistics
from engine.wire.client_events import ClientEvent


class Mark:
    """A client event that keeps its place among the audio, and tells when it has been written."""

    def __init__(self, event: ClientEvent) -> None:
        self.event = event
        self.settled = trio.Event()
        self.written = False

    async def wait(self) -> None:
        """Until it is on the wire. Raises SessionClosed if it never will be."""
        await self.settled.wait()
        if not self.written:
            raise SessionClosed("the session closed before the audio was written")


class Microphone:
    """What the application wants the far end to hear, in order."""

    def __init__(self, capacity: int) -> None:
        """`capacity` is in bytes of audio."""
        self.capacity = capacity
        self._backlog: deque[bytes | Mark] = deque()
        self._marks: list[Mark] = []
        """Those that are not on the wire yet, wherever on the way there they are."""
        self._waiting = self._most = self._passed = 0
        self._arrival, self._room = Bell(), Bell()
        self._closed = False

    async def put(self, entry: bytes | Mark) -> None:
        """Hand over audio or a mark; waits while more than `capacity` bytes wait already. Raises SessionClosed.

        If it is cancelled, nothing was handed over.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        while self._waiting > self.capacity and not self._closed:
            await self._room.wait()
        if self._closed:
            raise SessionClosed("the session is closed: audio can no longer be sent")
        self._backlog.append(entry)
        if isinstance(entry, bytes):
            self._passed += len(entry)
            self._waiting += len(entry)
            self._most = max(self._most, self._waiting)
        else:
            self._marks = [mark for mark in self._marks if not mark.written]
            self._marks.append(entry)
        self._arrival.ring()

    async def take(self) -> list[bytes | Mark]:
        """Everything that waits, at least one entry."""
        while not self._backlog:
            await self._arrival.wait()
        entries = list(self._backlog)
        self._backlog.clear()
        self._waiting = 0
        self._room.ring()
        return entries

    def close(self) -> None:
        """Nobody reads any more, and nothing is written: whoever waits for a mark is told."""
        self._closed = True
        for mark in self._marks:
            mark.settled.set()
        self._marks.clear()
        self._backlog.clear()
        self._room.ring()

    def statistics(self) -> MailboxStatistics:
        """Counters."""
        return MailboxStatistics("microphone", self.capacity, self._waiting, self._most, self._passed)

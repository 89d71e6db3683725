"""Mailbox: a trio memory channel of batches, with a name, a capacity and counters.

A channel of trio's lets other tasks run at each `send` and each `receive`. A mailbox uses their `nowait` forms as long
as there is room, and something to take: a round of the scheduler costs more than the handing over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import trio

from engine.clock import now_ns
from engine.errors import SessionClosed
from engine.mailboxes.statistics import MailboxStatistics

T = TypeVar("T")


class Mailbox(Generic[T]):
    """A queue of batches from any number of writers to one reader.

    `put` and `take` are always cancel points; they are schedule points only where they have to wait. So whoever loops
    around one of them has to wait for something else that other tasks do.
    """

    def __init__(self, name: str, capacity: int, waited: Callable[[int], None] | None = None) -> None:
        """Make an empty mailbox.

        Args:
            name: for its counters.
            capacity: in batches.
            waited: called with the nanoseconds that a batch has waited, when it is taken.
        """
        self.name = name
        self.capacity = capacity
        self.waiting = 0
        """Batches that have been put and not taken; read-only outside of this class."""
        self._send, self._receive = trio.open_memory_channel[tuple[int, Sequence[T]]](capacity)
        self._waited = waited
        self._most = self._passed = 0

    async def put(self, batch: Sequence[T]) -> None:
        """Hand over a batch; wait while the mailbox is full. If this is cancelled, nothing was handed over.

        Raises:
            SessionClosed: there is no reader any more.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        try:
            self.put_nowait(batch)
        except trio.WouldBlock:
            try:
                await self._send.send((now_ns(), batch))
            except trio.BrokenResourceError:
                raise SessionClosed("the session is closed") from None
            self._count()

    def put_nowait(self, batch: Sequence[T]) -> None:
        """Hand over a batch to a reader that never waits.

        Raises:
            trio.WouldBlock: the mailbox is full.
            SessionClosed: there is no reader any more.
        """
        try:
            self._send.send_nowait((now_ns(), batch))
        except trio.BrokenResourceError:
            raise SessionClosed("the session is closed") from None
        self._count()

    async def take(self) -> Sequence[T]:
        """Wait for the oldest batch and return it."""
        await trio.lowlevel.checkpoint_if_cancelled()
        try:
            entry = self._receive.receive_nowait()
        except trio.WouldBlock:
            entry = await self._receive.receive()
        return self._taken(entry)

    def close(self) -> None:
        """Drop what waits, and tell writers that there is no reader any more."""
        self._receive.close()
        self.waiting = 0

    def statistics(self) -> MailboxStatistics:
        """Return the counters; units are batches."""
        return MailboxStatistics(self.name, self.capacity, self.waiting, self._most, self._passed)

    def _count(self) -> None:
        self.waiting += 1
        self._passed += 1
        if self.waiting > self._most:
            self._most = self.waiting

    def _taken(self, entry: tuple[int, Sequence[T]]) -> Sequence[T]:
        since, batch = entry
        self.waiting -= 1
        if self._waited is not None:
            self._waited(now_ns() - since)
        return batch

"""Mailbox: a trio memory channel of batches, with a name, a capacity and counters.

A channel of trio's lets other tasks run at each `send` and each `receive`. A mailbox uses `send_nowait` only, and
`receive` only where it has to wait: a round of the scheduler costs more than the handing over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import trio

from engine.clock import now_ns
from engine.errors import SessionClosed
from engine.mailboxes.statistics import MailboxStatistics
from engine.mailboxes.wakeup import Wakeup

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
        self._room = Wakeup()
        self._most = self._passed = 0

    async def put(self, batch: Sequence[T]) -> None:
        """Hand over a batch; wait while the mailbox is full. If this is cancelled, nothing was handed over.

        Raises:
            SessionClosed: there is no reader any more.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        # Not `send`: its batch may be taken before this task runs again and has counted it.
        while self.waiting >= self.capacity:
            await self._room.wait()
        self.put_nowait(batch)

    async def room(self) -> None:
        """Wait until a batch can be put."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while self.waiting >= self.capacity:
            await self._room.wait()

    @trio.lowlevel.enable_ki_protection
    def put_nowait(self, batch: Sequence[T]) -> None:
        """Hand over a batch to a reader that never waits.

        Raises:
            trio.WouldBlock: the mailbox is full.
            SessionClosed: there is no reader any more.
        """
        if self.waiting >= self.capacity:  # one may be on its way to a reader that sleeps
            raise trio.WouldBlock
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
        self._room.set()

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
        self._room.set()
        if self._waited is not None:
            self._waited(now_ns() - since)
        return batch

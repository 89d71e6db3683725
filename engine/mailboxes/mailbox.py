"""Mailbox: a queue of batches from any number of tasks to one.

Trio's own channel does the same and lets other tasks run at each `put` and each `take`. Here a task goes on as long as
there is room, and something to take: a round of the scheduler costs more than the handing over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import trio

from engine.clock import now_ns
from engine.errors import SessionClosed
from engine.mailboxes.statistics import MailboxStatistics
from engine.mailboxes.wakeup import Bell

T = TypeVar("T")


class Mailbox(Generic[T]):
    """A queue of batches from any number of writers to one reader.

    `put` and `take` are always cancel points; they are schedule points only where they have to wait. So whoever loops
    around one of them has to wait for something else that other tasks do.
    """

    def __init__(self, name: str, capacity: int, waited: Callable[[int], None] | None = None) -> None:
        """`capacity` is in batches. `waited` is told of each how many nanoseconds it has been here."""
        self.name = name
        self.capacity = capacity
        self.batches: deque[Sequence[T]] = deque()
        """What waits. For others to look at, not to touch: that is quicker than to ask."""
        self._waited = waited
        self._since: deque[int] = deque()
        """When the batches came, if somebody wants to know."""
        self._most = self._passed = 0
        self._arrival, self._room = Bell(), Bell()
        self._closed = False

    async def put(self, batch: Sequence[T]) -> None:
        """Hand over a batch; waits while the mailbox is full. If it is cancelled, nothing was handed over.

        Raises:
            SessionClosed: there is no reader any more.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        while len(self.batches) >= self.capacity and not self._closed:
            await self._room.wait()
        self._add(batch)

    def put_nowait(self, batch: Sequence[T]) -> None:
        """Hand over a batch to a reader that never waits.

        Raises:
            trio.WouldBlock: that is not so.
            SessionClosed: there is no reader any more.
        """
        if len(self.batches) >= self.capacity and not self._closed:
            raise trio.WouldBlock
        self._add(batch)

    async def take(self) -> Sequence[T]:
        """The oldest batch."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while not self.batches:
            await self._arrival.wait()
        batch = self.batches.popleft()
        self._tell_waits()
        self._room.ring()
        return batch

    async def take_all(self) -> Sequence[T]:
        """What all batches hold that are there, in order."""
        batch = await self.take()
        return [*batch, *self.take_nowait()] if self.batches else batch

    def take_nowait(self) -> Sequence[T]:
        """The same without waiting: perhaps nothing."""
        if not self.batches:
            return ()
        everything = [entry for batch in self.batches for entry in batch]
        self.batches.clear()
        self._tell_waits()
        self._room.ring()
        return everything

    def close(self) -> None:
        """No reader any more: what waits is dropped and writers are told."""
        self._closed = True
        self.batches.clear()
        self._since.clear()
        self._room.ring()

    def statistics(self) -> MailboxStatistics:
        """Counters."""
        return MailboxStatistics(self.name, self.capacity, len(self.batches), self._most, self._passed)

    def _tell_waits(self) -> None:
        if self._waited is not None:
            now = now_ns()
            while len(self._since) > len(self.batches):
                self._waited(now - self._since.popleft())

    def _add(self, batch: Sequence[T]) -> None:
        if self._closed:
            raise SessionClosed("the session is closed")
        self.batches.append(batch)
        if self._waited is not None:
            self._since.append(now_ns())
        self._passed += 1
        self._most = max(self._most, len(self.batches))
        self._arrival.ring()

"""Overtime: processor time that connections use beyond a small allowance, which all of them share.

A conversation needs a few milliseconds of work a second. Whoever needs more is not refused, but waits: all such work
together gets a part of the processor, first come, first served, so that those who need little find it free.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trio

ALLOWED_SECONDS, ALLOWED_SHARE = 0.02, 0.02
"""Work that a connection may do at once, and its share of a processor from then on."""
OVERTIME_SHARE = 0.1
"""The share of a processor that all connections have together beyond that."""


class Overtime:
    """The work of all connections of a server beyond their allowances."""

    def __init__(self, share: float = OVERTIME_SHARE) -> None:
        self._share = share
        self._line = trio.StrictFIFOLock()
        self._free_at = -1.0

    async def pay(self, seconds: float) -> None:
        """Wait until so many seconds of work, which have been done, are within the share."""
        async with self._line:
            free_at = max(self._free_at, trio.current_time()) + seconds / self._share
            self._free_at = free_at
            await trio.sleep_until(free_at)


class WorkMeter:
    """The work of one connection. What is done `at_work` is measured; `settle` waits for what is beyond the allowance.

    Args:
        overtime: shared by all connections of the server; None: nobody waits.
        clock: of processor time, in seconds.
    """

    def __init__(self, overtime: Overtime | None, clock: Callable[[], float] = time.thread_time) -> None:
        self._overtime = overtime
        self._clock = clock
        self._left = ALLOWED_SECONDS
        self._at = trio.current_time()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Measure a step of work, in which nothing else runs."""
        if self._overtime is None:
            yield
            return
        began = self._clock()
        try:
            yield
        finally:
            self._left -= self._clock() - began

    async def settle(self) -> None:
        """Wait for the overtime that has been used. No checkpoint if there was none."""
        if self._overtime is None:
            return
        now = trio.current_time()
        self._left = min(self._left + (now - self._at) * ALLOWED_SHARE, ALLOWED_SECONDS)
        self._at = now
        if self._left < 0:
            owed, self._left = -self._left, 0.0
            await self._overtime.pay(owed)

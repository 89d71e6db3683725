"""Virtual time: a clock that jumps when every task waits, and a schedule that is the same in every run.

The clock does what `trio.testing.MockClock` does with `autojump_threshold=0`, in half the passes through the event
loop: a simulated call is tens of thousands of jumps. It waits for worker threads, which take no virtual time.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager

import trio._core._run as trio_run  # the one place that knows: there is no public way to fix the schedule
from trio.abc import Clock
from trio.testing import active_thread_count

_WAIT_SECONDS = 60.0
"""A thread that is done wakes the loop; this is only how often it looks."""


class VirtualClock(Clock):
    """A clock that jumps to the earliest deadline when nobody can run. For a `trio.run` without sockets."""

    def __init__(self, begins_s: float = 0.0) -> None:
        self._now = begins_s

    def start_clock(self) -> None:
        """See `Clock.start_clock`."""

    def current_time(self) -> float:
        """See `Clock.current_time`: seconds."""
        return self._now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """See `Clock.deadline_to_sleep_time`. Trio asks when every task waits."""
        if deadline > self._now:
            if deadline == math.inf or active_thread_count():
                return _WAIT_SECONDS
            self._now = deadline
        return 0.0


@contextmanager
def fixed_schedule(seed: int) -> Iterator[None]:
    """Trio runs that begin in this block run tasks that are ready together in an order that depends on the seed."""
    before = trio_run._r, trio_run._ALLOW_DETERMINISTIC_SCHEDULING
    trio_run._r, trio_run._ALLOW_DETERMINISTIC_SCHEDULING = random.Random(seed), True  # type: ignore[misc]
    try:
        yield
    finally:
        trio_run._r, trio_run._ALLOW_DETERMINISTIC_SCHEDULING = before  # type: ignore[misc]

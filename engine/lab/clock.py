"""A clock that jumps: when nobody can run, it is the time of whoever sleeps the shortest.

What `trio.testing.MockClock` does with `autojump_threshold=0`, in half the passes through the event loop: a simulated
call is tens of thousands of jumps. It waits for worker threads, which work in real time and take none of this one.
"""

from __future__ import annotations

import math

from trio.abc import Clock
from trio.testing import active_thread_count

_WAIT_SECONDS = 60.0
"""A thread that is done wakes the loop; this is only how often it looks."""


class VirtualClock(Clock):
    """Begins when it is told to, in seconds. For a `trio.run` without sockets."""

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

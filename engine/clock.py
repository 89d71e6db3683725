"""The session's clock: trio's, in whole nanoseconds, so that virtual time and exact arithmetic come for free."""

from __future__ import annotations

import trio

NS = 1_000_000_000


def now_ns() -> int:
    """Monotonic nanoseconds since an arbitrary moment."""
    # Rounded, not cut off: a task that sleeps until `n / NS` must not wake up at `n - 1`, find nothing due, and so on.
    return round(trio.current_time() * NS)

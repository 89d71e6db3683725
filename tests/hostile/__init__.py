"""What somebody hostile sends, drawn by Hypothesis, with a well-behaved caller beside who must notice nothing.

The tests take a minute at most. `ENGINE_HOSTILE_SECONDS=3600` draws new cases for about so long instead. The load of a
server under attack is measured by `python -m tests.hostile.load`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from hypothesis import HealthCheck, settings

USUAL_EXAMPLES = 25
ASKED_SECONDS = float(os.environ.get("ENGINE_HOSTILE_SECONDS", "0"))
"""How long all tests of this folder draw, together; 0: the usual examples."""
TESTS = 4
"""Tests that share the time."""

SETTINGS = settings(
    max_examples=1_000_000 if ASKED_SECONDS else USUAL_EXAMPLES,
    derandomize=not ASKED_SECONDS,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def time_is_left() -> Callable[[], bool]:
    """Return a function that tells whether a test may draw on, counted from now; always, for the usual examples."""
    end = time.monotonic() + ASKED_SECONDS / TESTS
    return lambda: not ASKED_SECONDS or time.monotonic() < end

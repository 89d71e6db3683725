"""The order in which trio runs its tasks, as data.

Whenever several tasks are ready, trio shuffles them with a generator of its own (only where Hypothesis is imported).
`scheduled(plan)` puts a generator in its place that reads the order from a list of small numbers, so that Hypothesis
can draw the schedule of a program, and shrink it to the few choices that matter. Once the plan is used up, tasks run
oldest first. This is the one file that knows trio's private names; `test_schedule.py` fails when they change.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableSequence, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

import trio._core._run as trio_run
from hypothesis import strategies as st

CHOICES = 8
"""A choice is a number below this; that many tasks are seldom ready at once."""

plans = st.lists(st.integers(0, CHOICES - 1), max_size=64).map(tuple)
"""Schedules for Hypothesis to draw: `()` is oldest first throughout."""


class Planned(Random):
    """Shuffles by plan: each number says which of the waiting tasks, oldest first, runs next."""

    def __init__(self, plan: Sequence[int]) -> None:
        super().__init__(0)
        self._choices = iter(plan)

    def shuffle(self, x: MutableSequence[Any]) -> None:
        waiting = list(x)
        order = [waiting.pop(next(self._choices, 0) % len(waiting)) if len(waiting) > 1 else waiting.pop() for _ in x]
        x[:] = reversed(order)  # trio takes from the end


seeds = st.integers(0, 2**32 - 1)
"""Schedules that are drawn blindly: many more different ones, none of which shrinks to anything that one can read."""

schedules = plans | seeds


@contextmanager
def scheduled(by: Sequence[int] | int) -> Iterator[None]:
    """Trio runs that begin in this block are scheduled by a plan, or by a generator with this seed."""
    if not trio_run._ALLOW_DETERMINISTIC_SCHEDULING:
        raise RuntimeError("trio has not been told that Hypothesis is here: schedules cannot be planned")
    before = trio_run._r
    trio_run._r = Random(by) if isinstance(by, int) else Planned(by)
    try:
        yield
    finally:
        trio_run._r = before

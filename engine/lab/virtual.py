"""Sessions in virtual time: each in a world of its own, whose clock stands still until everybody waits.

Simulated sessions do not touch each other (what they share, the bad minutes, is a function of the run's seed), so each
runs alone, in whichever process has time, and a thousand of them are as many independent pieces of work.

Everything that could differ between two runs of a seed is taken away: the clock, the wall clock, the machine, and the
order in which trio runs tasks that are ready at the same moment, which is otherwise drawn anew in every process.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import trio
import trio._core._run as trio_run  # the one place that knows: there is no public way to fix the schedule

from engine.clock import NS
from engine.lab.clock import VirtualClock
from engine.lab.distributions import Draws
from engine.lab.play import Part, play
from engine.lab.results import SessionResult


def play_virtually(part: Part) -> SessionResult:
    """Hold one call under virtual time. For the same part always the same, to the byte of its log.

    Raises:
        ScenarioError, OSError: see `play`.
    """
    with fixed_schedule(Draws(part.seed, part.number).number("schedule")):
        clock = VirtualClock(part.intended_start_ns / NS)
        return trio.run(partial(play, part, began_ns=0), clock=clock)


@contextmanager
def fixed_schedule(seed: int) -> Iterator[None]:
    """Trio runs that begin in this block run tasks that are ready together in an order that depends on the seed."""
    before = trio_run._r, trio_run._ALLOW_DETERMINISTIC_SCHEDULING
    trio_run._r, trio_run._ALLOW_DETERMINISTIC_SCHEDULING = random.Random(seed), True  # type: ignore[misc]
    try:
        yield
    finally:
        trio_run._r, trio_run._ALLOW_DETERMINISTIC_SCHEDULING = before  # type: ignore[misc]

"""Sessions in virtual time: each in a world of its own, whose clock stands still until everybody waits.

Simulated sessions do not touch each other (what they share, the bad minutes, is a function of the run's seed), so each
runs alone, in whichever process has time, and a thousand of them are as many independent pieces of work.

Everything that could differ between two runs of a seed is taken away: the clock, the wall clock, the machine, and the
order in which trio runs tasks that are ready at the same moment, which is otherwise drawn anew in every process.
"""

from __future__ import annotations

from functools import partial

import trio

from engine.lab.scenario.distributions import Draws
from engine.lab.simulate.results import SessionResult
from engine.lab.simulate.run_call import CallSpec, run_call
from engine.testing.virtual_time import VirtualClock, fixed_schedule
from engine.wire.units import NS_PER_S


def run_call_virtually(spec: CallSpec) -> SessionResult:
    """Hold one call under virtual time. For the same spec always the same, to the byte of its log.

    Raises:
        ScenarioError, OSError: see `run_call`.
    """
    with fixed_schedule(Draws(spec.seed, spec.number).number("schedule")):
        clock = VirtualClock(spec.intended_start_ns / NS_PER_S)
        return trio.run(partial(run_call, spec, began_ns=0), clock=clock)

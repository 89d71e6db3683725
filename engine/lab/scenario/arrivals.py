"""When each session of a run begins: the intended times, which are kept whatever happens.

Arrivals are open-loop: a call does not wait for another to end. What a stall of the harness or of the machine does to
the real start is seen by comparing the two, and cannot hide in a later beginning.
"""

from __future__ import annotations

from engine.lab.scenario.distributions import SHARED, Draws
from engine.lab.scenario.scenario import Sessions
from engine.wire.units import NS_PER_S, NS_PER_US, US_PER_S

_STEP_NS = NS_PER_US


def intended_starts(sessions: Sessions, seed: int) -> tuple[int, ...]:
    """Nanoseconds after the beginning of the run, ascending, one for each session."""
    match sessions.arrive:
        case "poisson":
            return _poisson(sessions.count, sessions.per_minute or 1.0, seed)
        case "trace":
            return _trace(sessions.count, sessions.at_s or (0.0,))
        case _:
            return (0,) * sessions.count


def _poisson(count: int, per_minute: float, seed: int) -> tuple[int, ...]:
    rng = Draws(seed, SHARED).stream("arrivals")
    at, starts = 0, []
    for _ in range(count):
        at += round(rng.expovariate(per_minute / 60) * US_PER_S) * _STEP_NS
        starts.append(at)
    return tuple(starts)


def _trace(count: int, at_s: tuple[float, ...]) -> tuple[int, ...]:
    """The trace again and again, each time behind its own end."""
    once = sorted(round(each * NS_PER_S) for each in at_s)
    length = max(once[-1], NS_PER_S)
    return tuple(once[number % len(once)] + number // len(once) * length for number in range(count))

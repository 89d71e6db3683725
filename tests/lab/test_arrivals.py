"""When sessions begin."""

from __future__ import annotations

from itertools import pairwise

import pytest

from engine.lab.scenario.arrivals import intended_starts
from engine.lab.scenario.scenario import Sessions

S = 1_000_000_000


def test_all_at_once() -> None:
    assert intended_starts(Sessions(count=3), 1) == (0, 0, 0)


def test_poisson_arrivals_come_at_their_rate_and_in_order() -> None:
    starts = intended_starts(Sessions(count=3000, arrive="poisson", per_minute=60), 1)
    assert list(starts) == sorted(starts)
    assert starts[-1] / S == pytest.approx(3000, rel=0.1)
    gaps = [(later - earlier) / S for earlier, later in pairwise(starts)]
    short = sum(gap < 0.5 for gap in gaps) / len(gaps)
    assert short == pytest.approx(0.393, abs=0.04), "exponential gaps: 1 - exp(-0.5)"


def test_arrivals_depend_on_the_seed_alone() -> None:
    sessions = Sessions(count=10, arrive="poisson", per_minute=6)
    assert intended_starts(sessions, 1) == intended_starts(sessions, 1)
    assert intended_starts(sessions, 1) != intended_starts(sessions, 2)


def test_more_sessions_change_no_earlier_arrival() -> None:
    few, many = (Sessions(count=count, arrive="poisson", per_minute=6) for count in (5, 50))
    assert intended_starts(many, 1)[:5] == intended_starts(few, 1)


def test_a_trace_is_repeated() -> None:
    sessions = Sessions(count=5, arrive="trace", at_s=(0.0, 1.5, 4.0))
    assert intended_starts(sessions, 1) == (0, 3 * S // 2, 4 * S, 4 * S, 11 * S // 2)

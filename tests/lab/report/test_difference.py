"""Two runs of one build do not differ; a build that is a little slower does."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import attrs
import pytest

from engine.lab.statistics.difference import Difference, Figure, difference
from engine.lab.statistics.sample import Sample, sample_of

LEVEL = 1 - 0.01 / 45
SESSIONS, TURNS = 30, 10
NAMES = tuple(f"s{at:04}" for at in range(SESSIONS))


def drawn(seed: int, change: Callable[[random.Random, float], float] = lambda rng, value: value) -> Sample:
    """A model with a slow mode and bad sessions."""
    rng, changing = random.Random(seed), random.Random(seed + 1_000_000)
    values = []
    for name in NAMES:
        mood = rng.lognormvariate(0, 0.1) * (1.5 if rng.random() < 0.1 else 1)
        for turn in range(TURNS):
            body = rng.random() < 0.97
            value = mood * (rng.lognormvariate(math.log(0.6), 0.32) if body else rng.lognormvariate(math.log(3.5), 0.4))
            values.append((name, turn, change(changing, value)))
    return sample_of(NAMES, values)


def compared(a: Sample, b: Sample, figure: Figure = Figure.MEAN, *, paired: bool = False) -> Difference:
    return difference(*(a.aligned(b) if paired else (a, b)), figure, paired=paired, level=LEVEL)


@pytest.mark.parametrize("figure", [Figure.MEAN, Figure.P50, Figure.P95])
def test_the_same_build_with_other_seeds_does_not_differ(figure: Figure) -> None:
    assert not any(compared(drawn(seed), drawn(seed + 500), figure).seen(0.0) for seed in range(20))


def test_the_same_run_twice_differs_by_nothing() -> None:
    found = compared(drawn(1), drawn(1), paired=True)
    assert (found.difference, found.paired) == (0.0, 300)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == (0.0, 0.0)


@pytest.mark.parametrize("figure", [Figure.MEAN, Figure.CHANGE])
def test_three_milliseconds_are_seen_turn_by_turn(figure: Figure) -> None:
    noisy = drawn(2, lambda rng, value: value + 0.003 + rng.gauss(0, 0.002))
    found = compared(drawn(2), noisy, figure, paired=True)
    assert found.seen(0.001)
    assert found.difference == pytest.approx(0.003, abs=0.0015)
    assert not compared(drawn(2), noisy).seen(0.001)


def test_a_stall_in_few_turns_is_seen_turn_by_turn() -> None:
    stalled = drawn(3, lambda rng, value: value + (0.06 if rng.random() < 0.3 else 0))
    found = compared(drawn(3), stalled, paired=True)
    assert found.seen(0.001)
    assert found.difference == pytest.approx(0.018, abs=0.006)


def test_eighty_milliseconds_are_seen_between_other_seeds_where_the_values_vary_little() -> None:
    def steady(seed: int, more: float) -> Sample:
        rng = random.Random(seed)
        return sample_of(NAMES, [(name, at, rng.gauss(0.6 + more, 0.1)) for name in NAMES for at in range(TURNS)])

    assert compared(steady(1, 0.0), steady(2, 0.08)).seen(0.001)
    assert not compared(steady(1, 0.0), steady(3, 0.0)).seen(0.0)


def test_only_turns_that_both_have_are_paired() -> None:
    a = drawn(4)
    kept = [(name, at, value) for (name, at), value in drawn(4).by_turn.items() if at != 3]
    b = sample_of((*reversed(NAMES), "s9999"), kept)
    found = compared(a, b, paired=True)
    assert (found.n_a, found.n_b, found.paired) == (270, 270, 270)
    assert found.difference == pytest.approx(0.0)


def test_the_mean_by_hand() -> None:
    names = ("a", "b", "c")
    values = [(name, at, float(at % 2)) for name in names for at in range(4)]
    a = sample_of(names, values)
    b = sample_of(names, [(name, at, value + {"a": 1, "b": 2, "c": 3}[name]) for name, at, value in values])
    found = difference(*a.aligned(b), Figure.MEAN, paired=True, level=0.95)
    assert (found.a, found.b, found.difference) == (0.5, 2.5, 2.0)
    # deviations of the sessions' sums: -4, 0, 4; variance 3/2 * 32 / 144 = 1/3; t of 2 degrees: 4.30265
    assert found.interval is not None
    assert found.interval.high == pytest.approx(2 + 4.302653 * math.sqrt(1 / 3), rel=1e-6)


def test_few_turns_and_few_sessions_are_refused() -> None:
    names = ("a", "b")
    few = sample_of(names, [(name, at, 1.0) for name in names for at in range(4)])
    assert compared(few, few).refusal == "10 turns are needed: there are 8 and 8"
    many = sample_of(names, [(name, at, 1.0) for name in names for at in range(40)])
    assert compared(many, many).refusal == "3 sessions are needed: there are 2 and 2"
    assert compared(many, many, Figure.P95).refusal == "240 turns are needed: there are 80 and 80"
    nobody = sample_of(names, [])
    assert compared(nobody, few).difference is None
    assert not compared(many, many).seen(0.0)


def test_a_few_hits_more_in_every_session_prove_nothing() -> None:
    """Whole numbers agree by chance: without a floor their spread would be zero and the difference certain."""
    names = NAMES[:5]
    a = sample_of(names, [(name, at, 0.0) for name in names for at in range(10)])
    b = sample_of(names, [(name, at, float(at == 0)) for name in names for at in range(10)])
    for paired in (True, False):
        for figure in (Figure.SHARE, Figure.COUNT):
            assert not compared(a, b, figure, paired=paired).seen(0.0)
    all_hit = attrs.evolve(b, values=(1.0,) * 50)
    assert compared(a, all_hit, Figure.SHARE).seen(0.0)


def test_nothing_varies_and_nothing_differs() -> None:
    names = NAMES[:5]
    still = sample_of(names, [(name, at, 1.0) for name in names for at in range(10)])
    found = compared(still, still)
    assert found.interval is not None
    assert not found.seen(0.0)

"""Figures by hand, and what must hold of any figures."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.lab.statistics.bootstrap import draws_for, multiplicities, rank_of, resampled_percentiles
from engine.lab.statistics.estimates import ecdf, mean_variance, percentile_of, percentiles, share, turns_needed
from engine.lab.statistics.sample import Sample, sample_of
from engine.lab.statistics.student_t import t_quantile

finite = st.floats(-1e3, 1e3)


def drawn(seed: int, sessions: int = 20, turns: int = 20) -> Sample:
    rng = random.Random(seed)
    names = [f"s{at:04}" for at in range(sessions)]
    return sample_of(names, [(name, at, rng.lognormvariate(-0.5, 0.3)) for name in names for at in range(turns)])


def test_ecdf_by_hand() -> None:
    assert ecdf([0.3, 0.1, 0.3, 0.2]) == ((0.1, 0.25), (0.2, 0.5), (0.3, 1.0))
    assert ecdf([0.5, 0.7], missing=2) == ((0.5, 0.25), (0.7, 0.5))
    assert ecdf([]) == ()


@given(st.lists(finite, min_size=1), st.integers(0, 5))
def test_an_ecdf_rises_and_ends_at_those_who_have_a_value(values: list[float], missing: int) -> None:
    steps = ecdf(values, missing)
    assert all(x0 < x1 and y0 < y1 for (x0, y0), (x1, y1) in pairwise(steps))
    assert steps[-1][1] == len(values) / (len(values) + missing)


def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed() -> None:
    values = [float(at) for at in range(1, 101)]
    assert [percentile_of(values, percent) for percent in (1, 50, 95, 99, 99.5)] == [1, 50, 95, 99, 100]
    assert percentile_of([7.0], 99) == 7.0
    with pytest.raises(ValueError, match="no values"):
        percentile_of([], 50)


@given(st.integers(1, 3000), st.sampled_from([5.0, 50.0, 90.0, 95.0, 99.0, 99.9]))
def test_ranks_are_exact_where_floats_are_not(n: int, percent: float) -> None:
    rank = rank_of(percent, n)
    assert rank * 1000 >= round(percent * 10) * n > (rank - 1) * 1000


def test_the_turns_that_a_percentile_needs() -> None:
    assert {percent: turns_needed(percent) for percent in (5, 50, 90, 95, 99, 99.9)} == {
        5: 60, 50: 6, 90: 30, 95: 60, 99: 300, 99.9: 3000,
    }  # fmt: skip
    with pytest.raises(ValueError, match="no percentile"):
        turns_needed(100)


def test_a_percentile_from_too_few_turns_is_refused_with_the_number_needed() -> None:
    p50, _, p95, p99 = percentiles(drawn(1, sessions=13, turns=23))
    assert (p50.n, p50.sessions, p50.refusal) == (299, 13, None)
    assert p95.value is not None
    assert (p99.name, p99.value, p99.interval) == ("p99", None, None)
    assert p99.refusal == "a p99 needs 300 turns: there are 299"
    assert percentiles(drawn(1, sessions=1, turns=1))[0].refusal == "a p50 needs 6 turns: there is 1"
    assert percentiles(drawn(1, sessions=15, turns=20))[-1].value is not None


def test_one_session_has_percentiles_and_no_intervals() -> None:
    figures = percentiles(drawn(3, sessions=1, turns=400))
    assert all(figure.value is not None and figure.interval is None for figure in figures)


def test_the_bootstrap_is_the_same_every_time_and_holds_the_estimate() -> None:
    once, again = percentiles(drawn(5)), percentiles(drawn(5))
    assert once == again
    for figure in once:
        assert figure.value is not None
        assert figure.interval is not None
        assert figure.interval.low <= figure.value <= figure.interval.high


def test_sessions_are_drawn_whole() -> None:
    drawn_sessions = multiplicities(7, 50, 1)
    assert drawn_sessions.shape == (50, 7)
    assert set(drawn_sessions.sum(axis=1).tolist()) == {7}
    assert drawn_sessions[0].tolist() == multiplicities(7, 50, 1)[0].tolist()


def test_turns_that_repeat_within_a_session_make_no_figure_surer() -> None:
    names = [f"s{at}" for at in range(30)]
    rng = random.Random(8)
    of_session = {name: rng.lognormvariate(0, 0.4) for name in names}
    few = percentiles(sample_of(names, [(name, at, of_session[name]) for name in names for at in range(2)]), (50,))[0]
    many = percentiles(sample_of(names, [(name, at, of_session[name]) for name in names for at in range(50)]), (50,))[0]
    assert few.interval == many.interval


@pytest.mark.parametrize("sessions", [4, 25])
def test_intervals_hold_the_truth_as_often_as_they_say(sessions: int) -> None:
    """The median of these draws is exp(-0.5) by definition; 95 % of intervals must hold it, give or take luck."""
    held = 0
    for seed in range(100):
        interval = percentiles(drawn(100 + seed, sessions, 10), (50,))[0].interval
        assert interval is not None
        held += interval.low <= math.exp(-0.5) <= interval.high
    assert held >= 88


def test_a_share_by_hand() -> None:
    names = [f"s{at}" for at in range(201)]
    none = share(sample_of(names, [(name, 0, 0.0) for name in names]))
    assert (none.hits, none.of, none.value) == (0, 201, 0.0)
    assert none.interval is not None
    t = 1.971896  # two-sided 95 %, 200 degrees
    assert none.interval.low == 0.0
    assert none.interval.high == pytest.approx(t * t / (201 + t * t), rel=1e-5)
    assert share(sample_of(names, [])).value is None


def test_a_share_whose_hits_keep_to_few_sessions_is_less_sure() -> None:
    names = [f"s{at}" for at in range(20)]
    spread = share(sample_of(names, [(name, at, float(at == 0)) for name in names for at in range(10)]))
    lumped = share(sample_of(names, [(name, at, float(name in ("s0", "s1"))) for name in names for at in range(10)]))
    assert (spread.hits, lumped.hits) == (20, 20)
    assert spread.interval is not None
    assert lumped.interval is not None
    assert lumped.interval.high - lumped.interval.low > 2 * (spread.interval.high - spread.interval.low)


def test_the_variance_of_a_mean_by_hand() -> None:
    sample = sample_of(["a", "b"], [("a", 0, 1.0), ("a", 1, 2.0), ("b", 0, 6.0)])
    assert mean_variance(sample) == pytest.approx(2 / 1 * (9 + 9) / 9)


def test_values_of_a_session_that_is_not_of_the_run() -> None:
    with pytest.raises(ValueError, match="does not have: b"):
        sample_of(["a"], [("b", 0, 1.0)])


@pytest.mark.parametrize(
    ("probability", "degrees", "tabled"),
    [(0.975, 1, 12.7062), (0.975, 2, 4.30265), (0.975, 5, 2.57058), (0.95, 6, 1.94318), (0.9995, 7, 5.40788)],
)
def test_students_t_against_the_table(probability: float, degrees: int, tabled: float) -> None:
    assert t_quantile(probability, degrees) == pytest.approx(tabled, rel=1e-5)


def test_students_t_has_limits() -> None:
    assert t_quantile(0.975, 5000) == pytest.approx(1.97, abs=0.005)
    with pytest.raises(ValueError, match="degrees of freedom"):
        t_quantile(0.4, 3)


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(-3, 3)), min_size=1, max_size=60),
    st.integers(0, 10**6),
    st.sampled_from([5.0, 50.0, 95.0, 99.0]),
)
def test_a_draw_is_the_percentile_of_the_sessions_that_it_holds(
    rows: list[tuple[int, int]], seed: int, percent: float
) -> None:
    """Against the plain way: copy the values of each session as often as it was drawn, and look."""
    names = [f"s{at}" for at in range(5)]
    sample = sample_of(names, [(f"s{owner}", at, float(value)) for at, (owner, value) in enumerate(rows)])
    found = resampled_percentiles(sample, (percent,), seed)[:20, 0]
    for drawn_often, value in zip(multiplicities(5, draws_for(5), seed)[:20], found, strict=True):
        copied = [float(value) for owner, value in rows for _ in range(int(drawn_often[owner]))]
        assert math.isnan(value) if not copied else value == percentile_of(sorted(copied), percent)

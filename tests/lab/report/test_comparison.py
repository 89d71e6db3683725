"""What `compare` sees, and what it does not: whole runs, every comparison together."""

from __future__ import annotations

import attrs
import pytest

from engine.lab.report.comparison import Seen, compare, is_paired
from engine.lab.report.comparison_page import comparison_page
from engine.lab.report.verdict import how, verdict
from tests.lab.report.calls import Build
from tests.lab.report.html_check import checked
from tests.lab.report.runs import run_of

BEFORE = Build(noise_ms=5, noise_seed=1)


@pytest.mark.parametrize("seed", range(6))
def test_two_runs_of_one_build_do_not_differ(seed: int) -> None:
    again = compare(run_of(seed, BEFORE), run_of(seed, attrs.evolve(BEFORE, noise_seed=2)))
    assert verdict(again) == f"no difference seen in {again.tested} comparisons"
    assert not again.regression
    other = compare(run_of(seed, BEFORE), run_of(seed + 100, attrs.evolve(BEFORE, noise_seed=2)))
    assert other.seen is Seen.NOTHING
    assert not other.paired


@pytest.mark.parametrize(
    ("after", "where"),
    [
        (Build(model_ms=80, noise_ms=5, noise_seed=2), "model_ttfa"),
        (Build(tool_ms=60, noise_ms=5, noise_seed=2), "tool_time of find_order"),
        (Build(engine_ms=3, noise_ms=5, noise_seed=2), "yield_latency_engine"),
    ],
    ids=["model 80 ms later", "60 ms stall in one tool", "engine 3 ms slower"],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_planted_regression_is_found_where_it_is(after: Build, where: str, seed: int) -> None:
    found = compare(run_of(seed, BEFORE), run_of(seed, after))
    assert found.regression
    assert where in {each.measure.name for each in found.having(Seen.WORSE)}
    assert not found.having(Seen.BETTER)
    untouched = {each.measure.name for each in found.compared} - {
        each.measure.name for each in found.having(Seen.WORSE)
    }
    assert {"response_rate", "endpoint_delay", "tool_time of refund_policy"} <= untouched


def test_a_run_that_is_faster_is_better_and_no_regression() -> None:
    found = compare(run_of(1, Build(model_ms=80)), run_of(1))
    assert found.seen is Seen.BETTER
    assert not found.regression
    assert verdict(found).startswith("B is better: ")


def test_the_same_run_twice_has_no_difference_at_all() -> None:
    found = compare(run_of(), run_of())
    assert found.paired
    assert all(each.difference.difference in (0.0, None) for each in found.compared)
    assert "turn by turn" in how(found)


def test_too_few_turns_to_tell() -> None:
    found = compare(run_of(sessions=1), run_of(sessions=1))
    assert found.seen is Seen.TOO_FEW
    assert verdict(found) == "too few turns to tell: hold more calls"
    assert not found.regression


def test_the_least_difference_that_anybody_cares_for() -> None:
    before, after = run_of(), run_of(build=Build(engine_ms=3))
    assert compare(before, after).regression
    assert not compare(before, after, least_s=0.005).regression


def test_what_only_one_run_has_is_said() -> None:
    before, after = run_of(), run_of()
    without = attrs.evolve(after, turns=tuple(attrs.evolve(turn, tools=()) for turn in after.turns))
    found = compare(before, without)
    assert "tool_time of find_order" in found.only_a
    assert found.only_b == ()
    assert "Only A has" in comparison_page(before, without, found)


def test_runs_are_paired_by_seed_and_script() -> None:
    assert is_paired(run_of(1), run_of(1))
    assert not is_paired(run_of(1), run_of(2))
    assert not is_paired(run_of(1), run_of(1, script="another"))


def test_sessions_that_one_run_did_not_reach_are_left_out() -> None:
    whole, cut = run_of(sessions=30), run_of(sessions=20)
    found = compare(whole, cut)
    gap = next(each for each in found.compared if each.measure.name == "turn_gap")
    assert gap.difference.paired == gap.difference.n_b < len(whole.turns)
    assert found.seen is Seen.NOTHING


def test_the_page_of_a_comparison_is_whole() -> None:
    before, after = run_of(1), run_of(1, Build(model_ms=80))
    page = checked(comparison_page(before, after, compare(before, after)))
    assert "B is worse: " in page.words
    assert "+80.0 ms" in page.words
    assert page.count("figure") >= 4
    assert page.words.count("n = ") >= 8


def test_the_page_without_a_difference_says_so() -> None:
    page = checked(comparison_page(run_of(1), run_of(2), compare(run_of(1), run_of(2))))
    assert "no difference seen in" in page.words
    assert "their seeds or scripts differ" in page.words


def test_two_clocks_are_said() -> None:
    virtual = run_of(1, sessions=3)
    real = attrs.evolve(virtual, info=attrs.evolve(virtual.info, clock="real"))
    found = compare(real, virtual)
    assert "A: real time, B: virtual time" in checked(comparison_page(real, virtual, found)).words
    assert "real time" in checked(comparison_page(real, real, compare(real, real))).words

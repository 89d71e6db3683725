"""Budgets: read, refused, and held against what was measured."""

from __future__ import annotations

import pytest

from engine.errors import SettingsError
from engine.lab.statistics.budgets import judge, read_budget, statistic


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("turn_gap p95 < 1200 ms", ("turn_gap", "p95", "<", 1.2)),
        ("turn_gap mean <= 1.5 s", ("turn_gap", "mean", "<=", 1.5)),
        ("response_rate > 0.99", ("response_rate", None, ">", 0.99)),
        ("response_rate >= 99 %", ("response_rate", None, ">=", 0.99)),
        ("underruns max < 1", ("underruns", "max", "<", 1.0)),
        ("  turn_gap   p99.9<3s ", ("turn_gap", "p99.9", "<", 3.0)),
    ],
)
def test_budgets_are_read(text: str, expected: tuple[str, str | None, str, float]) -> None:
    budget = read_budget(text)
    assert (budget.name, budget.statistic, budget.comparison) == expected[:3]
    assert budget.limit == pytest.approx(expected[3])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("turn_gap", "expected something like"),
        ("turn_gap p95 = 3 s", "expected something like"),
        ("turngap p95 < 3 s", "did you mean 'turn_gap'"),
        ("turn_gap < 3 s", "which statistic"),
        ("turn_gap p95 < 1200", "needs its unit"),
        ("turn_gap p101 < 3 s", "between p0 and p100"),
        ("response_rate p50 > 0.9", "is a rate"),
        ("response_rate > 3 s", "is a rate"),
        ("underruns max < 1 ms", "no unit of time"),
    ],
)
def test_what_is_no_budget_says_why(text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        read_budget(text)


def test_a_budget_bites() -> None:
    budget = read_budget("turn_gap p50 < 1000 ms")
    kept, broken = judge(budget, [0.8, 0.9, 2.0]), judge(budget, [0.8, 1.1, 2.0])
    assert (kept.held, kept.value, kept.limit, kept.n) == (True, 900.0, 1000.0, 3)
    assert not broken.held
    assert broken.line == "NOT HELD: turn_gap p50 < 1000 ms (it is 1100, n = 3; 6 would make it sure)"


def test_a_rate_is_a_share() -> None:
    verdict = judge(read_budget("response_rate > 90 %"), [1.0] * 9 + [0.0])
    assert not verdict.held
    assert verdict.value == 90.0


def test_nothing_to_measure_is_not_held() -> None:
    verdict = judge(read_budget("turn_gap p50 < 1 s"), [])
    assert not verdict.held
    assert "nothing to measure" in verdict.line


def test_percentiles_are_values_that_were_measured() -> None:
    values = [1.0, 2.0, 3.0, 4.0, 5.0]
    assert statistic("p50", values) == 3.0
    assert statistic("p90", values) == 5.0
    assert statistic("p100", values) == statistic("max", values) == 5.0

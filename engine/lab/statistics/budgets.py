"""Budgets: what a run is expected to keep, written as `turn_gap p95 < 1200 ms` or `response_rate > 0.99`.

A metric's budget names a statistic: p50, p95, p99.9, mean, min or max, over the turns that have the metric. A rate's
names none. Where there is nothing to measure, a budget is not held: silence is no success.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

import attrs

from engine._messages import suggest
from engine.errors import SettingsError
from engine.lab.statistics.estimates import percentile_of, turns_needed
from engine.latency.metrics import METRICS
from engine.latency.rates import RATES
from engine.latency.turns import TurnRecord

_WRITTEN = re.compile(
    r"\s*(?P<name>\w+)(?:\s+(?P<statistic>p\d+(?:\.\d+)?|mean|min|max))?\s*"
    r"(?P<comparison><=|>=|<|>)\s*(?P<limit>-?\d+(?:\.\d+)?)\s*(?P<unit>ms|s|%)?\s*"
)
_HOLDS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FACTORS: Final[Mapping[str | None, float]] = {"ms": 0.001, "s": 1.0, "%": 0.01, None: 1.0}


@attrs.frozen
class Budget:
    """One expectation, read."""

    text: str
    name: str
    statistic: str | None
    """None: a rate."""
    comparison: Literal["<", "<=", ">", ">="]
    limit: float
    """In seconds, a share, or a count, as the metric has it."""
    unit: str | None
    """As it was written: `ms`, `s` or `%`."""


@attrs.frozen
class BudgetVerdict:
    """Whether a budget was held."""

    text: str
    held: bool
    value: float | None
    """In the unit of the budget's text; None: there was nothing to measure."""
    limit: float
    n: int
    """How many turns were measured."""

    @property
    def line(self) -> str:
        """For people."""
        found = "nothing to measure" if self.value is None else f"it is {self.value:.4g}"
        few = f"; {self.needed} would make it sure" if 0 < self.n < self.needed else ""
        return f"{'held' if self.held else 'NOT HELD'}: {self.text} ({found}, n = {self.n}{few})"

    @property
    def needed(self) -> int:
        """How many turns the report would ask for; 0 of anything but a percentile."""
        found = _WRITTEN.fullmatch(self.text)
        name = (found["statistic"] if found else None) or ""
        percent = float(name[1:]) if name.startswith("p") else 0.0
        return turns_needed(percent) if 0 < percent < 100 else 0


def budgets(texts: Sequence[str]) -> tuple[Budget, ...]:
    """Read budgets.

    Raises:
        SettingsError: one cannot be read; the message names what would be right.
    """
    return tuple(read_budget(text) for text in texts)


def read_budget(text: str) -> Budget:
    """Read one budget. Raises SettingsError."""
    match = _WRITTEN.fullmatch(text)
    if match is None:
        raise SettingsError(f"budget {text!r}: expected something like 'turn_gap p95 < 1200 ms' or 'yield_rate > 0.9'")
    name, statistic, unit = match["name"], match["statistic"], match["unit"]
    if name not in METRICS and name not in RATES:
        known = (*METRICS, *RATES)
        hint = suggest(name, known, f"; there are {', '.join(known)}")
        raise SettingsError(f"budget {text!r}: there is no metric {name!r}{hint}")
    if name in METRICS:
        _check_metric(text, METRICS[name].unit, statistic, unit)
    elif statistic is not None or unit in ("ms", "s"):
        raise SettingsError(f"budget {text!r}: {name} is a rate, a share of turns: expected '{name} > 0.99'")
    comparison: Literal["<", "<=", ">", ">="] = match["comparison"]  # type: ignore[assignment]
    return Budget(text, name, statistic, comparison, float(match["limit"]) * _FACTORS[unit], unit)


def _check_metric(text: str, measured_in: str, statistic: str | None, unit: str | None) -> None:
    if statistic is None:
        raise SettingsError(f"budget {text!r}: which statistic? p50, p95, p99, mean, min or max goes before the sign")
    if statistic.startswith("p") and not 0 <= float(statistic[1:]) <= 100:
        raise SettingsError(f"budget {text!r}: a percentile lies between p0 and p100")
    if measured_in == "s" and unit not in ("ms", "s"):
        raise SettingsError(f"budget {text!r}: a time needs its unit, ms or s")
    if measured_in != "s" and unit is not None:
        raise SettingsError(f"budget {text!r}: this metric has no unit of time: write the number alone")


def measure(budget: Budget, turns: Sequence[TurnRecord]) -> tuple[float, ...]:
    """What a budget looks at: a metric's value of each turn that has one; of a rate, 1 or 0 for each turn it is of."""
    if budget.statistic is None:
        rate = RATES[budget.name]
        return tuple(float(rate.hits(turn)) for turn in turns if rate.of(turn))
    return tuple(value for turn in turns if (value := METRICS[budget.name].of(turn)) is not None)


def judge(budget: Budget, measured: Sequence[float]) -> BudgetVerdict:
    """Hold what was measured in a run against a budget."""
    value = statistic(budget.statistic or "mean", sorted(measured)) if measured else None
    held = value is not None and _HOLDS[budget.comparison](value, budget.limit)
    factor = _FACTORS[budget.unit]
    shown = None if value is None else round(value / factor, 6)
    return BudgetVerdict(budget.text, held, shown, round(budget.limit / factor, 6), len(measured))


def statistic(name: str, values: Sequence[float]) -> float:
    """A statistic of sorted values, at least one. A percentile is the one of the report: a value that was measured."""
    match name:
        case "mean":
            return sum(values) / len(values)
        case "min":
            return values[0]
        case "max":
            return values[-1]
        case _:
            return percentile_of(values, float(name[1:]))

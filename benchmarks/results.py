"""What was measured: repetitions by scenario and client, their medians and spreads, ratios within a repetition."""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path
from typing import Any

import attrs

from benchmarks.competitors import COMPETITORS
from benchmarks.goals import Goal
from benchmarks.scenario import Metric

Figures = dict[str, float]


@attrs.frozen
class Spread:
    """The median of some repetitions, the smallest and the largest."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: list[float]) -> Spread | None:
        good = [value for value in values if not math.isnan(value)]
        if not good:
            return None
        return cls(statistics.median(good), min(good), max(good), len(good))


@attrs.define
class Results:
    """Everything of one run of the benchmark; what is here is what gets saved."""

    about: dict[str, Any] = attrs.Factory(dict)
    missing: dict[str, str] = attrs.Factory(dict)
    figures: dict[str, dict[str, dict[int, Figures]]] = attrs.Factory(dict)
    curves: dict[str, dict[str, dict[str, list[float]]]] = attrs.Factory(dict)
    faults: dict[str, dict[str, list[str]]] = attrs.Factory(dict)

    def add(self, scenario: str, client: str, repetition: int, figures: Figures) -> None:
        self.figures.setdefault(scenario, {}).setdefault(client, {})[repetition] = figures

    def fault(self, scenario: str, client: str, what: str) -> None:
        self.faults.setdefault(scenario, {}).setdefault(client, []).append(what)

    def spread(self, scenario: str, client: str, key: str) -> Spread | None:
        repetitions = self.figures.get(scenario, {}).get(client, {})
        return Spread.of([figures[key] for figures in repetitions.values() if key in figures])

    def ratios(self, scenario: str, key: str, client: str, other: str) -> list[float]:
        """What `client` came to as a multiple of `other`, in each repetition in which both were above zero."""
        clients = self.figures.get(scenario, {})
        theirs = clients.get(other, {})
        pairs = [
            (figures.get(key, math.nan), theirs.get(repetition, {}).get(key, math.nan))
            for repetition, figures in clients.get(client, {}).items()
        ]
        return [own / rival for own, rival in pairs if own > 0 and rival > 0]

    def verdict(self, goal: Goal, scenario: str, metric: Metric, engine: str) -> Verdict | None:
        """Where the engine stands with a goal; None if it was not measured, or nothing to compare with was."""
        repetitions = self.figures.get(scenario, {})
        ours = repetitions.get(engine, {})
        measured: list[float] = []
        for repetition, figures in ours.items():
            own = figures.get(goal.metric, math.nan)
            if goal.against == "absolute":
                measured.append(own)
                continue
            others = [
                found[repetition][goal.metric]
                for name, found in repetitions.items()
                if name in _rivals(goal) and repetition in found and goal.metric in found[repetition]
            ]
            others = [other for other in others if not math.isnan(other)]
            if not others or math.isnan(own):
                continue
            rival = min(others) if metric.lower_is_better else max(others)
            measured.append(own / rival if rival else math.nan)
        spread = Spread.of(measured)
        if spread is None:
            return None
        met = spread.median >= goal.limit if goal.at_least else spread.median <= goal.limit
        return Verdict(goal, spread, met)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(attrs.asdict(self), indent=1))

    @classmethod
    def read(cls, path: Path) -> Results:
        fields = json.loads(path.read_text())
        for clients in fields["figures"].values():
            for name, repetitions in clients.items():
                clients[name] = {int(number): figures for number, figures in repetitions.items()}
        return cls(**fields)


@attrs.frozen
class Verdict:
    """A goal, what was measured against it (a ratio, unless the goal is absolute), and whether it is met."""

    goal: Goal
    measured: Spread
    met: bool


def _rivals(goal: Goal) -> set[str]:
    if goal.against == "client":
        return {goal.client}
    return {competitor.name for competitor in COMPETITORS if competitor.group == "peer"}

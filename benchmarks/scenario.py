"""What a scenario is: what to ask of one client in one repetition, and how to read figures out of the answers.

One scenario, one file under scenarios/, one row (or a few) of the table. A scenario knows nothing of any client.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs

from benchmarks.competitors import Group
from benchmarks.job import Job
from benchmarks.plan import Plan

EVERYBODY: tuple[Group, ...] = ("engine", "floor", "peer", "part")
SESSIONS_ONLY: tuple[Group, ...] = ("engine", "peer")


@attrs.frozen
class Step:
    """One client process against one plan of the load server. `module` replaces the client's own file."""

    plan: Plan
    job: Job
    module: str | None = None
    seconds: float = 5.0


@attrs.frozen
class Outcome:
    """What a step gave: the client's report and the server's."""

    client: dict[str, Any]
    server: dict[str, Any]


@attrs.frozen
class Metric:
    """One figure: its key, what it is called in the table, its unit, and which way is better."""

    key: str
    title: str
    unit: str
    digits: int = 1
    lower_is_better: bool = True


@attrs.frozen
class Scenario:
    name: str
    title: str
    metrics: tuple[Metric, ...]
    steps: Callable[[bool], Sequence[Step]]
    read: Callable[[Sequence[Outcome]], dict[str, float]]
    groups: tuple[Group, ...] = EVERYBODY
    tolerant: bool = False
    """Its figures mean something even when a session failed, as it drives libraries over their limits."""
    curves: Callable[[Sequence[Outcome]], dict[str, list[float]]] | None = None

    def seconds(self, quick: bool) -> float:
        """About how long one client takes for one repetition."""
        return sum(step.seconds for step in self.steps(quick))


def per_delta_us(outcome: Outcome) -> float:
    """CPU microseconds of the client process for each audio delta of the measured part."""
    deltas = outcome.client["measured_deltas"]
    return float(outcome.client["cpu_ns"] / 1e3 / deltas) if deltas else float("nan")


AT_ITS_LIMIT = ("ended by its limit", "the server stopped at its limit")


def failed(words: Sequence[str]) -> bool:
    """Whether these faults are failures, and not only a run that was cut at its limit of time."""
    return any(not word.startswith(AT_ITS_LIMIT) for word in words)


def faults(outcome: Outcome) -> list[str]:
    """What is to be named beside the figures of an outcome."""
    found = list(outcome.client.get("errors", []))
    found += outcome.server.get("failures", [])
    if outcome.server.get("timed_out"):
        found.append("the server stopped at its limit")
    return found

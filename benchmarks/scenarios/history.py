"""What a transcript delta costs with 10, 1,000 and 5,000 items in history: it should not matter."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.job import Job
from benchmarks.plan import Plan
from benchmarks.scenario import SESSIONS_ONLY, Metric, Outcome, Scenario, Step

ITEMS = (10, 1_000, 5_000)


def words(quick: bool) -> int:
    return 500 if quick else 6_000


def steps(quick: bool) -> list[Step]:
    return [
        Step(
            Plan(mode="history", history=items, transcript_deltas=words(quick), warmup_deltas=1, limit_s=60),
            Job(ends=1, limit_s=60),
            seconds=4 + items / 1500,
        )
        for items in ITEMS
    ]


def read(outcomes: Sequence[Outcome]) -> dict[str, float]:
    costs = {}
    for items, outcome in zip(ITEMS, outcomes, strict=True):
        costs[f"history_{items}"] = outcome.client["cpu_ns"] / 1e3 / outcome.server["transcript_deltas"][0]
    costs["history_growth"] = costs["history_5000"] / costs["history_10"]
    return costs


SCENARIO = Scenario(
    "history",
    "transcript deltas with a long history",
    (
        Metric("history_10", "CPU per transcript delta, 10 items in history", "us"),
        Metric("history_1000", "... 1,000 items", "us"),
        Metric("history_5000", "... 5,000 items", "us"),
        Metric("history_growth", "5,000 items against 10", "x", 2),
    ),
    steps,
    read,
    groups=SESSIONS_ONLY,
)

"""Memory: the whole process once imported and with one session; each idle session; ten minutes of conversation."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.job import Job
from benchmarks.plan import Plan
from benchmarks.scenario import EVERYBODY, Metric, Outcome, Scenario, Step

FEW, MANY = 10, 110
TALKING = 5
TEN_MINUTES_OF_DELTAS = 2_400


def steps(quick: bool) -> list[Step]:
    deltas = TEN_MINUTES_OF_DELTAS // (4 if quick else 1)
    idle = Plan(mode="idle", sessions=MANY, limit_s=30)
    conversation = Plan(sessions=TALKING, deltas_per_turn=40, turns=deltas // 40, warmup_deltas=40, limit_s=60)
    return [
        Step(idle, Job(kind="idle", sessions=MANY, steps=(1, FEW, MANY), limit_s=30), seconds=7),
        Step(conversation, Job(sessions=TALKING, ends=TALKING, limit_s=60), seconds=6),
    ]


def read(outcomes: Sequence[Outcome]) -> dict[str, float]:
    idle, talk = (outcome.client for outcome in outcomes)
    one, few, many = idle["steps"]
    grown = talk["memory_end"]["private"] - talk["memory_open"]["private"]
    return {
        "memory_import": idle["memory_import"]["rss"] / 1024,
        "memory_one": one["rss"] / 1024,
        "memory_idle": (many["private"] - few["private"]) / (MANY - FEW),
        "memory_talk": grown / TALKING,
    }


SCENARIO = Scenario(
    "memory",
    "memory",
    (
        Metric("memory_import", "whole process once imported", "MB"),
        Metric("memory_one", "whole process with one session open", "MB"),
        Metric("memory_idle", "each idle session", "KB", 0),
        Metric("memory_talk", "growth of a session by ten minutes of talk", "KB", 0),
    ),
    steps,
    read,
    groups=EVERYBODY,
)

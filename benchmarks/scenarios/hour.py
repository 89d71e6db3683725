"""One hour of conversation under virtual time: tasks, descriptors and memory at the end against the tenth minute.

Only this engine has virtual time; the server is simulated in the same process: no load server and no other library
takes part.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.job import Job
from benchmarks.plan import Plan
from benchmarks.scenario import Metric, Outcome, Scenario, Step


def steps(quick: bool) -> list[Step]:
    seconds = 1200.0 if quick else 3580.0
    job = Job(sessions=1, hold_s=seconds, limit_s=300)
    return [Step(Plan(mode="idle", limit_s=5), job, module="engine_hour", seconds=20 if quick else 60)]


def read(outcomes: Sequence[Outcome]) -> dict[str, float]:
    seen = outcomes[0].client
    early, late = seen["tenth_minute"], seen["end"]
    return {
        "hour_tasks": late["tasks"] - early["tasks"],
        "hour_descriptors": late["descriptors"] - early["descriptors"],
        "hour_memory": (late["private"] - early["private"]) / 1024,
        "hour_took": seen["took_s"],
    }


SCENARIO = Scenario(
    "hour",
    "an hour of conversation under virtual time",
    (
        Metric("hour_tasks", "tasks more than at the tenth minute", "", 0),
        Metric("hour_descriptors", "descriptors more than at the tenth minute", "", 0),
        Metric("hour_memory", "memory more than at the tenth minute", "MB", 2),
        Metric("hour_took", "real time that the hour took", "s", 1),
    ),
    steps,
    read,
    groups=("engine",),
)

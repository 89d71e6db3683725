"""Time to import, to open 100 sessions at once, and to close 100 sessions in the middle of their speech."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.job import Job
from benchmarks.plan import Plan
from benchmarks.scenario import EVERYBODY, Metric, Outcome, Scenario, Step

SESSIONS = 100


def steps(quick: bool) -> list[Step]:
    nothing = Plan(mode="idle", sessions=0, limit_s=5)
    speaking = Plan(sessions=SESSIONS, speed=1.0, warmup_deltas=0, deltas_per_turn=40, turns=1, limit_s=30)
    closing = Job(kind="open_close", sessions=SESSIONS, ends=10**6, hold_s=0.6, limit_s=30)
    return [Step(nothing, Job(sessions=0), seconds=2), Step(speaking, closing, seconds=6)]


def read(outcomes: Sequence[Outcome]) -> dict[str, float]:
    imported, crowd = (outcome.client for outcome in outcomes)
    before, after = crowd["memory_before"], crowd["memory_after"]
    return {
        "import_ms": imported["import_ms"],
        "open_100": crowd["open_s"] * 1e3,
        "open_cpu": crowd["open_cpu_s"] * 1e3 / SESSIONS,
        "close_100": crowd["close_s"] * 1e3,
        "left_descriptors": max(0, after["descriptors"] - before["descriptors"]),
        "left_threads": max(0, after["threads"] - before["threads"]),
    }


SCENARIO = Scenario(
    "times",
    "import, open 100 sessions, close 100 sessions mid-speech",
    (
        Metric("import_ms", "time to import", "ms", 0),
        Metric("open_100", "open 100 sessions at once", "ms", 0),
        Metric("open_cpu", "CPU to open one session", "ms", 2),
        Metric("close_100", "close 100 sessions mid-speech", "ms", 0),
        Metric("left_descriptors", "descriptors left behind", "", 0),
        Metric("left_threads", "threads left behind", "", 0),
    ),
    steps,
    read,
    groups=EVERYBODY,
)

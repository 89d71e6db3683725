"""CPU per 20 ms microphone frame: 50 sessions, frames in real time, until the server has counted every byte.

Two ticks in 20 ms, 25 frames each: the benchmark's own timer is then a small part, and is measured and taken off.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.job import Job
from benchmarks.plan import Plan
from benchmarks.scenario import Metric, Outcome, Scenario, Step

SESSIONS = 50
FRAME_CHARACTERS = 1280


def steps(quick: bool) -> list[Step]:
    frames = 100 if quick else 300
    plan = Plan(mode="microphone", sessions=SESSIONS, frames=frames, warmup_deltas=2, limit_s=40)
    job = Job(kind="microphone", sessions=SESSIONS, ends=SESSIONS, frames=frames, microphone_groups=2, limit_s=40)
    return [Step(plan, job, seconds=frames * 0.02 + 4)]


def read(outcomes: Sequence[Outcome]) -> dict[str, float]:
    (outcome,) = outcomes
    ticking = outcome.client["ticking_ns"]
    arrived = outcome.server["append_characters"] / FRAME_CHARACTERS
    return {
        "cpu_microphone": (outcome.client["cpu_ns"] / arrived - ticking) / 1e3 if arrived else float("nan"),
        "ticking": ticking / 1e3,
        "frames_per_append": arrived / max(1, outcome.server["appends"]),
    }


SCENARIO = Scenario(
    "microphone",
    "microphones of 50 sessions",
    (
        Metric("cpu_microphone", "CPU per 20 ms microphone frame, 50 sessions", "us"),
        Metric("ticking", "(the benchmark's own ticks, already taken off)", "us"),
        Metric("frames_per_append", "frames in one append on the wire", "", 1),
    ),
    steps,
    read,
)

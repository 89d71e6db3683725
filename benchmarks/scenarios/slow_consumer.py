"""An application that reads one delta and no more, while twenty minutes of audio come as fast as they are taken.

What the process has grown to, at its largest, and what the library did: held on, or said something. The limit that a
library states is its own affair; the figure is what it really held.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.job import Job
from benchmarks.plan import Plan
from benchmarks.scenario import SESSIONS_ONLY, Metric, Outcome, Scenario, Step

AUDIO_MB = 4_800 * 12_000 / 2**20


def steps(quick: bool) -> list[Step]:
    seconds = 4.0 if quick else 8.0
    plan = Plan(deltas_per_turn=40, turns=120, warmup_deltas=0, limit_s=seconds + 20)
    job = Job(kind="slow", deaf=(0,), hold_s=seconds, limit_s=seconds + 10)
    return [Step(plan, job, seconds=seconds + 3)]


def read(outcomes: Sequence[Outcome]) -> dict[str, float]:
    (outcome,) = outcomes
    largest = max(outcome.client["private_seen"]) - outcome.client["memory_open"]["private"]
    return {
        "slow_memory": largest / 1024,
        "slow_said": bool(outcome.client["said"]),
        "slow_sent": outcome.server["deltas_sent"] * 12_000 / 2**20,
    }


SCENARIO = Scenario(
    "slow_consumer",
    "an application that never reads, twenty minutes of audio on the wire",
    (
        Metric("slow_memory", "largest growth of the process", "MB"),
        Metric("slow_said", "the application was told (an error when it read again)", "", 0, lower_is_better=False),
        Metric("slow_sent", f"audio that it took from the wire, of {AUDIO_MB:.0f} MB", "MB"),
    ),
    steps,
    read,
    groups=SESSIONS_ONLY,
)

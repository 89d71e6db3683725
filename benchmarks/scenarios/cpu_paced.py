"""CPU per audio delta with 50 sessions at five times real time, the pace at which a service generates speech."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.job import Job
from benchmarks.plan import Plan
from benchmarks.scenario import Metric, Outcome, Scenario, Step, per_delta_us

SESSIONS = 50
SPEED = 5.0


def steps(quick: bool) -> list[Step]:
    seconds = 2.0 if quick else 6.0
    made = []
    for delta_bytes in (12_000, 4_800):
        deltas = round(seconds * SPEED * 48_000 / delta_bytes)
        plan = Plan(
            sessions=SESSIONS, delta_bytes=delta_bytes, deltas_per_turn=deltas // 2, turns=2, speed=SPEED,
            warmup_deltas=5, limit_s=40,
        )  # fmt: skip
        made.append(Step(plan, Job(sessions=SESSIONS, ends=SESSIONS, limit_s=40), seconds=seconds + 4))
    return made


def read(outcomes: Sequence[Outcome]) -> dict[str, float]:
    large, small = outcomes
    return {
        "cpu_paced_250": per_delta_us(large),
        "cpu_paced_100": per_delta_us(small),
        "latency_paced_p50": large.client["latency"]["p50"],
        "latency_paced_p99": large.client["latency"]["p99"],
    }


SCENARIO = Scenario(
    "cpu_paced",
    "50 sessions at 5x real time",
    (
        Metric("cpu_paced_250", "CPU per 250 ms delta, 50 sessions at 5x", "us"),
        Metric("cpu_paced_100", "CPU per 100 ms delta, 50 sessions at 5x", "us"),
        Metric("latency_paced_p50", "delivered p50 meanwhile", "ms", 2),
        Metric("latency_paced_p99", "delivered p99 meanwhile", "ms", 2),
    ),
    steps,
    read,
)

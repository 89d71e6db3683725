"""CPU per audio delta, one session as fast as it goes: deltas of 250 ms as the service sends them, and of 100 ms."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.job import Job
from benchmarks.plan import Plan
from benchmarks.scenario import Metric, Outcome, Scenario, Step, per_delta_us


def steps(quick: bool) -> list[Step]:
    turns = 50 if quick else 250
    limit = Job(ends=1, limit_s=60)
    return [
        Step(Plan(delta_bytes=12_000, deltas_per_turn=40, turns=turns), limit, seconds=4 if quick else 6),
        Step(Plan(delta_bytes=4_800, deltas_per_turn=100, turns=turns * 2 // 5), limit, seconds=4 if quick else 6),
    ]


def read(outcomes: Sequence[Outcome]) -> dict[str, float]:
    large, small = outcomes
    return {
        "cpu_single_250": per_delta_us(large),
        "cpu_single_100": per_delta_us(small),
        "server_single": large.server["cpu_ns"] / 1e3 / max(1, large.server["deltas_sent"]),
    }


SCENARIO = Scenario(
    "cpu_single",
    "one session, as fast as it goes",
    (
        Metric("cpu_single_250", "CPU per 250 ms delta, one session", "us"),
        Metric("cpu_single_100", "CPU per 100 ms delta, one session", "us"),
        Metric("server_single", "(load server's CPU per delta meanwhile)", "us"),
    ),
    steps,
    read,
)

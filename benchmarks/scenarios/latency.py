"""Delivered latency: from the server's write to the application's hands, 50 full-duplex sessions in real time."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.job import Job
from benchmarks.plan import Plan
from benchmarks.scenario import Metric, Outcome, Scenario, Step, per_delta_us

SESSIONS = 50


def steps(quick: bool) -> list[Step]:
    seconds = 5 if quick else 20
    plan = Plan(sessions=SESSIONS, speed=1.0, deltas_per_turn=20, turns=seconds // 5, warmup_deltas=2, limit_s=60)
    job = Job(sessions=SESSIONS, ends=SESSIONS, microphone=True, limit_s=60)
    return [Step(plan, job, seconds=seconds + 4)]


def read(outcomes: Sequence[Outcome]) -> dict[str, float]:
    (outcome,) = outcomes
    latency = outcome.client["latency"]
    return {
        "latency_p50": latency["p50"],
        "latency_p99": latency["p99"],
        "duplex_cpu": per_delta_us(outcome),
        "duplex_share": outcome.client["cpu_ns"] / outcome.client["wall_ns"] * 100 / SESSIONS,
    }


def curves(outcomes: Sequence[Outcome]) -> dict[str, list[float]]:
    return {"latency": outcomes[0].client["latency"]["curve"]}


SCENARIO = Scenario(
    "latency",
    "50 full-duplex sessions in real time",
    (
        Metric("latency_p50", "delivered p50, 50 full-duplex sessions", "ms", 2),
        Metric("latency_p99", "delivered p99, 50 full-duplex sessions", "ms", 2),
        Metric("duplex_share", "share of a core, one full-duplex session", "%", 3),
    ),
    steps,
    read,
    curves=curves,
)

"""How many full-duplex real-time sessions one core holds before delivered p99 exceeds 20 ms.

One client process, pinned to its core, opens more and more sessions; each step lasts a few seconds. The figure is the
largest step that kept the limit, with the microphones in real time: a library that is too busy to take what the users
say would otherwise save that work, and look as if it could hold more sessions.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.job import Job
from benchmarks.plan import Plan
from benchmarks.scenario import Metric, Outcome, Scenario, Step

LIMIT_MS = 20.0
LADDER = (10, 15, 20, 25, 30, 36, 43, 52, 62, 75, 90, 108, 130, 155, 186, 224, 268, 322, 386, 464, 556, 667, 800, 960)


def steps(quick: bool) -> list[Step]:
    step_s = 1.5 if quick else 3.0
    plan = Plan(
        sessions=max(LADDER), speed=1.0, on_open=True, warmup_deltas=0, deltas_per_turn=40,
        turns=20, limit_s=200,
    )  # fmt: skip
    job = Job(
        kind="ramp", sessions=max(LADDER), ends=10**6, microphone=True, steps=LADDER, step_s=step_s,
        latency_limit_ms=LIMIT_MS, limit_s=190,
    )  # fmt: skip
    return [Step(plan, job, seconds=len(LADDER) * step_s * 0.8)]


def read(outcomes: Sequence[Outcome]) -> dict[str, float]:
    (outcome,) = outcomes
    reached = outcome.client["steps"]
    good = [step for step in reached if step["kept"]]
    best = good[-1] if good else {"sessions": 0, "cpu": float("nan"), "p99": float("nan")}
    return {
        "capacity": best["sessions"],
        "capacity_cpu": best["cpu"] * 100,
        "capacity_server": outcome.server["cpu_ns"] / max(1, outcome.server["wall_ns"]) * 100,
    }


def curves(outcomes: Sequence[Outcome]) -> dict[str, list[float]]:
    reached = [step for step in outcomes[0].client["steps"] if step["count"]]
    return {
        "capacity_sessions": [step["sessions"] for step in reached],
        "capacity_p99": [step["p99"] for step in reached],
    }


SCENARIO = Scenario(
    "capacity",
    "full-duplex sessions on one core, p99 within 20 ms",
    (
        Metric("capacity", "full-duplex sessions on one core, p99 <= 20 ms", "", 0, lower_is_better=False),
        Metric("capacity_cpu", "share of the core at that number", "%", 0),
        Metric("capacity_server", "(load server's share of its core, average)", "%", 0),
    ),
    steps,
    read,
    tolerant=True,
    curves=curves,
)

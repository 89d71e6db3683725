"""Two bad sessions among 50: one receives 10,000 tiny events a second, one application never reads. The other 48?

The same run once without the two, so that what they do to the others' p99 is a ratio taken side by side.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.job import Job
from benchmarks.plan import Plan
from benchmarks.scenario import SESSIONS_ONLY, Metric, Outcome, Scenario, Step

SESSIONS = 50
FLOODED, DEAF = 0, 1


def steps(quick: bool) -> list[Step]:
    turns = 1 if quick else 3
    good = SESSIONS - 2
    quiet = Plan(sessions=good, speed=1.0, deltas_per_turn=16, turns=turns, warmup_deltas=2, limit_s=60)
    calm = Job(sessions=good, ends=good, microphone=True, limit_s=60)
    bad = Plan(
        sessions=SESSIONS, speed=1.0, deltas_per_turn=16, turns=turns, warmup_deltas=2,
        flooded=(FLOODED,), unmeasured=(DEAF,), limit_s=60,
    )  # fmt: skip
    beset = Job(sessions=SESSIONS, ends=good, microphone=True, deaf=(DEAF,), aside=(FLOODED, DEAF), limit_s=60)
    seconds = 5 + turns * 4
    return [Step(quiet, calm, seconds=seconds), Step(bad, beset, seconds=seconds)]


def read(outcomes: Sequence[Outcome]) -> dict[str, float]:
    calm, beset = outcomes
    share = beset.server["tiny_sent"] / max(1, beset.server["wall_ns"]) * 1e9
    return {
        "bad_before_p99": calm.client["latency"]["p99"],
        "bad_p99": beset.client["latency"]["p99"],
        "bad_ratio": beset.client["latency"]["p99"] / calm.client["latency"]["p99"],
        "bad_flood": share,
    }


SCENARIO = Scenario(
    "bad_peers",
    "one session flooded, one application deaf, 48 others",
    (
        Metric("bad_before_p99", "delivered p99 of the 48 alone", "ms", 2),
        Metric("bad_p99", "delivered p99 of the 48 beside the two", "ms", 2),
        Metric("bad_ratio", "... ratio", "x", 2),
        Metric("bad_flood", "tiny events a second that were taken", "/s", 0, lower_is_better=False),
    ),
    steps,
    read,
    tolerant=True,
    groups=SESSIONS_ONLY,
)

"""A no-op tool: from the call on the wire to its output on the wire, and to the response.create that follows.

Asynchronous first; then synchronous, where a library runs such tools (in a thread).
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.clients.figures import quantile
from benchmarks.job import Job
from benchmarks.plan import Plan
from benchmarks.scenario import SESSIONS_ONLY, Metric, Outcome, Scenario, Step

FIRST_ONES = 3


def steps(quick: bool) -> list[Step]:
    calls = 30 if quick else 150
    return [
        Step(
            Plan(mode="tools", calls=calls, tool=tool, warmup_deltas=2, limit_s=40),
            Job(ends=1, limit_s=40),
            seconds=4 + calls * 0.02,
        )
        for tool in ("noop", "noop_in_thread")
    ]


def read(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """The first calls import and cache things in most libraries; they are left out of the quantiles, not hidden."""
    calls = outcomes[0].server["calls"]
    threaded = outcomes[1].server["calls"]
    in_thread = sorted(call["output_ns"] for call in threaded[FIRST_ONES:] if call["output_ns"] is not None)
    has_threads = all(call["answered"] for call in threaded)
    settled = calls[FIRST_ONES:]
    output = sorted(call["output_ns"] for call in settled if call["output_ns"] is not None)
    create = sorted(call["create_ns"] for call in settled if call["create_ns"] is not None)
    return {
        "tool_output_p50": quantile(output, 0.5) / 1e6,
        "tool_output_p99": quantile(output, 0.99) / 1e6,
        "tool_create_p50": quantile(create, 0.5) / 1e6,
        "tool_thread_p50": quantile(in_thread, 0.5) / 1e6 if has_threads else float("nan"),
        "tool_first": (calls[0]["output_ns"] or float("nan")) / 1e6,
        "tool_wrong": sum(not call["answered"] or call["create_ns"] is None for call in calls),
    }


SCENARIO = Scenario(
    "tools",
    "round trip of a no-op tool",
    (
        Metric("tool_output_p50", "call to output on the wire, p50", "ms", 2),
        Metric("tool_output_p99", "call to output on the wire, p99", "ms", 2),
        Metric("tool_create_p50", "call to response.create on the wire, p50", "ms", 2),
        Metric("tool_thread_p50", "the same for a synchronous tool (a thread), p50", "ms", 2),
        Metric("tool_first", "the very first call", "ms", 2),
        Metric("tool_wrong", "calls unanswered, or without a response.create", "", 0),
    ),
    steps,
    read,
    groups=SESSIONS_ONLY,
)

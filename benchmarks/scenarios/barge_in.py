"""Barge-in with ten seconds of audio delivered and 50 other sessions busy; and with an application that was away.

The first step takes the times: `speech_started` on the wire to the application told, and to `truncate` on the wire,
both against the server's clock (one machine, one CLOCK_MONOTONIC). The second lets the application nap for a second
with ten seconds of audio waiting for it, and counts what it is still handed after the user spoke.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.clients.figures import quantile
from benchmarks.job import Job
from benchmarks.plan import Plan
from benchmarks.scenario import SESSIONS_ONLY, Metric, Outcome, Scenario, Step

BUSY = 50
NAP_S = 1.0


def steps(quick: bool) -> list[Step]:
    times = 6 if quick else 25
    others = tuple(range(1, BUSY + 1))
    crowded = Plan(
        mode="barge_in", sessions=BUSY + 1, unmeasured=others, barge_ins=times, turns=times + 2,
        barge_in_after_s=0.35, warmup_deltas=2, limit_s=60,
    )  # fmt: skip
    watching = Job(sessions=BUSY + 1, ends=1, watch=0, plays=(0,), aside=others, microphone=True, limit_s=60)
    alone = Plan(mode="barge_in", barge_ins=1, turns=2, barge_in_after_s=0.4, warmup_deltas=2, limit_s=20)
    napping = Job(ends=1, watch=0, slow=(0,), slow_s=NAP_S, limit_s=20)
    return [
        Step(crowded, watching, seconds=4 + times * 0.45),
        Step(alone, napping, seconds=5),
    ]


def told_and_cut(outcome: Outcome) -> tuple[list[float], list[float], int]:
    """Milliseconds to the application and to the wire for each barge-in, and deltas handed over after the news."""
    told: list[float] = []
    cut: list[float] = []
    late = 0
    moments = [moment for moment, _ in outcome.client["interruptions"]]
    arrivals = outcome.client["arrivals"]
    for barge_in in outcome.server["barge_ins"]:
        started = barge_in["speech_started_ns"]
        after = [moment for moment in moments if moment >= started]
        if after and after[0] - started < 1_000_000_000:
            told.append((after[0] - started) / 1e6)
            late += sum(turn == barge_in["turn"] and when > after[0] for when, turn, _ in arrivals)
        if barge_in["truncate_ns"] is not None:
            cut.append((barge_in["truncate_ns"] - started) / 1e6)
    return told, cut, late


def stale(outcome: Outcome) -> float:
    """Audio of the interrupted answer that the application got after it woke up, in seconds of sound."""
    started = outcome.server["barge_ins"][0]["speech_started_ns"]
    handed = sum(turn == 0 and when > started for when, turn, _ in outcome.client["arrivals"])
    return float(handed * 0.25)


def read(outcomes: Sequence[Outcome]) -> dict[str, float]:
    told, cut, late = told_and_cut(outcomes[0])
    wanted = len(outcomes[0].server["barge_ins"])
    told.sort()
    cut.sort()
    nothing = float("nan")
    return {
        "barge_told_p50": quantile_ms(told, 0.5) if told else nothing,
        "barge_told_p99": quantile_ms(told, 0.99) if told else nothing,
        "barge_cut_p50": quantile_ms(cut, 0.5) if cut else nothing,
        "barge_cut_p99": quantile_ms(cut, 0.99) if cut else nothing,
        "barge_missed": 2 * wanted - len(told) - len(cut),
        "barge_late": late,
        "barge_stale": stale(outcomes[1]),
    }


def quantile_ms(ordered: list[float], q: float) -> float:
    return quantile([round(value * 1e6) for value in ordered], q) / 1e6


SCENARIO = Scenario(
    "barge_in",
    "barge-in, ten seconds of audio waiting, 50 others busy",
    (
        Metric("barge_told_p50", "speech_started to audio_interrupted, p50", "ms", 2),
        Metric("barge_told_p99", "speech_started to audio_interrupted, p99", "ms", 2),
        Metric("barge_cut_p50", "speech_started to truncate on the wire, p50", "ms", 2),
        Metric("barge_cut_p99", "speech_started to truncate on the wire, p99", "ms", 2),
        Metric("barge_missed", "interruptions or truncates that never came", "", 0),
        Metric("barge_late", "deltas delivered after audio_interrupted", "", 0),
        Metric("barge_stale", "stale audio handed to an application that was away", "s", 2),
    ),
    steps,
    read,
    tolerant=True,
    groups=SESSIONS_ONLY,
)

"""What a run is looked at by: every metric and rate, each tool, the engine's own share, and the harness itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum

import attrs

from engine.lab.simulate.results import Run
from engine.lab.statistics.sample import Sample, sample_of
from engine.latency.log import SessionLog
from engine.latency.metrics import METRICS, Metric
from engine.latency.rates import RATES, Rate
from engine.latency.turns import TurnRecord
from engine.wire.units import NS_PER_S


class MeasureKind(Enum):
    """What a measure's values are."""

    TIME = "time"
    """Seconds."""
    COUNT = "count"
    SHARE = "share"
    """0 or 1 a turn."""


class Group(Enum):
    """Whose measure it is."""

    TURN = "the conversation"
    TOOL = "tools"
    ENGINE = "the engine's own share"
    HARNESS = "the harness itself"


@attrs.frozen
class Measure:
    """One measure of one run."""

    name: str
    kind: MeasureKind
    group: Group
    meaning: str
    sample: Sample
    worse: int
    """1: more is worse. -1: less is worse. 0: neither."""


_BETTER_HIGH = frozenset({"response_rate", "yield_rate"})
_NEITHER = frozenset({"interruption_rate", "spoken"})
_OF_THE_ANSWER = frozenset(
    {"turn_gap", "turn_gap_heard", "first_audio", "first_token", "model_ttfa", "model_ttft", "playout_delay"}
)
"""Metrics that an unanswered turn ought to have, and has not."""
_OF_THE_YIELD = frozenset({"yield_latency", "yield_latency_heard"})


def measures_of(run: Run) -> tuple[Measure, ...]:
    """Every measure that has a value in this run, the most asked for first."""
    sessions = tuple(log.header.session for log in run.sessions)
    found = [
        *(_rate(rate, run.turns, sessions) for rate in RATES.values()),
        *(_metric(metric, run.turns, sessions) for metric in METRICS.values()),
        *_tools(run.turns, sessions),
        *_engine(run.sessions, sessions),
        *_harness(run, sessions),
    ]
    return tuple(measure for measure in found if measure.sample.n)


def by_name(measures: Iterable[Measure]) -> dict[str, Measure]:
    """Measures by their names."""
    return {measure.name: measure for measure in measures}


def key_of(turn: TurnRecord) -> int:
    """What a turn is called in every run of its scenario: the line's number of it, so that a turn too many in one run
    does not shift the others; of turns that the line did not begin, their place, below zero."""
    return turn.truth_turn if isinstance(turn.truth_turn, int) else -1 - turn.index


def _metric(metric: Metric, turns: Sequence[TurnRecord], sessions: Sequence[str]) -> Measure:
    factor = 1e-3 if metric.unit == "ms" else 1.0
    known = [(turn.session, key_of(turn), value) for turn in turns if (value := metric.of(turn)) is not None]
    sample = sample_of(sessions, [(s, i, value * factor) for s, i, value in known], _missing(metric, turns))
    kind = MeasureKind.COUNT if metric.unit == "count" else MeasureKind.TIME
    worse = 0 if metric.name in _NEITHER else 1
    return Measure(metric.name, kind, Group.TURN, first_paragraph(metric.meaning), sample, worse)


def _missing(metric: Metric, turns: Sequence[TurnRecord]) -> int:
    """Turns that somebody waited in for what this measures, in vain."""
    for names, rate in ((_OF_THE_ANSWER, RATES["response_rate"]), (_OF_THE_YIELD, RATES["yield_rate"])):
        if metric.name in names:
            return sum(rate.of(turn) and not rate.hits(turn) and metric.of(turn) is None for turn in turns)
    return 0


def _rate(rate: Rate, turns: Sequence[TurnRecord], sessions: Sequence[str]) -> Measure:
    counted = [(turn.session, key_of(turn), float(rate.hits(turn))) for turn in turns if rate.of(turn)]
    worse = -1 if rate.name in _BETTER_HIGH else 0 if rate.name in _NEITHER else 1
    meaning = first_paragraph(rate.meaning)
    return Measure(rate.name, MeasureKind.SHARE, Group.TURN, meaning, sample_of(sessions, counted), worse)


def _tools(turns: Sequence[TurnRecord], sessions: Sequence[str]) -> list[Measure]:
    """How long each tool ran, turn by turn (all its calls of the turn together): a stall in one is not lost in the
    others."""
    by_tool: dict[str, dict[tuple[str, int], float]] = {}
    for turn in turns:
        for call in turn.tools:
            if call.started is not None and call.ended is not None:
                times = by_tool.setdefault(call.name, {})
                key = turn.session, key_of(turn)
                times[key] = times.get(key, 0.0) + (call.ended - call.started) / NS_PER_S
    return [
        Measure(
            f"tool_time of {name}",
            MeasureKind.TIME,
            Group.TOOL,
            f"How long {name} ran in a turn, from its start to its output.",
            sample_of(sessions, [(session, index, value) for (session, index), value in times.items()]),
            1,
        )
        for name, times in sorted(by_tool.items())
    ]


def _engine(logs: Sequence[SessionLog], sessions: Sequence[str]) -> list[Measure]:
    """Means over each session, from its last `engine.overhead`; the session's turn is 0."""
    found: dict[str, list[tuple[str, int, float]]] = {}
    for log in logs:
        share = next((instant for instant in reversed(log.instants) if instant.kind == "engine.overhead"), None)
        if share is not None:
            for name, mean in _means(share.fields):
                found.setdefault(name, []).append((log.header.session, 0, mean))
    return [
        Measure(name, MeasureKind.TIME, Group.ENGINE, "Mean over each session.", sample_of(sessions, values), 1)
        for name, values in found.items()
    ]


def _means(histograms: Mapping[str, object], prefix: str = "") -> Iterable[tuple[str, float]]:
    """Means in seconds of histograms in microseconds, wherever they are nested."""
    for name, histogram in histograms.items():
        if not isinstance(histogram, Mapping):
            continue
        count, total = histogram.get("count"), histogram.get("sum")
        if isinstance(count, int) and isinstance(total, int | float):
            if count:
                yield f"{prefix}{name.removesuffix('_us')}", total / count * 1e-6
        else:
            yield from _means(histogram, f"{prefix}{name.removesuffix('_us')}: ")


def _harness(run: Run, sessions: Sequence[str]) -> list[Measure]:
    held = [session for session in run.info.sessions if session.id in set(sessions)]

    def late(name: str, meaning: str, values: Iterable[tuple[str, int, float]]) -> Measure:
        return Measure(name, MeasureKind.TIME, Group.HARNESS, meaning, sample_of(sessions, values), 0)

    return [
        late(
            "start_delay",
            "How much later than intended a session began: the wait that a closed loop would hide.",
            [(each.id, 0, (each.started_ns - each.intended_start_ns) / NS_PER_S) for each in held],
        ),
        late(
            "pacing_drift",
            "How much later than it should a piece of the caller's audio left, at worst, in each session.",
            [(each.id, 0, each.drift_ms / 1e3) for each in held],
        ),
    ]


def first_paragraph(text: str) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join(text.partition("\n\n")[0].split())

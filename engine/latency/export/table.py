"""A turn as one row of a table: flat, typed, every time in seconds, and the unit in the name.

Times are since the session began, on the session's clock; metrics are durations. A cell is None where nothing is
known, so that nobody can take a missing answer for a fast one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import attrs
import orjson

from engine.latency.metrics import METRICS, Metric
from engine.latency.turns import Interruption, TurnRecord
from engine.wire.units import NS_PER_S

Cell = str | int | float | bool | None

_COUNTS: Final = ("takeovers", "guardrail_checks")
_FLAGS: Final = ("withdrawn", "answered", "wants_answer", "false_takeover", "complete")
_TEXTS: Final = ("opened_by", "purpose", "user_text", "playout_source", "status", "barge_in_purpose")
_POSITIONS: Final = ("user_speech_start_truth_ms", "user_speech_end_truth_ms", "speech_started_ms", "speech_stopped_ms")
"""Places in the audio that was sent, not times."""
_LISTS: Final = ("responses", "agents", "errors")
TIMES: Final = (
    "began", "over",
    "user_speech_start_truth", "user_speech_end_truth", "user_audio_first_sent", "user_audio_last_sent", "text_sent",
    "commit_sent", "speech_started", "speech_stopped", "committed", "transcript_first", "transcript_final",
    "response_requested", "response_created", "first_token", "audio_first_received", "audio_first_taken",
    "audio_first_audible", "playout_start", "playout_audible", "playout_stop", "response_done", "guardrail_tripped",
    "barge_in_truth", "barge_in_heard",
)  # fmt: skip
"""Fields of `TurnRecord` that are instants, in the order in which they usually come."""
_CUT_TIMES: Final = (
    "onset_truth",
    "onset_heard",
    "emitted",
    "taken",
    "cancel_sent",
    "truncate_sent",
    "stopped",
    "fell_silent",
)


@attrs.frozen
class Column:
    """One column."""

    name: str
    kind: type[str] | type[int] | type[float] | type[bool]
    of: Callable[[TurnRecord], Cell]


def row(turn: TurnRecord) -> dict[str, Cell]:
    """A turn, by the names of `COLUMNS`."""
    return {name: column.of(turn) for name, column in COLUMNS.items()}


def _columns() -> dict[str, Column]:
    found = [
        Column("session", str, lambda turn: turn.session),
        Column("turn", int, lambda turn: turn.index),
        Column("truth_turn", str, lambda turn: None if turn.truth_turn is None else str(turn.truth_turn)),
        *(Column(name, str, _plain(name)) for name in _TEXTS),
        *(Column(name, bool, _plain(name)) for name in _FLAGS),
        *(Column(_metric_name(metric), float, _metric(metric)) for metric in METRICS.values()),
        *(Column(f"{name}_at_s", float, _scaled(name, NS_PER_S)) for name in TIMES),
        *(Column(f"{name.removesuffix('_ms')}_position_s", float, _scaled(name, 1e3)) for name in _POSITIONS),
        *(Column(f"{name}_count", int, _plain(name)) for name in _COUNTS),
        Column("interruption_cause", str, lambda turn: turn.interruption.cause if turn.interruption else None),
        *(Column(f"interruption_{name}_at_s", float, _of_cut(name, NS_PER_S)) for name in _CUT_TIMES),
        Column("interruption_heard_s", float, _of_cut("heard_ms", 1e3)),
        *(Column(name, str, _joined(name)) for name in _LISTS),
        Column("tool_calls_count", int, lambda turn: len(turn.tools)),
        Column("tools", str, _tools),
        Column("handoffs", str, _handoffs),
        *(Column(f"usage_{name}", int, _usage(name)) for name in ("total_tokens", "input_tokens", "output_tokens")),
    ]
    return {column.name: column for column in found}


def _metric_name(metric: Metric) -> str:
    return metric.name if metric.unit == "count" else f"{metric.name}_s"


def _metric(metric: Metric) -> Callable[[TurnRecord], Cell]:
    if metric.unit != "ms":
        return metric.of

    def of(turn: TurnRecord) -> Cell:
        value = metric.of(turn)
        return None if value is None else value / 1e3

    return of


def _plain(name: str) -> Callable[[TurnRecord], Cell]:
    def of(turn: TurnRecord) -> Cell:
        value: Cell = getattr(turn, name)
        return value

    return of


def _scaled(name: str, per_second: float) -> Callable[[TurnRecord], Cell]:
    def of(turn: TurnRecord) -> Cell:
        value: float | None = getattr(turn, name)
        return None if value is None else value / per_second

    return of


def _of_cut(name: str, per_second: float) -> Callable[[TurnRecord], Cell]:
    def of(turn: TurnRecord) -> Cell:
        cut: Interruption | None = turn.interruption
        value: float | None = getattr(cut, name) if cut else None
        return None if value is None else value / per_second

    return of


def _joined(name: str) -> Callable[[TurnRecord], Cell]:
    return lambda turn: " ".join(getattr(turn, name))


def _usage(name: str) -> Callable[[TurnRecord], Cell]:
    def of(turn: TurnRecord) -> Cell:
        count = (turn.usage or {}).get(name)
        return count if isinstance(count, int) else None

    return of


def _tools(turn: TurnRecord) -> Cell:
    """As JSON: a list of calls, their times in seconds like the others."""
    return orjson.dumps([_in_seconds(attrs.asdict(span)) for span in turn.tools]).decode()


def _handoffs(turn: TurnRecord) -> Cell:
    return orjson.dumps([_in_seconds(attrs.asdict(handoff)) for handoff in turn.handoffs]).decode()


def _in_seconds(fields: Mapping[str, object]) -> dict[str, object]:
    return {
        f"{name}_s" if isinstance(value, int) else name: value / NS_PER_S if isinstance(value, int) else value
        for name, value in fields.items()
        if value is not None
    }


COLUMNS: Final[Mapping[str, Column]] = MappingProxyType(_columns())
"""Every column by its name, in order."""

"""The rows of the table of turns, from the session's own turn records.

The caller's end has told the session when the caller really spoke and when the agent was really heard. A microphone
gives no such truth about its user; then times count from the server's own `user_speech_stopped`. Times are signed: an
agent that speaks too early gets a negative one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Final

import attrs

from engine.caller.call_events import CallerTyped, CallEvent
from engine.events import TurnMetrics
from engine.latency.metrics import endpoint_delay, span_s, spoken, tool_time, yield_latency, yield_latency_heard
from engine.latency.turns import Opening, TurnRecord

GREETING: Final = "(the call begins)"
_UNASKED: Final[Mapping[Opening, str]] = {
    "call": GREETING,
    "silence": "(the caller is silent)",
    "application": "(nobody asked)",
}


@attrs.frozen(kw_only=True)
class TurnRow:
    """One turn as it is shown. Times are in seconds; None: it did not happen, or nobody knows."""

    caller: str
    """The words of the caller, or why the agent spoke without any."""
    asked: bool
    """The caller began the turn."""
    agents: tuple[str, ...]
    """Who answered, in order."""
    tools: tuple[str, ...]
    tools_s: float
    """How long tools ran, together."""
    noticed_s: float | None
    """From the end of the caller's speech to `user_speech_stopped`."""
    first_audio_s: float | None
    """From there to the first `audio` event of the answer."""
    heard_s: float | None
    """From there to the first audible sample of the answer that is played."""
    spoke_s: float
    """How much of the answer was played."""
    cut: bool
    """The answer was interrupted."""
    yielded_s: float | None
    """From the first audible sample of the caller, who interrupted, to the agent's silence."""


@attrs.frozen
class TurnTable:
    """All turns of a call."""

    rows: tuple[TurnRow, ...]
    truth: bool
    """Whether it is known when the caller really stopped speaking."""

    @property
    def asked(self) -> Sequence[TurnRow]:
        """The turns that the caller began."""
        return [row for row in self.rows if row.asked]

    @property
    def heard(self) -> Sequence[float]:
        """How long the caller waited for a sound, turn by turn, where one came."""
        return [row.heard_s for row in self.asked if row.heard_s is not None]

    @property
    def summary(self) -> str:
        """One sentence: how many turns were answered, and how fast. A turn without an answer has no time."""
        asked, heard = len(self.asked), self.heard
        if not asked:
            return "The caller said nothing."
        answered = f"{len(heard)} of {asked} turns were answered aloud"
        if not heard:
            return f"{answered}."
        return f"{answered}, after {median(heard):.2f} s (median) and {max(heard):.2f} s (longest)."


def turn_table(events: Iterable[CallEvent], session_began_ns: int) -> TurnTable:
    """Return the table of the turns in a call's events.

    Args:
        events: `turn_metrics` and `caller_typed`; others are passed over.
        session_began_ns: where the times of the session's turn records begin, on the session's clock.
    """
    events = list(events)
    records = sorted((event.turn for event in events if isinstance(event, TurnMetrics)), key=lambda turn: turn.index)
    typed = [(event.at_ns - session_began_ns, event.text) for event in events if isinstance(event, CallerTyped)]
    truth = any(turn.user_speech_start_truth is not None for turn in records) or not any(
        turn.opened_by == "speech" for turn in records
    )
    words = _typed_words(records, typed)
    yields = _yields(records, truth=truth)
    shown = [turn for turn in records if turn.agents or turn.opened_by not in _UNASKED]
    return TurnTable(tuple(_row(turn, words.get(turn.index), yields, truth=truth) for turn in shown), truth)


def _typed_words(records: Iterable[TurnRecord], typed: Sequence[tuple[int, str]]) -> Mapping[int, str]:
    """Return what was typed for each turn of text, by its index: what has been sent since the one before it."""
    words: dict[int, str] = {}
    since = -1
    for turn in records:
        if turn.opened_by == "text" and (sent := turn.text_sent) is not None:
            words[turn.index] = " ".join(text for at, text in typed if since < at <= sent)
            since = sent
    return words


def _onset(turn: TurnRecord, *, truth: bool) -> int | None:
    return turn.user_speech_start_truth if truth else turn.speech_started


def _yields(records: Iterable[TurnRecord], *, truth: bool) -> Mapping[int, float]:
    """Return how long the agent talked on, by the beginning of the speech that interrupted it."""
    yields: dict[int, float] = {}
    for turn in records:
        if (cut := turn.interruption) is None:
            continue
        onset, seconds = (
            (cut.onset_truth, yield_latency(turn)) if truth else (cut.onset_heard, yield_latency_heard(turn))
        )
        if onset is not None and seconds is not None:
            yields[onset] = seconds
    return yields


def _row(turn: TurnRecord, typed: str | None, yields: Mapping[int, float], *, truth: bool) -> TurnRow:
    asked = turn.opened_by not in _UNASKED
    start: int | None = turn.began
    if asked:
        start = turn.speech_stopped if turn.user_end is None and not truth else turn.user_end
    onset = _onset(turn, truth=truth)
    return TurnRow(
        caller=(typed or turn.user_text or "") if asked else _UNASKED[turn.opened_by],
        asked=asked,
        agents=turn.agents,
        tools=tuple(span.name for span in turn.tools if span.started is not None),
        tools_s=tool_time(turn) or 0.0,
        noticed_s=endpoint_delay(turn),
        first_audio_s=span_s(start, turn.audio_first_received),
        heard_s=span_s(start, turn.playout_audible),
        spoke_s=spoken(turn) or 0.0,
        cut=turn.interruption is not None,
        yielded_s=None if onset is None else yields.get(onset),
    )

"""A turn that is still going on: what has become known of it, and the record that this makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

import attrs

from engine.latency.turns import (
    Cause,
    HandoffInstant,
    Interruption,
    Opening,
    Purpose,
    Source,
    ToolSpan,
    TurnRecord,
)
from engine.wire.units import NS_PER_MS

BEST_SOURCE: Final[Mapping[Source, int]] = {"computed": 0, "reported": 1, "measured": 2}

T = TypeVar("T")


@attrs.define
class ItemPlayout:
    """How one item was played, as one source knows it."""

    start: int | None = None
    audible: int | None = None
    stop: int | None = None
    fell_silent: int | None = None
    """The end of the last audible sample before `stop`."""
    ms: float | None = None
    underruns: int = 0


@attrs.define
class OpenItem:
    """One item with audio."""

    playouts: dict[Source, ItemPlayout] = attrs.field(factory=dict)
    jitter_ms: float | None = None
    audible_ms: float | None = None
    """The place of the first audible sample."""
    cut: bool = False
    """The answer was interrupted before this item had begun to be played: it never will be."""


@attrs.define
class OpenAnswer:
    """What the agent said to the user's turn, in one or more responses."""

    responses: dict[str, bool] = attrs.field(factory=dict)
    """By id: whether it has ended."""
    agents: dict[str, None] = attrs.field(factory=dict)
    at: dict[str, int] = attrs.field(factory=dict)
    """The first time of each, by the field of `TurnRecord`."""
    items: dict[str, OpenItem] = attrs.field(factory=dict)
    done: int | None = None
    status: str | None = None
    interruption: Interruption | None = None

    def untold(self) -> bool:
        """Whether the application has yet to take an interruption."""
        return self.interruption is not None and self.interruption.taken is None

    def source(self) -> Source | None:
        """The best source that knows the beginning of playback."""
        played = (item.playouts.items() for item in self.items.values())
        known = {source for playouts in played for source, playout in playouts if playout.start is not None}
        return max(known, key=BEST_SOURCE.__getitem__, default=None)

    def playouts(self) -> list[tuple[OpenItem, ItemPlayout]]:
        """How the items were played, by the best source."""
        source = self.source()
        if source is None:
            return []
        return [(item, item.playouts[source]) for item in self.items.values() if source in item.playouts]


@attrs.define
class Onset:
    """The beginning of somebody's speech, kept for the turns before it."""

    turn: int
    truth: int | None
    heard: int | None
    purpose: Purpose | None


@attrs.define(eq=False)
class OpenTurn:
    """Everything known of a turn that is not over."""

    session: str
    index: int
    opened_by: Opening
    began: int
    truth_turn: int | str | None = None
    purpose: Purpose | None = None
    truth_text: str | None = None
    heard_text: str | None = None
    text_failed: bool = False
    """There will be no transcript."""
    withdrawn: bool = False
    at: dict[str, int] = attrs.field(factory=dict)
    """Instants of the user's side, by the field of `TurnRecord`."""
    ms: dict[str, float] = attrs.field(factory=dict)
    """Positions in the audio sent, by the field of `TurnRecord`."""
    rests_since: int | None = None
    heard: bool = False
    """The server has had the whole of what the user had to say: from now on it may answer."""
    awaiting: int = 0
    """Requests for a response that are on the wire and have not been granted."""
    unanswered_calls: bool = False
    """Tools were called, and no response has begun since that could have read their outputs."""
    to_say_again: bool = False
    """The guardrails stopped an answer, or one failed, or was cancelled before it had a playout: another is to come."""
    answers: list[OpenAnswer] = attrs.field(factory=lambda: [OpenAnswer()])
    takeovers: int = 0
    tools: dict[str, ToolSpan] = attrs.field(factory=dict)
    handoffs: list[HandoffInstant] = attrs.field(factory=list)
    guardrail_checks: int = 0
    guardrail_tripped: int | None = None
    errors: list[str] = attrs.field(factory=list)
    usage: dict[str, object] | None = None

    @property
    def answer(self) -> OpenAnswer:
        """The answer that counts."""
        return self.answers[-1]

    def first(self, field: str, t: int) -> None:
        """The user's side: the first time counts, in whatever order they are told."""
        self.at[field] = min(t, self.at.get(field, t))

    def last(self, field: str, t: int) -> None:
        """The user's side: the last time counts."""
        self.at[field] = max(t, self.at.get(field, t))

    def set_aside(self) -> None:
        """The user goes on speaking: what the agent has begun to answer was no answer to the turn."""
        if self.answer.responses:
            self.takeovers += self.answer.source() is not None
            self.answers.append(OpenAnswer())
        self.to_say_again = self.unanswered_calls = False

    def expects_response(self) -> bool:
        """Whether the next response belongs to this turn."""
        return not self.answer.responses or self.awaiting > 0 or self.unanswered_calls or self.to_say_again

    def rests(self, source: Source, overtaken: bool) -> bool:
        """Whether nothing more is to come.

        Args:
            source: the best source of playback in this session.
            overtaken: the server has had a later turn, so that what it has not begun to answer it never will.
        """
        for answer in self.answers:
            if False in answer.responses.values():  # it runs
                return False
        if self._speaking() and not overtaken:
            return False
        if not overtaken and self.answer.untold():
            return False
        if any(span.output_sent is None for span in self.tools.values()):
            return False
        if any(not _played(item, source, overtaken) for answer in self.answers for item in answer.items.values()):
            return False
        return overtaken or self.withdrawn or not self.expects_response()

    def _speaking(self) -> bool:
        return "user_speech_start_truth" in self.at and "user_speech_end_truth" not in self.at

    def record(self, over: int, onsets: Iterable[Onset], *, complete: bool) -> TurnRecord:
        """The turn as it is known now."""
        answer = self.answer
        playouts = answer.playouts()
        start = _least(playout.start for _, playout in playouts)
        stop = _last_stop(playout for _, playout in playouts)
        audible = _least(playout.audible for _, playout in playouts)
        if audible is None:
            audible = _least(_audible_by_place(item, playout) for item, playout in playouts)
        played = [playout.ms for _, playout in playouts if playout.ms is not None]
        jitters = [item.jitter_ms for item in answer.items.values() if item.jitter_ms is not None]
        later = [onset for onset in onsets if onset.turn > self.index]
        barge_in = _barge_in(later, start, stop)
        end_truth = self.at.get("user_speech_end_truth")
        return TurnRecord(
            session=self.session,
            index=self.index,
            opened_by=self.opened_by,
            began=self.began,
            over=over,
            truth_turn=self.truth_turn,
            purpose=self.purpose,
            withdrawn=self.withdrawn,
            user_text=self.heard_text if self.heard_text is not None else self.truth_text,
            playout_start=start,
            playout_audible=audible,
            playout_stop=stop,
            playout_source=answer.source(),
            played_ms=sum(played) if played else None,
            underruns=sum(playout.underruns for _, playout in playouts) if playouts else None,
            audio_jitter_ms=max(jitters, default=None),
            response_done=answer.done,
            responses=tuple(response for each in self.answers for response in each.responses),
            agents=tuple({agent: None for each in self.answers for agent in each.agents}),
            status=answer.status,
            tools=tuple(self.tools.values()),
            handoffs=tuple(self.handoffs),
            guardrail_checks=self.guardrail_checks,
            guardrail_tripped=self.guardrail_tripped,
            interruption=_interruption(answer, later, stop, _fell_silent(stop, (playout for _, playout in playouts))),
            barge_in_truth=barge_in.truth if barge_in else None,
            barge_in_heard=barge_in.heard if barge_in else None,
            barge_in_purpose=barge_in.purpose if barge_in else None,
            false_takeover=self._false_takeover(audible if audible is not None else start, end_truth),
            takeovers=self.takeovers,
            errors=tuple(self.errors),
            usage=self.usage,
            complete=complete,
            **self.at,
            **self.ms,  # type: ignore[arg-type]
            **answer.at,
        )

    def _false_takeover(self, heard: int | None, end_truth: int | None) -> bool | None:
        if end_truth is None:
            return None
        return self.takeovers > 0 or (heard is not None and heard < end_truth)


def _played(item: OpenItem, source: Source, overtaken: bool) -> bool:
    """Whether an item's playback is over: by the best source there is, or by any if that has lost its chance."""
    playout = item.playouts.get(source)
    if playout is not None and playout.stop is not None:
        return True
    if overtaken or item.cut:
        return all(playout.stop is not None for playout in item.playouts.values())
    return False


def _audible_by_place(item: OpenItem, playout: ItemPlayout) -> int | None:
    if playout.start is None or item.audible_ms is None:
        return None
    return playout.start + round(item.audible_ms * NS_PER_MS)


def _barge_in(later: Iterable[Onset], start: int | None, stop: int | None) -> Onset | None:
    """The first time that somebody began to speak while the answer was heard. The truth decides, where it is known."""
    if start is None:
        return None
    during = [
        (at, onset)
        for onset in later
        if (at := onset.truth if onset.truth is not None else onset.heard) is not None
        and start < at
        and (stop is None or at < stop)
    ]
    return min(during, key=lambda found: (found[0], found[1].turn))[1] if during else None


def _interruption(
    answer: OpenAnswer, later: Iterable[Onset], stop: int | None, silent: int | None
) -> Interruption | None:
    """How the answer was cut, with whose playout did it: the last that the server had heard by then."""
    cut = answer.interruption
    if cut is None:
        return None
    cut = attrs.evolve(cut, stopped=stop, fell_silent=silent)
    if cut.cause != "user":
        return cut
    by = [onset for onset in later if onset.heard is not None and onset.heard <= cut.emitted]
    if not by:
        return cut
    last = max(by, key=lambda onset: (onset.heard or 0, onset.turn))
    return attrs.evolve(cut, onset_truth=last.truth, onset_heard=last.heard)


def _least(times: Iterable[int | None]) -> int | None:
    return min((at for at in times if at is not None), default=None)


def _last_stop(playouts: Iterable[ItemPlayout]) -> int | None:
    """When the last of them fell silent; None if one has not."""
    stops = [playout.stop for playout in playouts if playout.start is not None]
    return max((stop for stop in stops if stop is not None), default=None) if None not in stops else None


def _fell_silent(stop: int | None, playouts: Iterable[ItemPlayout]) -> int | None:
    """The last audible sample before the last stop, where somebody knows it."""
    return next((playout.fell_silent for playout in playouts if playout.stop == stop and stop is not None), None)


def one_of(value: object, choices: Iterable[T], default: T) -> T:
    """`value` if it is one of `choices`."""
    return next((choice for choice in choices if choice == value), default)


def cause_of(value: object) -> Cause:
    """The cause of an interruption, as a log has it."""
    causes: tuple[Cause, ...] = ("user", "application", "guardrail")
    return one_of(value, causes, "application")


def purpose_of(value: object) -> Purpose | None:
    """What the caller meant, as a log has it."""
    purposes: tuple[Purpose, ...] = ("turn", "barge_in", "backchannel", "noise")
    return one_of(value, purposes, None)


def source_of(value: object) -> Source:
    """How playback is known, as a log has it."""
    return one_of(value, BEST_SOURCE, "computed")


def add_usage(sum_so_far: Mapping[str, object] | None, more: Mapping[str, object]) -> dict[str, object]:
    """Token counts, nested as on the wire, added up."""
    added = dict(sum_so_far or {})
    for name, value in more.items():
        known = added.get(name)
        if isinstance(value, Mapping):
            added[name] = add_usage(known if isinstance(known, Mapping) else None, value)
        elif isinstance(value, int | float):
            added[name] = value + (known if isinstance(known, int | float) else 0)
    return added

"""From instants to turns: which instant belongs to which turn, and when a turn is over.

A turn begins with

- **speech**: the first of `user.speech.start.truth`, `server.speech_started`, and the first piece of a push-to-talk
  turn. What the line says and what the far end hears become one turn if the far end hears it at the latest
  `MOST_LATE_NS` after its end. If the far end takes a pause for the end (it says stopped before the truth ends) and
  then hears the user go on, that is still one turn: the answer it had begun is set aside, and counted;
- **text**: `user.text.sent`, unless the last turn is text too and nobody has begun to answer it;
- **silence**: `server.silence`;
- the **call** itself: a response before anybody has said anything;
- the **application**: a response when the last turn has been answered and has nothing more to come.

A response belongs to the last turn whose end the far end has heard. Everything else belongs to the turn of its
response, item or call; what belongs to no turn that is still open is passed over. A response beside the conversation
belongs to no turn.

A turn is over when it rests: its responses have ended, its calls are answered, its audio has been played, and its
transcript has come if this session has transcripts. A later turn that the far end has heard to its end takes the place
of one that waits for something.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import attrs

from engine.latency.instants import Instant
from engine.latency.log import SessionLog, in_order
from engine.latency.open_turn import (
    BEST_SOURCE,
    Onset,
    OpenAnswer,
    OpenItem,
    OpenTurn,
    Voice,
    add_usage,
    cause_of,
    purpose_of,
    source_of,
)
from engine.latency.turns import HandoffInstant, Interruption, Opening, Source, ToolSpan, TurnRecord

MOST_LATE_NS: Final = 3_000_000_000
"""Speech that is reported later than this after the caller fell silent was not the caller's: longer than the longest
end-pointing delay in use (3 s, LiveKit's maximum) or a stall that a conversation survives."""

MOST_OPEN: Final = 32
"""How many turns may wait for something at the same time; the oldest is closed as it is."""

MOST_EARLY: Final = 64
_MOST_ONSETS: Final = 256

V = TypeVar("V")


def turns_of(log: SessionLog) -> tuple[TurnRecord, ...]:
    """The turns of a log, in the order in which they began. The last ones may not be complete."""
    assembler = TurnAssembler(log.header.session)
    records = [record for instant in in_order(log.instants) for record in assembler.take(instant)]
    records += assembler.close()
    return tuple(sorted(records, key=lambda record: record.index))


class TurnAssembler:
    """Takes instants one at a time and gives a turn when it is over."""

    def __init__(self, session: str) -> None:
        self._session = session
        self._count = 0
        self._now = 0
        self._turns: list[OpenTurn] = []
        """Those that are not over, in the order in which they began."""
        self._latest_heard = -1
        """The index of the last turn whose end the far end has heard."""
        self._any_response = False
        self._source: Source = "computed"
        self._transcripts = False
        self._onsets: deque[Onset] = deque(maxlen=_MOST_ONSETS)
        self._audio_sent: dict[tuple[str, str], int] = {}
        """When the edges were sent of speech that the far end has not spoken of yet, by edge and item."""
        self._by_user_item: dict[str, OpenTurn] = {}
        self._by_token: dict[str, OpenTurn] = {}
        self._by_response: dict[str, tuple[OpenTurn, OpenAnswer]] = {}
        self._by_item: dict[str, tuple[OpenTurn, OpenAnswer, OpenItem]] = {}
        self._by_call: dict[str, OpenTurn] = {}

    def take(self, instant: Instant) -> list[TurnRecord]:
        """One more instant. Returns the turns that are over with it: mostly none, hardly ever more than one."""
        handler = _HANDLERS.get(instant.kind)
        if handler is None:
            return []
        self._now = max(self._now, instant.t)
        handler(self, instant)
        return self._over()

    def close(self) -> list[TurnRecord]:
        """There are no more instants: what is open is given as it is."""
        rest = [turn.record(self._now, self._onsets, complete=self._rests(turn, patient=False)) for turn in self._turns]
        self._turns.clear()
        for index in (self._by_user_item, self._by_token, self._by_response, self._by_item, self._by_call):
            index.clear()
        return rest

    def open_turns(self) -> list[TurnRecord]:
        """The turns that are not over, as they are known now."""
        return [turn.record(self._now, self._onsets, complete=False) for turn in self._turns]

    # --- the end of a turn

    def _over(self) -> list[TurnRecord]:
        resting = [turn for turn in self._turns if self._rests(turn, patient=True)]
        records = [turn.record(self._now, self._onsets, complete=True) for turn in resting]
        for turn in resting:
            self._forget(turn)
        if len(self._turns) > MOST_OPEN:
            oldest = self._turns[0]
            records.append(oldest.record(self._now, self._onsets, complete=False))
            self._forget(oldest)
        return records

    def _rests(self, turn: OpenTurn, *, patient: bool) -> bool:
        overtaken = self._latest_heard > turn.index
        if not turn.rests(self._source, overtaken):
            return False
        waits_for_text = patient and self._transcripts and turn.opened_by == "speech" and turn.heard and not overtaken
        return not waits_for_text or "transcript_final" in turn.at or turn.text_failed or turn.withdrawn

    def _forget(self, turn: OpenTurn) -> None:
        self._turns.remove(turn)
        _drop(self._by_user_item, lambda known: known is turn)
        _drop(self._by_token, lambda known: known is turn)
        _drop(self._by_call, lambda known: known is turn)
        _drop(self._by_response, lambda known: known[0] is turn)
        _drop(self._by_item, lambda known: known[0] is turn)

    # --- which turn

    def _open(self, opened_by: Opening, t: int) -> OpenTurn:
        turn = OpenTurn(session=self._session, index=self._count, opened_by=opened_by, began=t)
        self._count += 1
        self._turns.append(turn)
        return turn

    def _last(self, where: Callable[[OpenTurn], bool]) -> OpenTurn | None:
        return next((turn for turn in reversed(self._turns) if where(turn)), None)

    def _hears(self, turn: OpenTurn) -> None:
        """The far end has had the end of a turn."""
        turn.heard = True
        self._latest_heard = max(self._latest_heard, turn.index)

    def _answered_now(self, t: int) -> OpenTurn:
        """The turn that a response which begins now belongs to."""
        heard = self._last(lambda turn: turn.heard)
        if heard is not None and heard.index == self._latest_heard and heard.expects_response():
            return heard
        turn = self._open("application" if self._any_response or self._latest_heard >= 0 else "call", t)
        self._hears(turn)
        return turn

    def _spoken(self, t: int) -> OpenTurn:
        """The turn of speech that the far end begins to hear now."""
        turn = self._last(lambda turn: "user_speech_start_truth" in turn.at)
        if turn is not None and turn is self._last(lambda turn: turn.opened_by == "speech"):
            end = turn.at.get("user_speech_end_truth")
            stopped = turn.at.get("speech_stopped")
            if "speech_started" not in turn.at:
                if end is None or t - end <= MOST_LATE_NS:
                    return turn
            elif stopped is not None and self._cut_off(turn, stopped, end):
                turn.set_aside()
                return turn
        return self._open("speech", t)

    @staticmethod
    def _cut_off(turn: OpenTurn, stopped: int, end: int | None) -> bool:
        """Whether the far end took a pause for the end of the turn."""
        if end is None:
            return True
        heard_ms, end_ms = turn.ms.get("speech_stopped_ms"), turn.ms.get("user_speech_end_truth_ms")
        if heard_ms is not None and end_ms is not None:
            return heard_ms < end_ms
        return stopped < end

    def _ended_by_hand(self, t: int) -> OpenTurn:
        """The turn that a push-to-talk commit ends."""
        turn = self._last(lambda turn: turn.opened_by == "speech")
        if turn is None or turn.heard or turn.answer.responses:
            turn = self._open("speech", t)
        return turn

    # --- the caller

    def _truth_start(self, instant: Instant) -> None:
        number = instant.fields.get("turn")
        turn = self._last(lambda turn: turn.opened_by == "speech")
        if turn is None or turn.heard or "speech_stopped" in turn.at or "user_speech_start_truth" in turn.at:
            turn = self._open("speech", instant.t)
        turn.truth_turn = number if isinstance(number, int | str) else None
        turn.purpose = purpose_of(instant.text("purpose"))
        turn.truth_text = instant.text("text")
        turn.first("user_speech_start_truth", instant.t)
        turn.began = min(turn.began, instant.t)
        _position(turn, "user_speech_start_truth_ms", instant)
        self._onset(turn)

    def _truth_end(self, instant: Instant) -> None:
        number = instant.fields.get("turn")
        turn = self._last(
            lambda turn: "user_speech_start_truth" in turn.at and (number is None or turn.truth_turn == number)
        )
        if turn is not None:
            turn.last("user_speech_end_truth", instant.t)
            _position(turn, "user_speech_end_truth_ms", instant)

    def _onset(self, turn: OpenTurn) -> None:
        truth, heard = turn.at.get("user_speech_start_truth"), turn.at.get("speech_started")
        for known in self._onsets:
            if known.turn == turn.index:
                known.truth, known.heard, known.purpose = truth, heard, turn.purpose
                return
        self._onsets.append(Onset(turn.index, truth, heard, turn.purpose))

    def _sent(self, instant: Instant) -> None:
        edge, item = instant.text("edge"), instant.text("item")
        if edge not in ("first", "last"):
            return
        if item is not None and (turn := self._by_user_item.get(item)) is not None:
            self._edge(turn, edge, instant.t)
            return
        if item is None and edge == "first":
            self._begin_by_hand(instant.t)
            return
        if item is None and (turn := self._last(lambda turn: turn.opened_by == "speech")) is not None:
            self._edge(turn, edge, instant.t)
            return
        while len(self._audio_sent) >= MOST_EARLY:
            del self._audio_sent[next(iter(self._audio_sent))]
        self._audio_sent[edge, item or ""] = instant.t

    def _begin_by_hand(self, t: int) -> None:
        turn = self._last(lambda turn: turn.opened_by == "speech")
        if turn is None or turn.heard or "user_audio_first_sent" in turn.at:
            turn = self._open("speech", t)
        self._edge(turn, "first", t)

    @staticmethod
    def _edge(turn: OpenTurn, edge: str, t: int) -> None:
        if edge == "first":
            turn.first("user_audio_first_sent", t)
        else:
            turn.last("user_audio_last_sent", t)

    def _speech_started(self, instant: Instant) -> None:
        item = instant.text("item") or ""
        turn = self._by_user_item.get(item) or self._spoken(instant.t)
        self._by_user_item[item] = turn
        if "speech_started" not in turn.at:
            _position(turn, "speech_started_ms", instant, "ms")
        turn.first("speech_started", instant.t)
        self._early(turn, item)
        self._onset(turn)

    def _early(self, turn: OpenTurn, item: str) -> None:
        """What was told of an item before it had a turn."""
        for edge in ("first", "last"):
            if (t := self._audio_sent.pop((edge, item), None)) is not None:
                self._edge(turn, edge, t)

    def _speech_stopped(self, instant: Instant) -> None:
        item = instant.text("item") or ""
        turn = self._by_user_item.get(item) or self._last(
            lambda turn: turn.opened_by == "speech" and not turn.heard and "speech_started" in turn.at
        )
        if turn is None:
            turn = self._spoken(instant.t)
        self._by_user_item[item] = turn
        self._early(turn, item)
        turn.last("speech_stopped", instant.t)
        _position(turn, "speech_stopped_ms", instant, "ms")
        self._hears(turn)

    def _commit_sent(self, instant: Instant) -> None:
        turn = self._ended_by_hand(instant.t)
        turn.last("commit_sent", instant.t)
        self._hears(turn)

    def _committed(self, instant: Instant) -> None:
        item = instant.text("item") or ""
        turn = self._by_user_item.get(item) or self._last(
            lambda turn: turn.opened_by == "speech" and "commit_sent" in turn.at and "committed" not in turn.at
        )
        if turn is None:
            turn = self._last(
                lambda turn: turn.opened_by == "speech" and not turn.heard and "speech_started" not in turn.at
            ) or self._open("speech", instant.t)
        self._by_user_item[item] = turn
        turn.last("committed", instant.t)
        self._hears(turn)

    def _cleared(self, instant: Instant) -> None:
        turn = self._last(lambda turn: turn.opened_by == "speech" and "committed" not in turn.at)
        if turn is not None and not turn.answer.responses:
            turn.withdrawn = True

    def _text_sent(self, instant: Instant) -> None:
        if instant.fields.get("respond") is False:
            return
        turn = self._turns[-1] if self._turns else None
        if turn is None or turn.opened_by != "text" or turn.answer.responses:
            turn = self._open("text", instant.t)
        turn.last("text_sent", instant.t)
        self._hears(turn)

    def _silence(self, instant: Instant) -> None:
        turn = self._open("silence", instant.t)
        if (item := instant.text("item")) is not None:
            self._by_user_item[item] = turn
        self._hears(turn)

    def _transcript_first(self, instant: Instant) -> None:
        self._transcripts = True
        if (turn := self._by_user_item.get(instant.text("item") or "")) is not None:
            turn.first("transcript_first", instant.t)

    def _transcript_final(self, instant: Instant) -> None:
        self._transcripts = True
        if (turn := self._by_user_item.get(instant.text("item") or "")) is not None:
            turn.last("transcript_final", instant.t)
            text = instant.text("text")
            turn.heard_text = f"{turn.heard_text} {text}" if turn.heard_text and text else text or turn.heard_text

    def _transcript_failed(self, instant: Instant) -> None:
        if (turn := self._by_user_item.get(instant.text("item") or "")) is not None:
            turn.text_failed = True

    # --- the model

    def _requested(self, instant: Instant) -> None:
        if instant.fields.get("beside") is True:
            return
        turn = self._answered_now(instant.t)
        turn.answer.at.setdefault("response_requested", instant.t)
        turn.awaiting += 1
        if (token := instant.text("token")) is not None:
            self._by_token[token] = turn

    def _created(self, instant: Instant) -> None:
        response = instant.text("response")
        if response is None or instant.fields.get("beside") is True or response in self._by_response:
            return
        turn = self._by_token.pop(instant.text("token") or "", None) or self._answered_now(instant.t)
        self._any_response = True
        answer = turn.answer
        turn.awaiting = max(0, turn.awaiting - 1)
        turn.unanswered_calls = turn.to_say_again = False
        answer.responses[response] = False
        answer.at.setdefault("response_created", instant.t)
        if agent := instant.text("agent"):
            answer.agents[agent] = None
        self._by_response[response] = turn, answer

    def _response_done(self, instant: Instant) -> None:
        if (found := self._by_response.get(instant.text("response") or "")) is None:
            return
        turn, answer = found
        answer.responses[instant.text("response") or ""] = True
        answer.done = instant.t
        answer.status = instant.text("status")
        turn.to_say_again = turn.to_say_again or answer.status == "failed"
        usage = instant.fields.get("usage")
        if isinstance(usage, Mapping):
            turn.usage = add_usage(turn.usage, usage)

    def _first_token(self, instant: Instant) -> None:
        if (found := self._by_response.get(instant.text("response") or "")) is not None:
            found[1].at.setdefault("first_token", instant.t)

    def _item(self, instant: Instant) -> tuple[OpenTurn, OpenAnswer, OpenItem] | None:
        item = instant.text("item")
        if item is not None and (known := self._by_item.get(item)) is not None:
            return known
        found = self._by_response.get(instant.text("response") or "")
        if found is None:
            return None
        turn, answer = found
        name = item if item is not None else f"of {instant.text('response')}"
        opened = answer.items.setdefault(name, OpenItem())
        self._by_item[name] = turn, answer, opened
        return self._by_item[name]

    def _audio(self, instant: Instant) -> None:
        if (found := self._item(instant)) is None:
            return
        _, answer, item = found
        match instant.kind:
            case "audio.first_received":
                answer.at.setdefault("audio_first_received", instant.t)
            case "audio.first_taken":
                answer.at.setdefault("audio_first_taken", instant.t)
            case "audio.first_audible":
                answer.at.setdefault("audio_first_audible", instant.t)
                item.audible_ms = instant.number("ms")
            case "audio.received":
                item.jitter_ms = instant.number("jitter_ms")

    def _playout(self, instant: Instant) -> None:
        if (found := self._item(instant)) is None:
            return
        source = source_of(instant.text("source"))
        self._source = max(self._source, source, key=BEST_SOURCE.__getitem__)
        voice = found[2].voices.setdefault(source, Voice())
        match instant.kind:
            case "playout.start":
                voice.start = instant.t if voice.start is None else min(voice.start, instant.t)
            case "playout.audible":
                voice.audible = instant.t if voice.audible is None else min(voice.audible, instant.t)
            case "playout.underrun":
                voice.underruns += 1
            case "playout.stop":
                voice.stop = instant.t if voice.stop is None else max(voice.stop, instant.t)
                ms = instant.number("ms")
                voice.ms = ms if ms is not None else voice.ms

    # --- interruption

    def _interrupt(self, instant: Instant) -> None:
        if (found := self._by_response.get(instant.text("response") or "")) is None:
            return
        _, answer = found
        for item in answer.items.values():
            item.cut = not item.voices
        if answer.interruption is None:
            heard = instant.number("heard_ms")
            answer.interruption = Interruption(
                cause=cause_of(instant.text("cause")),
                emitted=instant.t,
                heard_ms=None if heard is None else round(heard),
            )

    def _interruption_step(self, instant: Instant) -> None:
        if instant.kind == "truncate.sent":
            known = self._by_item.get(instant.text("item") or "")
            answer = None if known is None else known[1]
        else:
            found = self._by_response.get(instant.text("response") or "")
            answer = None if found is None else found[1]
        if answer is None or answer.interruption is None:
            return
        cut = answer.interruption
        match instant.kind:
            case "interrupt.taken" if cut.taken is None:
                answer.interruption = attrs.evolve(cut, taken=instant.t)
            case "cancel.sent" if cut.cancel_sent is None:
                answer.interruption = attrs.evolve(cut, cancel_sent=instant.t)
            case "truncate.sent" if cut.truncate_sent is None:
                answer.interruption = attrs.evolve(cut, truncate_sent=instant.t)

    # --- tools, handoffs, guardrails

    def _tool_called(self, instant: Instant) -> None:
        call, found = instant.text("call"), self._by_response.get(instant.text("response") or "")
        if call is None or found is None or call in self._by_call:
            return
        turn = found[0]
        turn.tools[call] = ToolSpan(call_id=call, name=instant.text("name") or "", called=instant.t)
        turn.unanswered_calls = True
        self._by_call[call] = turn

    def _tool_step(self, instant: Instant) -> None:
        call = instant.text("call") or ""
        if (turn := self._by_call.get(call)) is None:
            return
        name = instant.kind.removeprefix("tool.")
        changes: dict[str, object] = {name: instant.t}
        if name == "ended":
            changes["outcome"] = instant.text("outcome")
        turn.tools[call] = attrs.evolve(turn.tools[call], **changes)  # type: ignore[arg-type]

    def _handoff(self, instant: Instant) -> None:
        if (turn := self._last(lambda turn: turn.heard)) is not None:
            came, goes = instant.text("from") or "", instant.text("to") or ""
            turn.handoffs.append(HandoffInstant(at=instant.t, from_agent=came, to_agent=goes))

    def _checked(self, instant: Instant) -> None:
        if (found := self._by_response.get(instant.text("response") or "")) is None:
            return
        turn = found[0]
        turn.guardrail_checks += 1
        if instant.fields.get("tripped") is True:
            turn.guardrail_tripped = instant.t if turn.guardrail_tripped is None else turn.guardrail_tripped
            turn.to_say_again = True

    # --- the rest

    def _error(self, instant: Instant) -> None:
        if self._turns:
            self._turns[-1].errors.append(instant.text("code") or instant.text("message") or "unknown")

    def _end(self, instant: Instant) -> None:
        """The time of the end is noted; `close` gives what is open then."""


def _position(turn: OpenTurn, field: str, instant: Instant, name: str = "position_ms") -> None:
    if (ms := instant.number(name)) is not None:
        turn.ms[field] = ms


def _drop(index: dict[str, V], where: Callable[[V], bool]) -> None:
    for key in [key for key, value in index.items() if where(value)]:
        del index[key]


_A = TurnAssembler
_HANDLERS: Final[Mapping[str, Callable[[TurnAssembler, Instant], None]]] = {
    "user.speech.start.truth": _A._truth_start,
    "user.speech.end.truth": _A._truth_end,
    "user.audio.sent": _A._sent,
    "user.text.sent": _A._text_sent,
    "user.commit.sent": _A._commit_sent,
    "server.speech_started": _A._speech_started,
    "server.speech_stopped": _A._speech_stopped,
    "server.silence": _A._silence,
    "user.committed": _A._committed,
    "user.cleared": _A._cleared,
    "transcript.user.first": _A._transcript_first,
    "transcript.user.final": _A._transcript_final,
    "transcript.user.failed": _A._transcript_failed,
    "response.requested": _A._requested,
    "response.created": _A._created,
    "response.first_token": _A._first_token,
    "response.done": _A._response_done,
    "audio.first_received": _A._audio,
    "audio.received": _A._audio,
    "audio.first_taken": _A._audio,
    "audio.first_audible": _A._audio,
    "playout.start": _A._playout,
    "playout.audible": _A._playout,
    "playout.underrun": _A._playout,
    "playout.stop": _A._playout,
    "interrupt": _A._interrupt,
    "interrupt.taken": _A._interruption_step,
    "cancel.sent": _A._interruption_step,
    "truncate.sent": _A._interruption_step,
    "tool.called": _A._tool_called,
    "tool.approval_asked": _A._tool_step,
    "tool.approval_answered": _A._tool_step,
    "tool.started": _A._tool_step,
    "tool.ended": _A._tool_step,
    "tool.output_sent": _A._tool_step,
    "handoff": _A._handoff,
    "guardrail.checked": _A._checked,
    "error": _A._error,
    "session.end": _A._end,
}

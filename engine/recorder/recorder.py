"""The edges at which the recorder watches.

It sees every batch that is routed with what the machine made of it (`stepped`), what was written (`written`), what the
application took (`taken`) and what it or the line reports (`played`, `mark`). Nobody waits for it: all it needs is in
the data that passes by. Of the many deltas of a response only the first is an instant; the others cost a look at their
item and a few additions.

What lies ahead when it becomes known (that the speaker will fall silent) is told when it has come: `due` is when to
call `wake`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from engine.core.effects import AnswerApproval, Effects, StartCall
from engine.core.inputs import Input
from engine.events import Audio, AudioInterrupted, RealtimeSessionEvent
from engine.latency.instants import Value
from engine.latency.log import LogHeader, LogWriter
from engine.latency.overhead import EngineOverhead
from engine.latency.turns import TurnRecord
from engine.recorder import on_agent, on_audio, on_user
from engine.recorder.log_lines import LogLines
from engine.recorder.state import RecorderState
from engine.wire.client_events import ClientEvent
from engine.wire.formats import AudioFormat

E = TypeVar("E", Input, RealtimeSessionEvent, ClientEvent)

_Handlers = Mapping[type, Callable[[RecorderState, E, int], None]]

_INPUTS: Final[_Handlers[Input]] = {
    **on_audio.INPUTS,
    **on_agent.INPUTS,
    **on_user.INPUTS,
}
_EVENTS: Final[_Handlers[RealtimeSessionEvent]] = {
    **on_audio.EVENTS,
    **on_agent.EVENTS,
    **on_user.EVENTS,
}
_WRITTEN: Final[_Handlers[ClientEvent]] = {
    **on_agent.WRITTEN,
    **on_user.WRITTEN,
}


class Recorder:
    """One session's. All times are nanoseconds of the session's clock, and never go back."""

    def __init__(
        self,
        header: LogHeader,
        input_format: AudioFormat,
        output_format: AudioFormat,
        *,
        writer: LogWriter | None = None,
        on_turn: Callable[[TurnRecord, int], None] | None = None,
        on_due: Callable[[int], None] | None = None,
    ) -> None:
        """
        Args:
            header: of the log; `started_ns` is where the session's time begins.
            input_format: of the user's audio.
            output_format: of the agent's audio.
            writer: where the log goes. It is closed at the end.
            on_turn: called with each turn that is over, and the time.
            on_due: called with `due` when that has changed.
        """
        self.header = header
        self.lines = LogLines(header.session)
        self._state = RecorderState(header, self.lines, input_format, output_format, writer, on_turn, on_due)

    @property
    def overhead(self) -> EngineOverhead:
        """The engine's own part, so far."""
        return self._state.overhead

    @property
    def turns(self) -> Sequence[TurnRecord]:
        """The last turns that are over, and those that are still open, in the order in which they began."""
        known = [*self._state.turns, *self._state.assembler.open_turns()]
        return sorted(known, key=lambda record: record.index)

    @property
    def turn_count(self) -> int:
        """How many turns have begun."""
        return max((record.index + 1 for record in self.turns), default=0)

    @property
    def log_failed(self) -> OSError | None:
        """Why the log is not written any more, if that is so."""
        writer = self._state.writer
        return None if writer is None else writer.failed

    # --- the edges

    def stepped(self, batch: Sequence[Input], effects: Effects, now: int) -> None:
        """The machine has handled a batch at `now`, and this is what it led to."""
        state = self._state
        if state.over:
            return
        if now >= state.next_ns:
            state.advance(now)
        if effects.heard:
            names = {id(each.by_ids): each.by_names for each in effects.heard}
            batch = [names.get(id(given), given) for given in batch]
        for sent in effects.told:
            state.by_names[id(sent.by_ids)] = sent
        for given in batch:
            if (of_input := _INPUTS.get(type(given))) is not None:
                of_input(state, given, now)
        for work in effects.tools:
            if isinstance(work, StartCall):
                state.calls.append(work)
            elif isinstance(work, AnswerApproval):
                state.record(now, "tool.approval_answered", call=work.call_id, approved=work.approved)
        for event in effects.events:
            if (of_event := _EVENTS.get(type(event))) is not None:
                of_event(state, event, now)  # type: ignore[arg-type]  # no row is of `Discard`
        if state.lines.decisions:
            for event in effects.events:
                state.lines.decided(event)
        if state.calls:
            on_agent.called(state, now)
        if state.news or state.playout.due != state.playout_due:
            state.schedule()

    def written(self, events: Sequence[ClientEvent], now: int, enqueued_at: int | None = None) -> None:
        """These were written to the server. `enqueued_at` is when `send_audio` brought the oldest of their audio."""
        state = self._state
        if state.over:
            return
        if now >= state.next_ns:
            state.advance(now)
        if enqueued_at is not None:
            state.overhead.send_to_written.add(now - enqueued_at)
        for event in events:
            if state.by_names and (sent := state.by_names.pop(id(event), None)) is not None:
                event = sent.by_names
            if (of_event := _WRITTEN.get(type(event))) is not None:
                of_event(state, event, now)
            if state.lines.decisions:
                state.lines.written(event)
        if state.news:
            state.schedule()

    def taken(self, event: RealtimeSessionEvent, now: int) -> None:
        """The application took an event: audio, an interruption, or the end of a response; others tell nothing."""
        state = self._state
        state.overhead.read_to_taken.add(now - event.at_ns)
        if state.over:
            return
        if type(event) is Audio:
            on_audio.taken(state, event, now)
        elif type(event) is AudioInterrupted:
            on_audio.interruption_taken(state, event, now)

    def played(self, item_id: str, ms: int, now: int) -> None:
        """The application reports how far an item has been played."""
        if not self._state.over:
            self._state.advance(now)
            on_audio.played(self._state, item_id, ms, now)

    def mark(self, kind: str, at_ns: int, fields: Mapping[str, Value], now: int) -> None:
        """Somebody who knows more than the engine tells an instant, which may lie in the past."""
        if not self._state.over:
            self._state.advance(now)
            self._state.record(at_ns, kind, **fields)
            self._state.schedule()

    def end(self, reason: str, now: int) -> None:
        """The session is over. Turns that are open are given as they are."""
        state = self._state
        if state.over:
            return
        state.advance(now)
        state.record_overhead(now)
        state.record(now, "session.end", reason=reason)
        for record in state.assembler.close():
            state.turn(record, now)
        state.close()

    # --- time

    @property
    def due(self) -> int | None:
        """When to `wake`; None if nothing is known to come."""
        return None if self._state.over else self._state.due

    def wake(self, now: int) -> None:
        """Tell what has come by now."""
        if not self._state.over:
            self._state.advance(now)
            self._state.schedule()

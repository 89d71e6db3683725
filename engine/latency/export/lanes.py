"""A turn as what can be drawn: spans and marks in the lanes caller, network, model, engine, tools, speaker."""

from __future__ import annotations

from typing import Final, Literal

import attrs

from engine.latency.turns import ToolSpan, TurnRecord

Lane = Literal["caller", "network", "model", "engine", "tools", "speaker"]
LANES: Final[tuple[Lane, ...]] = ("caller", "network", "model", "engine", "tools", "speaker")


@attrs.frozen
class Drawn:
    """Something in a lane. Times are nanoseconds since the session began."""

    lane: Lane
    name: str
    start: int
    stop: int | None = None
    """None: a moment, not a span."""
    detail: str | None = None


def drawn(turn: TurnRecord) -> tuple[Drawn, ...]:
    """Everything of a turn that has a place in time, lane by lane, in the order of time."""
    found = [*_caller(turn), *_network(turn), *_model(turn), *_engine(turn), *_tools(turn), *_speaker(turn)]
    return tuple(sorted(found, key=lambda each: (LANES.index(each.lane), each.start, -(each.stop or each.start))))


def _span(lane: Lane, name: str, start: int | None, stop: int | None, detail: str | None = None) -> list[Drawn]:
    """A span, if both ends are known and in order."""
    if start is None or stop is None or stop < start:
        return []
    return [Drawn(lane, name, start, stop, detail)]


def _mark(lane: Lane, name: str, at: int | None, detail: str | None = None) -> list[Drawn]:
    return [] if at is None else [Drawn(lane, name, at, None, detail)]


def _caller(turn: TurnRecord) -> list[Drawn]:
    speaks = _span("caller", "speaks", turn.user_speech_start_truth, turn.user_speech_end_truth, turn.user_text)
    if not speaks:
        speaks = _span("caller", "speaks", turn.user_audio_first_sent, turn.user_audio_last_sent, turn.user_text)
    onset = turn.barge_in_truth if turn.barge_in_truth is not None else turn.barge_in_heard
    return [
        *speaks,
        *_mark("caller", "typed", turn.text_sent, turn.user_text),
        *_mark("caller", "speaks again", onset, turn.barge_in_purpose),
    ]


def _network(turn: TurnRecord) -> list[Drawn]:
    cut = turn.interruption
    return [
        *_span("network", "audio sent", turn.user_audio_first_sent, turn.user_audio_last_sent),
        *_mark("network", "commit sent", turn.commit_sent),
        *_mark("network", "response.create sent", turn.response_requested),
        *_span("network", "answer received", turn.audio_first_received, turn.response_done),
        *(_mark("network", "cancel sent", cut.cancel_sent) if cut else ()),
        *(_mark("network", "truncate sent", cut.truncate_sent) if cut else ()),
    ]


def _model(turn: TurnRecord) -> list[Drawn]:
    first = [at for at in (turn.first_token, turn.audio_first_received) if at is not None]
    spoke = min(first) if first else None
    return [
        *_span("model", "hears speech", turn.speech_started, turn.speech_stopped),
        *_span("model", "decides that the turn is over", turn.user_speech_end_truth, turn.speech_stopped),
        *_mark("model", "item committed", turn.committed),
        *_mark("model", "transcript", turn.transcript_final, turn.user_text),
        *_thinking(turn, spoke),
        *_span("model", "answers", spoke, turn.response_done, turn.status),
    ]


def _thinking(turn: TurnRecord, spoke: int | None) -> list[Drawn]:
    """From the response to its first output; with tools in between, up to the first call and from the last output."""
    before = [call for call in turn.tools if spoke is None or call.called < spoke]
    sent = [call.output_sent for call in before if call.output_sent is not None]
    if not before:
        return _span("model", "thinks", turn.response_created, spoke)
    return [
        *_span("model", "thinks, calls a tool", turn.response_created, min(call.called for call in before)),
        *_span("model", "thinks", max(sent, default=None), spoke),
    ]


def _engine(turn: TurnRecord) -> list[Drawn]:
    cut = turn.interruption
    return [
        *_span("engine", "audio to the application", turn.audio_first_received, turn.audio_first_taken),
        *_mark("engine", "first audible sample taken", turn.audio_first_audible),
        *_mark("engine", "guardrail tripped", turn.guardrail_tripped),
        *(each for handoff in turn.handoffs for each in _mark("engine", f"handoff to {handoff.to_agent}", handoff.at)),
        *(_span("engine", "interrupts", cut.onset_heard, cut.emitted, cut.cause) if cut else ()),
        *(_span("engine", "interruption taken", cut.emitted, cut.taken) if cut else ()),
        *(_mark("engine", "interrupted", cut.emitted, cut.cause) if cut else ()),
    ]


def _tools(turn: TurnRecord) -> list[Drawn]:
    return [each for call in turn.tools for each in _tool(call, turn.over)]


def _tool(call: ToolSpan, over: int) -> list[Drawn]:
    ended = call.ended if call.ended is not None else max(over, call.called)
    return [
        *_span("tools", call.name, call.called, ended, call.outcome or "no output"),
        *_span("tools", f"{call.name}: waits for approval", call.approval_asked, call.approval_answered),
        *_span("tools", f"{call.name}: runs", call.started, ended),
        *_mark("tools", f"{call.name}: output sent", call.output_sent),
    ]


def _speaker(turn: TurnRecord) -> list[Drawn]:
    source = f"{turn.playout_source}" if turn.playout_source else None
    return [
        *_span("speaker", "plays", turn.playout_start, turn.playout_stop, source),
        *_mark("speaker", "first audible sample", turn.playout_audible),
        *(_mark("speaker", "plays", turn.playout_start, source) if turn.playout_stop is None else ()),
    ]

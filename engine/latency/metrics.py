"""Metrics: numbers computed from turns, by functions that look at nothing else.

Times are in seconds, from a start to a stop that the function's docstring names, and **signed**: an agent that speaks
before the user has finished has a negative gap. None means that there is no such number for this turn, because it was
not answered, or because nobody knows one of the two instants. Nothing is ever 0 because it is missing.

Turns without an answer have no latency; they count in `engine.latency.rates`. Look at both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from inspect import cleandoc
from types import MappingProxyType
from typing import Final, Literal

import attrs

from engine.latency.turns import TurnRecord
from engine.wire.units import NS_PER_S

Unit = Literal["s", "ms", "count"]


@attrs.frozen
class Metric:
    """One number of a turn."""

    name: str
    unit: Unit
    start: str
    """The instant from which it is counted; empty for what is no span of time."""
    stop: str
    signed: bool
    """Whether it can be below zero."""
    meaning: str
    of: Callable[[TurnRecord], float | None]


Figure = Callable[[TurnRecord], float | None]
_METRICS: dict[str, Metric] = {}


def _metric(start: str, stop: str, *, unit: Unit = "s", signed: bool = False) -> Callable[[Figure], Figure]:
    def register(of: Figure) -> Figure:
        name = of.__name__
        _METRICS[name] = Metric(name, unit, start, stop, signed, cleandoc(of.__doc__ or ""), of)
        return of

    return register


def span_s(start: int | None, stop: int | None) -> float | None:
    """Seconds between two instants; None unless both are known."""
    return None if start is None or stop is None else (stop - start) / NS_PER_S


# --- what the user feels


@_metric("user_end: the truth, the typed message or the commit on the wire", "playout_audible", signed=True)
def turn_gap(turn: TurnRecord) -> float | None:
    """The silence between the user's last word and the agent's first, as the user hears it.

    Unit: seconds, signed: below zero the agent began before the user had finished.
    Start: the last audible sample of the user, as the line knows it; of a typed turn, the message was written; of push
    to talk without a line that knows, the commit was written. None where only the server's opinion is known: see
    `turn_gap_heard`.
    Stop: the first sample of the agent's of -45 dBFS or more reached the speaker. None of a turn that wants no answer,
    such as a murmur of assent: what follows one is no gap between turns.
    """
    return span_s(turn.user_end, turn.playout_audible) if turn.wants_answer else None


@_metric("speech_stopped", "playout_audible", signed=True)
def turn_gap_heard(turn: TurnRecord) -> float | None:
    """`turn_gap` for sessions whose line does not know when the user spoke. It leaves out the time that the server
    takes to notice the end, so it is shorter; do not compare the two.

    Unit: seconds, signed.
    Start: the server's word that the user has stopped was read.
    Stop: the first sample of the agent's of -45 dBFS or more reached the speaker.
    """
    return span_s(turn.speech_stopped, turn.playout_audible)


@_metric("user_end", "audio_first_received", signed=True)
def first_audio(turn: TurnRecord) -> float | None:
    """From the user's end to the first bytes of the answer's audio at the engine, audible or not.

    Unit: seconds, signed.
    Start: as of `turn_gap`.
    Stop: the first audio of the answer was read.
    """
    return span_s(turn.user_end, turn.audio_first_received)


@_metric("user_end", "first_token", signed=True)
def first_token(turn: TurnRecord) -> float | None:
    """From the user's end to the first text or audio of the answer at the engine.

    Unit: seconds, signed.
    Start: as of `turn_gap`.
    Stop: the first delta of the answer, of whatever kind, was read.
    """
    return span_s(turn.user_end, turn.first_token)


# --- whose fault it is


@_metric("user_speech_end_truth", "speech_stopped", signed=True)
def endpoint_delay(turn: TurnRecord) -> float | None:
    """How long the server takes to notice that the user has finished, the way there and back included.

    Unit: seconds, signed: below zero it cut the user off.
    Start: the last audible sample of the user, by the line's truth.
    Stop: the server's word that the user has stopped was read.
    """
    return span_s(turn.user_speech_end_truth, turn.speech_stopped)


@_metric("user_speech_end_truth_ms", "speech_stopped_ms", signed=True)
def endpoint_delay_server(turn: TurnRecord) -> float | None:
    """How much audio after the user's last sound the server wanted to hear before it decided: `endpoint_delay` in the
    server's own time, without the network.

    Unit: seconds of audio, signed.
    Start: position of the user's last audible sample in all audio sent, by the line's truth.
    Stop: position that the server names (`audio_end_ms`).
    """
    if turn.user_speech_end_truth_ms is None or turn.speech_stopped_ms is None:
        return None
    return (turn.speech_stopped_ms - turn.user_speech_end_truth_ms) / 1000


@_metric("user_audio_last_sent", "speech_stopped")
def endpoint_rtt(turn: TurnRecord) -> float | None:
    """The way of the audio that ended the turn to the server, its decision, and the way back.

    Unit: seconds.
    Start: the piece of audio was written that holds the position at which, by its own word, the server decided; of
    push to talk there is none.
    Stop: the server's word that the user has stopped was read.
    """
    return span_s(turn.user_audio_last_sent, turn.speech_stopped)


@_metric("response_requested", "response_created")
def event_rtt(turn: TurnRecord) -> float | None:
    """The shortest exchange with the server: we ask for a response, it says that one began.

    Unit: seconds.
    Start: `response.create` was written.
    Stop: `response.created` was read. None where the server responds by itself, also if a further response is asked
    for later, after a tool.
    """
    value = span_s(turn.response_requested, turn.response_created)
    return None if value is None or value < 0 else value


def _set_to_work(turn: TurnRecord) -> int | None:
    for at in (turn.response_requested, turn.committed, turn.speech_stopped):
        if at is not None:
            return at
    return None


@_metric("response_requested, else committed, else speech_stopped", "audio_first_received", signed=True)
def model_ttfa(turn: TurnRecord) -> float | None:
    """The model's time to first audio.

    Unit: seconds, signed: a server may speak before it says that it has the user's item.
    Start: the model was set to work: the request was written, or, if the server responds by itself, its word was read
    that it has made an item of what the user said, or, if it does not say, that the user has stopped.
    Stop: the first audio of the answer was read, audible or not.
    """
    return span_s(_set_to_work(turn), turn.audio_first_received)


@_metric("response_requested, else committed, else speech_stopped", "first_token", signed=True)
def model_ttft(turn: TurnRecord) -> float | None:
    """The model's time to the first delta of any kind.

    Unit: seconds, signed.
    Start: as of `model_ttfa`.
    Stop: the first text or audio of the answer was read.
    """
    return span_s(_set_to_work(turn), turn.first_token)


@_metric("audio_first_received", "audio_first_taken")
def take_delay(turn: TurnRecord) -> float | None:
    """How long the answer's first audio waited for the application.

    Unit: seconds.
    Start: it was read from the server.
    Stop: the application took it.
    """
    return span_s(turn.audio_first_received, turn.audio_first_taken)


@_metric("audio_first_received", "playout_start")
def playout_delay(turn: TurnRecord) -> float | None:
    """From the answer's first audio at the engine to the speaker: the application, its buffers, the device.

    Unit: seconds.
    Start: the first audio of the answer was read.
    Stop: its first sample reached the speaker. Where that is computed, it is the moment at which the application took
    it, or at which what was before it had been played.
    """
    return span_s(turn.audio_first_received, turn.playout_start)


@_metric("playout_start", "playout_audible")
def leading_silence(turn: TurnRecord) -> float | None:
    """Silence at the beginning of the answer's audio, which the user takes for thinking.

    Unit: seconds.
    Start: the answer's first sample reached the speaker.
    Stop: the first sample of -45 dBFS or more did.
    """
    return span_s(turn.playout_start, turn.playout_audible)


@_metric("user_end, else speech_stopped", "transcript_final", signed=True)
def transcript_delay(turn: TurnRecord) -> float | None:
    """How long the text of what the user said takes.

    Unit: seconds, signed.
    Start: the user's end as of `turn_gap`; where nobody knows it, the server's word that the user has stopped.
    Stop: the whole text was read.
    """
    if turn.opened_by != "speech":
        return None
    end = turn.user_end
    return span_s(end if end is not None else turn.speech_stopped, turn.transcript_final)


# --- the sound


@_metric("", "", unit="ms")
def jitter(turn: TurnRecord) -> float | None:
    """How unevenly the answer's audio arrived against its own length: the estimator of RFC 3550, section 6.4.1, of the
    item where it was largest, when all of it had come.

    Unit: milliseconds. None if less than two pieces came.
    """
    return turn.audio_jitter_ms


@_metric("", "", unit="count")
def underruns(turn: TurnRecord) -> float | None:
    """How often the speaker ran dry in the middle of an item. None if nothing was played.

    Unit: count.
    """
    return None if turn.underruns is None else float(turn.underruns)


@_metric("", "", unit="s")
def spoken(turn: TurnRecord) -> float | None:
    """How much of the answer was played.

    Unit: seconds of audio.
    """
    return None if turn.played_ms is None else turn.played_ms / 1000


# --- interruption


@_metric("the barge-in's onset: truth", "the last audible sample", signed=True)
def yield_latency(turn: TurnRecord) -> float | None:
    """How long the agent talks on when the user begins to speak.

    Unit: seconds, signed: below zero the user began in a pause of the agent's, after which nothing came.
    Start: the first audible sample of the user who interrupts, by the line's truth.
    Stop: the last audible sample of this turn's answer that was played; where the line does not say what is audible,
    the last sample. None if the agent was not interrupted: see `yield_rate` for those that should have been.
    """
    cut = turn.interruption
    if cut is None or cut.cause != "user":
        return None
    return span_s(cut.onset_truth, cut.stopped if cut.fell_silent is None else cut.fell_silent)


@_metric("the barge-in's onset: speech_started", "playout_stop", signed=True)
def yield_latency_heard(turn: TurnRecord) -> float | None:
    """`yield_latency` for sessions whose line does not know when the user spoke.

    Unit: seconds, signed: below zero the agent had finished by itself before.
    Start: the server's word that the user speaks was read.
    Stop: the last sample of this turn's answer that was played.
    """
    cut = turn.interruption
    return None if cut is None or cut.cause != "user" else span_s(cut.onset_heard, cut.stopped)


@_metric("the barge-in's onset: speech_started", "interruption.emitted")
def yield_latency_engine(turn: TurnRecord) -> float | None:
    """The engine's own part of an interruption.

    Unit: seconds.
    Start: the server's word that the user speaks was read.
    Stop: `audio_interrupted` was made. To be measured against real time: both are the same instant where the event and
    the decision are one step of virtual time.
    """
    cut = turn.interruption
    return None if cut is None or cut.cause != "user" else span_s(cut.onset_heard, cut.emitted)


@_metric("interruption.emitted", "interruption.taken")
def interrupt_take_delay(turn: TurnRecord) -> float | None:
    """How long the application was told to be silent before it listened.

    Unit: seconds.
    Start: `audio_interrupted` was made.
    Stop: the application took it.
    """
    cut = turn.interruption
    return None if cut is None else span_s(cut.emitted, cut.taken)


@_metric("interruption.emitted", "playout_stop", signed=True)
def over_talk(turn: TurnRecord) -> float | None:
    """How long the agent was heard after the engine had stopped it: what sits in the application's and the device's
    buffers.

    Unit: seconds, signed: below zero there was nothing left to stop.
    Start: `audio_interrupted` was made.
    Stop: the last sample of the answer that was played. Where playback is computed, that is when the application took
    the event, at the latest.
    """
    cut = turn.interruption
    return None if cut is None else span_s(cut.emitted, cut.stopped)


# --- tools


def _union(spans: Iterable[tuple[int | None, int | None]]) -> float | None:
    """How long at least one of the spans was open, in seconds; None if there is none."""
    known = sorted((start, stop) for start, stop in spans if start is not None and stop is not None)
    if not known:
        return None
    total, (start, stop) = 0, known[0]
    for later_start, later_stop in known[1:]:
        if later_start > stop:
            total += stop - start
            start, stop = later_start, later_stop
        else:
            stop = max(stop, later_stop)
    return (total + stop - start) / NS_PER_S


@_metric("tool.started", "tool.ended")
def tool_time(turn: TurnRecord) -> float | None:
    """How long tools ran: all time of the turn in which at least one did.

    Unit: seconds.
    Start: a tool's function began.
    Stop: its call had its output.
    """
    return _union((span.started, span.ended) for span in turn.tools)


@_metric("tool.called", "tool.output_sent")
def tool_round_trip(turn: TurnRecord) -> float | None:
    """How long the model waited for its calls: approval, the tool and the engine together.

    Unit: seconds.
    Start: the model's call was read, or handed to the executor.
    Stop: its output was written to the server. The whole time of the turn in which at least one call was open.
    """
    return _union((span.called, span.output_sent) for span in turn.tools)


@_metric("tool.approval_asked", "tool.approval_answered")
def approval_wait(turn: TurnRecord) -> float | None:
    """How long calls waited for the application's leave.

    Unit: seconds.
    Start: the application was asked.
    Stop: it had decided.
    """
    return _union((span.approval_asked, span.approval_answered) for span in turn.tools)


METRICS: Final[Mapping[str, Metric]] = MappingProxyType(_METRICS)


def metrics_of(turn: TurnRecord) -> dict[str, float]:
    """Every metric that this turn has."""
    known = ((name, metric.of(turn)) for name, metric in METRICS.items())
    return {name: value for name, value in known if value is not None}

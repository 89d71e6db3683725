"""The agent's voice: its audio as it comes, as it is taken, and as it is played."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from engine.core.inputs import Input
from engine.events import Audio, AudioEnd, AudioInterrupted, RealtimeSessionEvent, SettingsUpdated
from engine.latency.arrivals import Arrivals
from engine.latency.playout import PART
from engine.recorder.state import RecorderState, SpokenItem, on
from engine.wire import server_events as server
from engine.wire.units import NS_PER_MS


def received(state: RecorderState, event: Audio, now: int) -> None:
    """More audio. All but the first of an item costs a look at the item and a few additions."""
    spoken = state.items.get(event.item_id)
    if spoken is None:
        first_word(state, event.response_id, event.item_id, now)
        arrivals = Arrivals(state.output_format)
        spoken = state.items.keep(event.item_id, SpokenItem(event.response_id, event.item_id, arrivals))
        state.record(now, "audio.first_received", response=event.response_id, item=event.item_id)
    spoken.arrivals.on_audio(event.data, now)


def first_word(state: RecorderState, response: str, item: str, now: int) -> None:
    """Text or audio of a response."""
    if response not in state.begun:
        state.begun.keep(response, None)
        state.record(now, "response.first_token", response=response, item=item)


def taken(state: RecorderState, event: Audio, now: int) -> None:
    """The application took audio: it is played from now on, or after what is being played."""
    spoken = state.items.get(event.item_id)
    if spoken is None:
        return
    if now >= state.next_ns:
        state.advance(now)
    before, size = spoken.taken, len(event.data)
    after = spoken.taken = before + size
    if not before:
        state.record(now, "audio.first_taken", response=spoken.response, item=spoken.item)
    audible = spoken.arrivals.audible_at
    # A sample may have begun with the piece before, where nobody knew yet that it is audible.
    place = None
    if audible is not None and not spoken.audible_taken and audible < after:
        place = audible - before
        spoken.audible_taken = True
        ms = spoken.arrivals.audible_ms
        state.record(now, "audio.first_audible", response=spoken.response, item=spoken.item, ms=ms)
    if state.reported:
        return
    playout = state.playout
    stalled_ns = playout.taken(spoken.item, PART, size, now)
    if stalled_ns is None:
        playout.begin(spoken.response, spoken.item, size, now, spoken.arrivals.audio_format)
    elif stalled_ns:
        state.record_playout([playout.underrun(spoken.item, stalled_ns, now)])
    if place is not None:
        playout.heard_from(spoken.item, place, size)
    due = playout.due
    if due is not None and due <= now:
        state.record_playout(playout.advance(now))
    if spoken.whole and after >= spoken.arrivals.nbytes:
        playout.whole(spoken.item)
    if state.news or playout.due != state.playout_due:
        state.schedule()


def _ended(state: RecorderState, event: AudioEnd, now: int) -> None:
    if (spoken := state.items.get(event.item_id)) is not None:
        _whole(state, spoken, now)
        if spoken.taken >= spoken.arrivals.nbytes:
            state.playout.whole(spoken.item)


def _whole(state: RecorderState, spoken: SpokenItem, now: int) -> None:
    if spoken.whole:
        return
    spoken.whole = True
    arrivals = spoken.arrivals
    state.record(
        now, "audio.received", response=spoken.response, item=spoken.item, bytes=arrivals.nbytes,
        deltas=arrivals.pieces, jitter_ms=arrivals.jitter_ms, longest_gap_ms=arrivals.longest_gap_ms,
    )  # fmt: skip


# --- cut short


def _interrupted(state: RecorderState, event: AudioInterrupted, now: int) -> None:
    state.record(
        now, "interrupt", response=event.response_id, item=event.item_id, heard_ms=event.audio_end_ms, cause=state.cause
    )
    for spoken in [each for each in state.items.values() if each.response == event.response_id]:
        _whole(state, spoken, now)
        state.playout.whole(spoken.item)


def interruption_taken(state: RecorderState, event: AudioInterrupted, now: int) -> None:
    """The application knows of the interruption: its speaker falls silent."""
    state.advance(now)
    state.record(now, "interrupt.taken", response=event.response_id)
    state.record_playout(state.playout.stopped(event.response_id, now))
    for spoken in [each for each in state.items.values() if each.response == event.response_id]:
        _report_silence(state, spoken, now)
    state.schedule()


# --- where somebody reports


def played(state: RecorderState, item_id: str, ms: int, now: int) -> None:
    """The application reports how far an item has been played. Everything before that item has been."""
    spoken = state.items.get(item_id)
    if not state.reported:
        state.reported = True
        state.playout.forget()
    if spoken is None or spoken.silent or ms <= 0:
        return
    if spoken.reported_ms is None:
        for earlier in list(state.items.values()):
            if earlier is spoken:
                break
            _report_silence(state, earlier, now)
        began = max(now - ms * NS_PER_MS, state.start)
        state.record(began, "playout.start", response=spoken.response, item=item_id, source="reported")
    spoken.reported_ms = ms
    if spoken.whole and ms >= spoken.arrivals.audio_format.ms_of(spoken.arrivals.nbytes):
        _report_silence(state, spoken, now)


def _report_silence(state: RecorderState, spoken: SpokenItem, now: int) -> None:
    if spoken.reported_ms is not None and not spoken.silent:
        spoken.silent = True
        state.record(
            now, "playout.stop", response=spoken.response, item=spoken.item, source="reported", ms=spoken.reported_ms
        )


def _server_plays(state: RecorderState, event: server.OutputAudioBufferStarted, now: int) -> None:
    state.record(now, "playout.start", response=event.response_id, source="reported")


def _server_stops(state: RecorderState, event: server.OutputAudioBufferStopped, now: int) -> None:
    state.record(now, "playout.stop", response=event.response_id, source="reported")


def _server_is_cut(state: RecorderState, event: server.OutputAudioBufferCleared, now: int) -> None:
    state.record(now, "playout.stop", response=event.response_id, source="reported")


def _formats(state: RecorderState, event: SettingsUpdated, now: int) -> None:
    """Items that begin from now on, and audio that is sent from now on, are in these formats."""
    state.output_format = event.output_format
    state.sent.use_format(event.input_format)


INPUTS: Final[Mapping[type, Callable[[RecorderState, Input, int], None]]] = dict(
    [
        on(server.OutputAudioBufferStarted, _server_plays),
        on(server.OutputAudioBufferStopped, _server_stops),
        on(server.OutputAudioBufferCleared, _server_is_cut),
    ]
)
EVENTS: Final[Mapping[type, Callable[[RecorderState, RealtimeSessionEvent, int], None]]] = dict(
    [on(Audio, received), on(AudioEnd, _ended), on(AudioInterrupted, _interrupted), on(SettingsUpdated, _formats)]
)

"""Events of the server about a response: it begins, speaks, calls tools, and ends.

Audio, which comes most often, becomes an event of the session right here; everything else is passed on.
"""

from __future__ import annotations

from functools import partial

from engine.core.conversation import text_of
from engine.core.item_steps import complete_item, response_completes, response_names, response_tells
from engine.core.naming import id_of
from engine.core.placing import begin_told, of_item, of_part, place_end, place_part
from engine.core.responses import (
    add_text,
    delete_if_unheard,
    end_audio,
    finish_part,
    finish_response,
    finish_text,
    finish_words,
    open_audio,
    read_item,
    whole_call,
    whole_item,
)
from engine.core.state import LiveResponse, State
from engine.core.told_calls import is_whole_object
from engine.core.tool_call_steps import start_call, start_call_of
from engine.events import Audio
from engine.wire.items import FunctionCall, Item, OutputAudio
from engine.wire.server_events import (
    ResponseContentPartAdded,
    ResponseContentPartDone,
    ResponseCreated,
    ResponseDone,
    ResponseFunctionCallArgumentsDelta,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
)
from engine.wire.struct import evolve

# --- beginning


def created(s: State, event: ResponseCreated) -> None:
    """A response begins."""
    begin_told(s, event)


# --- speaking


@of_part
def part_added(s: State, event: ResponseContentPartAdded) -> None:
    """A part of an item begins; an audio part is in the ledger from here on, so that it can be cut."""
    live = s.live(event.response_id)
    if live is None:
        return
    response_names(s, live, event.item_id)
    if isinstance(event.part, OutputAudio):
        open_audio(s, live, event.item_id, event.content_index)


def audio_delta(s: State, event: ResponseOutputAudioDelta) -> None:
    """Audio to play."""
    live = s.responses.get(event.response_id)
    if live is None or live.ended or event.item_id not in live.same_names:
        if (placed := place_part(s, event)) is None:
            return
        event, live = placed, s.responses[placed.response_id]
    if live.interrupted or not event.delta:
        return
    if event.item_id not in live.items:
        response_names(s, live, event.item_id)
    live.audio_open[event.item_id, event.content_index] = s.now
    s.has_spoken = True
    s.ledger.received(live.response_id, event.item_id, event.content_index, len(event.delta), s.now)
    s.effects.events.append(
        Audio(
            context=s.rules.context, at_ns=s.now, response_id=live.response_id, item_id=event.item_id,
            content_index=event.content_index, data=event.delta,
        )
    )  # fmt: skip


@of_part
def audio_done(s: State, event: ResponseOutputAudioDone) -> None:
    """No more audio of an item, it says; stray deltas have been seen to follow, so `audio_end` waits for the item."""
    if s.live(event.response_id) is not None:
        s.ledger.ended(event.item_id, event.content_index)


def transcript_delta(s: State, event: ResponseOutputAudioTranscriptDelta) -> None:
    """More of what the audio says."""
    live = s.responses.get(event.response_id)
    if live is None or live.ended or event.item_id not in live.same_names:
        if (placed := place_part(s, event)) is None:
            return
        event, live = placed, s.responses[placed.response_id]
    add_text(s, live, event.item_id, event.content_index, event.delta, spoken=True)


def text_delta(s: State, event: ResponseOutputTextDelta) -> None:
    """More text."""
    live = s.responses.get(event.response_id)
    if live is None or live.ended or event.item_id not in live.same_names:
        if (placed := place_part(s, event)) is None:
            return
        event, live = placed, s.responses[placed.response_id]
    add_text(s, live, event.item_id, event.content_index, event.delta, spoken=False)


@of_part
def transcript_done(s: State, event: ResponseOutputAudioTranscriptDone) -> None:
    """All that the audio of a part says."""
    finish_text(s, event.response_id, event.item_id, event.content_index, event.transcript)


@of_part
def text_done(s: State, event: ResponseOutputTextDone) -> None:
    """All text of a part."""
    finish_text(s, event.response_id, event.item_id, event.content_index, event.text)


def part_done(s: State, event: ResponseContentPartDone) -> None:
    """End a part of an item; most servers have told all its text before, and some tell nothing here."""
    if text_of(event.part) and (placed := place_part(s, event)) is not None:
        finish_part(s, placed.response_id, placed.item_id, placed.content_index, placed.part)


# --- calling tools


@of_part
def arguments_delta(s: State, event: ResponseFunctionCallArgumentsDelta) -> None:
    """Take in more of a call's arguments. They are read from here only where no later event has them."""
    if (live := s.live(event.response_id)) is not None:
        live.calls.grow(event.item_id, event.call_id, event.delta)
        if event.item_id not in live.items:
            response_tells(s, live, FunctionCall(event.item_id, "", event.call_id, "", "in_progress"))


@of_part
def arguments_done(s: State, event: ResponseFunctionCallArgumentsDone) -> None:
    """A call's arguments are all there. A cancelled response says this too, with half of them: only a whole JSON object
    is taken at its word here, anything else waits for the item's own end, and so does a call whose name is to come."""
    if (live := s.live(event.response_id)) is None:
        return
    call = live.calls.end(event.item_id, event.call_id, event.name, event.arguments)
    call = whole_call(s, live, call)
    response_tells(s, live, evolve(call, arguments="", status="in_progress"))
    if not live.interrupted and call.name and is_whole_object(call.arguments):
        start_call(s, live, call.name, call.call_id, call.arguments)


@of_item
def item_added(s: State, event: ResponseOutputItemAdded) -> None:
    """A response begins an item."""
    if (live := s.live(event.response_id)) is not None:
        live.tells_items = True
        response_tells(s, live, whole_item(s, live, event.item))
        read_item(s, live, event.item, begins=True)


def _late_item(s: State, live: LiveResponse, item: Item) -> None:
    """Take a response's last word on an item that comes after the response's own end."""
    if not live.out_of_band:
        complete_item(s, item)


@partial(of_item, late=_late_item)
def item_done(s: State, event: ResponseOutputItemDone) -> None:
    """A response ends an item."""
    if (live := s.live(event.response_id)) is None:
        return
    item = whole_item(s, live, event.item)
    item_id = id_of(item)
    live.tells_items = True
    if isinstance(item, FunctionCall) and live.calls.is_told(item):
        start_call_of(s, live, item)
    finish_words(s, live, item_id, item)
    read_item(s, live, item)
    for key in [key for key in live.audio_open if key[0] == item_id]:
        end_audio(s, live, *key)
    delete_if_unheard(s, live, item_id)
    response_completes(s, live, item)


# --- ending


def done(s: State, event: ResponseDone) -> None:
    """A response ends, one way or another."""
    if (response := place_end(s, event)) is not None:
        finish_response(s, response)

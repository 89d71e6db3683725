"""Events of the server about a response: it begins, speaks, calls tools, and ends.

Audio, which comes most often, becomes an event of the session right here; everything else is passed on.
"""

from __future__ import annotations

import json

from engine.core.conversation import text_of
from engine.core.placing import begin_told, of_item, of_part, place_end, place_part
from engine.core.responses import (
    add_text,
    delete_if_unheard,
    end_audio,
    finish_part,
    finish_response,
    finish_text,
    open_audio,
    read_item,
)
from engine.core.state import State
from engine.core.tool_call_steps import start_call, start_call_of
from engine.events import Audio
from engine.wire.items import OutputAudio
from engine.wire.server_events import (
    ResponseContentPartAdded,
    ResponseContentPartDone,
    ResponseCreated,
    ResponseDone,
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

# --- beginning


def created(s: State, event: ResponseCreated) -> None:
    """A response begins."""
    begin_told(s, event)


# --- speaking


@of_part
def part_added(s: State, event: ResponseContentPartAdded) -> None:
    """A part of an item begins; an audio part is in the ledger from here on, so that it can be cut."""
    live = s.live(event.response_id)
    if live is not None and isinstance(event.part, OutputAudio):
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
    """A part of an item ends; most servers have told all its text before, and some tell nothing here."""
    if text_of(event.part) and (placed := place_part(s, event)) is not None:
        finish_part(s, placed.response_id, placed.item_id, placed.content_index, placed.part)


# --- calling tools


@of_part
def arguments_done(s: State, event: ResponseFunctionCallArgumentsDone) -> None:
    """A call's arguments are all there. A cancelled response says this too, with half of them: only a whole JSON object
    is taken at its word here, anything else waits for the item's own end."""
    live = s.live(event.response_id)
    if live is None or live.interrupted or not event.name or not _is_whole_object(event.arguments):
        return
    start_call(s, live, event.name, event.call_id, event.arguments)


def _is_whole_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


@of_item
def item_added(s: State, event: ResponseOutputItemAdded) -> None:
    """A response begins an item."""
    if (live := s.live(event.response_id)) is not None:
        live.tells_items = True
        read_item(s, live, event.item, begins=True)


@of_item
def item_done(s: State, event: ResponseOutputItemDone) -> None:
    """A response ends an item."""
    if (live := s.live(event.response_id)) is None:
        return
    item = event.item
    item_id = item.id if isinstance(item.id, str) else ""
    live.tells_items = True
    start_call_of(s, live, item)
    read_item(s, live, item)
    for key in [key for key in live.audio_open if key[0] == item_id]:
        end_audio(s, live, *key)
    delete_if_unheard(s, live, item_id)
    if not live.out_of_band and s.conversation.complete(item):
        s.history_updated(item_id)


# --- ending


def done(s: State, event: ResponseDone) -> None:
    """A response ends, one way or another."""
    if (response := place_end(s, event)) is not None:
        finish_response(s, response)

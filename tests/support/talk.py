"""Words for scripts: the events that a server sends in ordinary situations, one helper for each."""

from __future__ import annotations

from collections.abc import Sequence

from engine.wire.items import FunctionCall, InputAudio, InputText, Item, Message, OutputAudio
from engine.wire.response import Response, StatusDetails, Usage
from engine.wire.server_events import (
    ConversationItemAdded,
    ConversationItemDone,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    ResponseContentPartAdded,
    ResponseCreated,
    ResponseDone,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ServerEvent,
)

BYTES_PER_SECOND = 48_000


def begins(response_id: str, token: str | None = None) -> ServerEvent:
    """A response begins; `token` is the request it answers (`req_1`, ...), None if the server began it itself."""
    metadata = {"engine_request": token} if token else None
    return ResponseCreated(Response(id=response_id, status="in_progress", conversation_id="conv", metadata=metadata))


def speaks(
    response_id: str, item_id: str, text: str, seconds: float, *, previous: str | None = None
) -> list[ServerEvent]:
    """An item begins: words, then `seconds` of audio in deltas of a quarter of a second."""
    item = Message(item_id, "assistant", (), "in_progress")
    events: list[ServerEvent] = [
        ResponseOutputItemAdded(response_id, 0, item),
        ConversationItemAdded(item=item, previous_item_id=previous),
        ResponseContentPartAdded(response_id, item_id, 0, 0, OutputAudio("")),
    ]
    events += [ResponseOutputAudioTranscriptDelta(response_id, item_id, 0, 0, f"{word} ") for word in text.split()]
    left = round(seconds * BYTES_PER_SECOND) // 2 * 2
    while left > 0:
        size = min(left, BYTES_PER_SECOND // 4)
        events.append(ResponseOutputAudioDelta(response_id, item_id, 0, 0, b"\1\0" * (size // 2)))
        left -= size
    return events


def falls_silent(response_id: str, item_id: str, text: str, *, status: str = "completed") -> list[ServerEvent]:
    """The item ends."""
    item = Message(item_id, "assistant", (OutputAudio(text),), status)
    return [
        ResponseOutputAudioDone(response_id, item_id, 0, 0),
        ResponseOutputAudioTranscriptDone(response_id, item_id, 0, 0, text),
        ConversationItemDone(item=item),
        ResponseOutputItemDone(response_id, 0, item),
    ]


def ends(
    response_id: str, status: str = "completed", reason: str | None = None, usage: Usage | None = None
) -> ServerEvent:
    """The response ends."""
    details = StatusDetails(status, reason) if reason else None
    return ResponseDone(
        Response(id=response_id, status=status, status_details=details, conversation_id="conv", usage=usage)
    )


def calls(response_id: str, *wanted: tuple[str, str, str]) -> list[ServerEvent]:
    """The response calls tools: (call id, name, arguments) each."""
    events: list[ServerEvent] = []
    for index, (call_id, name, arguments) in enumerate(wanted):
        item_id = f"item_{call_id}"
        begun = FunctionCall(item_id, name, call_id, "", "in_progress")
        whole = FunctionCall(item_id, name, call_id, arguments, "completed")
        events += [
            ResponseOutputItemAdded(response_id, index, begun),
            ConversationItemAdded(item=begun),
            ResponseFunctionCallArgumentsDone(response_id, item_id, index, call_id, name, arguments),
            ConversationItemDone(item=whole),
            ResponseOutputItemDone(response_id, index, whole),
        ]
    return events


def user_starts(item_id: str = "user_1", at_ms: int = 100) -> ServerEvent:
    """The user begins to speak."""
    return InputAudioBufferSpeechStarted(at_ms, item_id)


def user_stops(item_id: str = "user_1", at_ms: int = 900, previous: str | None = None) -> list[ServerEvent]:
    """The user stops, and what was said becomes an item."""
    item = Message(item_id, "user", (InputAudio(),), "completed")
    return [
        InputAudioBufferSpeechStopped(at_ms, item_id),
        InputAudioBufferCommitted(item_id=item_id, previous_item_id=previous),
        *accepts(item, previous),
    ]


def accepts(item: Item, previous: str | None = None) -> Sequence[ServerEvent]:
    """An item that a client created or the user said."""
    return [
        ConversationItemAdded(item=item, previous_item_id=previous),
        ConversationItemDone(item=item, previous_item_id=previous),
    ]


def typed(item_id: str, text: str) -> Message:
    """A message of the user's."""
    return Message(item_id, "user", (InputText(text),), "completed")

"""What compatible servers do differently, and the client copes with (protocol facts, 9)."""

from typing import Any

import orjson
import pytest

from engine.wire.codec import decode_server
from engine.wire.formats import G711_ULAW, PCM16, AudioFormat
from engine.wire.items import (
    FunctionCall,
    FunctionCallOutput,
    Message,
    OutputAudio,
    OutputText,
    UnknownItem,
    UnknownPart,
)
from engine.wire.response import InputTokenDetails, Response, StatusDetails, Usage
from engine.wire.server_events import (
    ConversationCreated,
    ConversationItemAdded,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionFailed,
    ErrorEvent,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    InputAudioBufferTimeoutTriggered,
    MalformedEvent,
    ResponseContentPartDone,
    ResponseDone,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    ServerEvent,
    SessionCreated,
    TranscriptionError,
    UnknownEvent,
)
from engine.wire.session import Audio, AudioInput, AudioOutput, ServerVad, Session, UnknownSetting
from engine.wire.struct import UNSET


def _decode(**fields: Any) -> ServerEvent:
    return decode_server(orjson.dumps(fields))


_PART = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}


@pytest.mark.parametrize(
    ("beta", "fields", "event"),
    [
        ("response.text.delta", {"delta": "x"}, ResponseOutputTextDelta("r", "i", 0, 0, "x")),
        ("response.text.done", {"text": "x"}, ResponseOutputTextDone("r", "i", 0, 0, "x")),
        ("response.audio.delta", {"delta": "AAA="}, ResponseOutputAudioDelta("r", "i", 0, 0, b"\0\0")),
        ("response.audio.done", {}, ResponseOutputAudioDone("r", "i", 0, 0)),
        ("response.audio_transcript.delta", {"delta": "x"}, ResponseOutputAudioTranscriptDelta("r", "i", 0, 0, "x")),
    ],
)
def test_beta_names_of_responses(beta: str, fields: dict[str, str], event: ServerEvent) -> None:
    assert _decode(type=beta, **_PART, **fields) == event


def test_beta_item_created() -> None:
    content = [{"type": "text", "text": "a"}, {"type": "audio", "transcript": "b"}]
    item = {"id": "i", "object": "realtime.item", "type": "message", "role": "assistant", "content": content}
    event = _decode(type="conversation.item.created", event_id="e", previous_item_id="p", item=item)
    message = Message("i", "assistant", (OutputText("a"), OutputAudio("b")))
    assert event == ConversationItemAdded(message, previous_item_id="p", event_id="e")


def test_beta_session_is_read_as_the_ga_session() -> None:
    event = _decode(
        type="session.created",
        session={
            "modalities": ["text", "audio"],
            "voice": {"name": "ava", "type": "azure"},
            "input_audio_format": "pcm16",
            "output_audio_format": "g711_ulaw",
            "turn_detection": {"type": "server_vad", "silence_duration_ms": 500, "auto_truncate": True},
            "input_audio_sampling_rate": 24000,
            "max_response_output_tokens": "inf",
            "type": "realtime",
        },
    )
    assert event == SessionCreated(
        Session(
            output_modalities=("text", "audio"),
            max_output_tokens="inf",
            audio=Audio(
                AudioInput(PCM16, turn_detection=ServerVad(silence_duration_ms=500)),
                AudioOutput(G711_ULAW, UnknownSetting({"name": "ava", "type": "azure"})),
            ),
        )
    )


def test_session_without_a_type_is_a_speech_session() -> None:
    event = _decode(type="session.created", session={"voice": "ara", "turn_detection": {"type": None}})
    assert isinstance(event, SessionCreated)
    assert event.session == Session(
        audio=Audio(AudioInput(turn_detection=UnknownSetting({"type": None})), AudioOutput(voice="ara"))
    )


def test_odd_settings_in_an_echo_do_not_cost_the_event() -> None:
    session = {
        "type": "realtime",
        "id": "s",
        "tools": [{"type": "function", "function": {"name": "nested"}}, {"type": "web_search"}],
        "tool_choice": 7,
        "reasoning": {"effort": "none"},
        "audio": {"output": {"format": {"type": "audio/opus"}, "voice": {"id": "v"}, "speed": 1}},
    }
    event = _decode(type="session.updated", event_id="e", session=session)
    assert not isinstance(event, MalformedEvent)
    assert event.session.tools == tuple(UnknownSetting(tool) for tool in session["tools"])
    assert event.session.tool_choice == UnknownSetting(7)
    assert event.session.audio.output.format == UnknownSetting({"type": "audio/opus"})
    assert event.session.id == "s"


def test_other_sample_rates() -> None:
    audio = {"output": {"format": {"type": "audio/pcm", "rate": 16000}}}
    event = _decode(type="session.created", session={"type": "realtime", "audio": audio})
    assert isinstance(event, SessionCreated)
    assert event.session.audio == Audio(output=AudioOutput(AudioFormat("audio/pcm", 16000)))


@pytest.mark.parametrize("event_id", [{}, {"event_id": ""}, {"event_id": None}])
def test_missing_event_id(event_id: dict[str, Any]) -> None:
    assert _decode(type="response.output_audio.done", **_PART, **event_id) == ResponseOutputAudioDone("r", "i", 0, 0)
    audio = _decode(type="response.output_audio.delta", **_PART, delta="AAA=", **event_id)
    assert audio == ResponseOutputAudioDelta("r", "i", 0, 0, b"\0\0")


def test_missing_previous_item_id_and_item_id() -> None:
    event = _decode(type="conversation.item.added", item={"type": "message", "role": "user"})
    assert event == ConversationItemAdded(Message(UNSET, "user", ()))


def test_zero_and_empty_left_out() -> None:
    assert _decode(type="response.output_text.delta", response_id="r", item_id="i", delta="x") == (
        ResponseOutputTextDelta("r", "i", 0, 0, "x")
    )
    assert _decode(type="response.output_audio.delta", response_id="r", item_id="i", delta="AAA=") == (
        ResponseOutputAudioDelta("r", "i", 0, 0, b"\0\0")
    )
    assert _decode(type="input_audio_buffer.speech_started", item_id="i") == InputAudioBufferSpeechStarted(0, "i")
    completed = _decode(type="conversation.item.input_audio_transcription.completed", item_id="i")
    assert completed == ConversationItemInputAudioTranscriptionCompleted("i", 0, "")


@pytest.mark.parametrize("absent", [{}, {"response_id": None, "item_id": None}])
def test_ids_left_out_are_empty(absent: dict[str, None]) -> None:
    assert _decode(type="response.output_text.delta", delta="x", **absent) == ResponseOutputTextDelta("", "", 0, 0, "x")
    audio = _decode(type="response.output_audio.delta", delta="AAA=", **absent)
    assert audio == ResponseOutputAudioDelta("", "", 0, 0, b"\0\0")
    item = {"type": "function_call", "name": "f"}
    done = _decode(type="response.output_item.done", item=item, **absent)
    assert done == ResponseOutputItemDone("", 0, FunctionCall(UNSET, "f", "", ""))
    ids = {"id": None} if absent else {}
    assert _decode(type="response.done", response=ids) == ResponseDone(Response())


@pytest.mark.parametrize("content", [{}, {"content": None}, {"content": []}])
def test_item_without_content(content: dict[str, Any]) -> None:
    item = {"id": "i", "type": "message", "role": "assistant", "status": "completed", **content}
    event = _decode(type="response.output_item.done", response_id="r", output_index=0, item=item)
    assert event == ResponseOutputItemDone("r", 0, Message("i", "assistant", (), "completed"))


def test_content_part_without_its_part() -> None:
    assert _decode(type="response.content_part.done", **_PART) == ResponseContentPartDone("r", "i", 0, 0, None)


def test_function_call_without_arguments_or_name() -> None:
    item = {"id": "i", "type": "function_call", "name": "f", "call_id": "c"}
    event = _decode(type="response.output_item.done", response_id="r", item=item)
    assert event == ResponseOutputItemDone("r", 0, FunctionCall("i", "f", "c", ""))
    done = _decode(
        type="response.function_call_arguments.done", response_id="r", item_id="i", call_id="c", arguments="{}"
    )
    assert done == ResponseFunctionCallArgumentsDone("r", "i", 0, "c", None, "{}")


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        (None, None),
        ("unimplemented", StatusDetails(reason="unimplemented")),
        ({"type": "cancelled", "reason": "turn_detected"}, StatusDetails("cancelled", "turn_detected")),
    ],
)
def test_status_details(details: object, expected: StatusDetails | None) -> None:
    event = _decode(type="response.done", response={"id": "r", "status": "completed", "status_details": details})
    assert event == ResponseDone(Response("r", "completed", expected))


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({}, None),
        ({"usage": None}, None),
        ({"usage": {}}, Usage()),
        ({"usage": {"total_tokens": 3, "input_token_details": None}}, Usage(total_tokens=3)),
        (
            {"usage": {"input_token_details": {"text_tokens": 1, "cached_tokens_details": None}}},
            Usage(input_token_details=InputTokenDetails(text_tokens=1)),
        ),
    ],
)
def test_usage(usage: dict[str, Any], expected: Usage | None) -> None:
    assert _decode(type="response.done", response={"id": "r", **usage}) == ResponseDone(Response("r", usage=expected))


def test_response_with_null_output() -> None:
    assert _decode(type="response.done", response={"id": "r", "output": None}) == ResponseDone(Response("r"))


def test_error_with_null_code() -> None:
    event = _decode(type="error", error={"type": "server_error", "message": "Oh.", "code": None})
    assert isinstance(event, ErrorEvent)
    assert (event.error.code, event.error.message) == (None, "Oh.")


def test_extra_keys_are_ignored() -> None:
    event = _decode(type="response.output_audio.done", event_id="e", **_PART, rid="x", latency=1.5)
    assert event == ResponseOutputAudioDone("r", "i", 0, 0, event_id="e")


def test_ping_is_unknown_and_conversation_created_is_not() -> None:
    assert _decode(type="ping", timestamp=1) == UnknownEvent("ping", {"type": "ping", "timestamp": 1})
    assert isinstance(_decode(type="conversation.created", conversation={"id": "c"}), ConversationCreated)


def test_items_and_parts_of_unknown_types_survive_raw() -> None:
    item = {"id": "i", "type": "vendor_thing", "x": [1]}
    assert _decode(type="conversation.item.added", item=item) == ConversationItemAdded(UnknownItem(item))
    part = {"type": "video", "url": "u"}
    message = {"id": "i", "type": "message", "role": "user", "content": [part]}
    event = _decode(type="conversation.item.added", item=message)
    assert event == ConversationItemAdded(Message("i", "user", (UnknownPart(part),)))


@pytest.mark.parametrize("missing", [{}, {"item_id": None}])
def test_speech_whose_item_is_not_named(missing: dict[str, Any]) -> None:
    assert _decode(type="input_audio_buffer.speech_started", **missing) == InputAudioBufferSpeechStarted(0, "")
    assert _decode(type="input_audio_buffer.speech_stopped", **missing) == InputAudioBufferSpeechStopped(0, "")
    assert _decode(type="input_audio_buffer.committed", **missing) == InputAudioBufferCommitted("")
    triggered = InputAudioBufferTimeoutTriggered(0, 0, "")
    assert _decode(type="input_audio_buffer.timeout_triggered", **missing) == triggered


def test_a_call_of_which_an_event_tells_a_part() -> None:
    begun = _decode(type="response.output_item.added", response_id="r", item={"id": "i", "type": "function_call"})
    assert begun == ResponseOutputItemAdded("r", 0, FunctionCall("i", "", "", ""))
    ended = _decode(type="response.function_call_arguments.done", response_id="r", item_id="i", name="f")
    assert ended == ResponseFunctionCallArgumentsDone("r", "i", 0, "", "f", "")
    output = _decode(type="conversation.item.added", item={"id": "o", "type": "function_call_output", "call_id": "c"})
    assert output == ConversationItemAdded(FunctionCallOutput("o", "c", ""))


def test_arguments_that_are_no_text() -> None:
    ended = _decode(
        type="response.function_call_arguments.done", response_id="r", item_id="i", call_id="c", arguments={"a": [1]}
    )
    assert ended == ResponseFunctionCallArgumentsDone("r", "i", 0, "c", None, '{"a":[1]}')
    item = {"id": "i", "type": "function_call", "name": "f", "call_id": "c", "arguments": {}}
    whole = _decode(type="response.output_item.done", response_id="r", item=item)
    assert whole == ResponseOutputItemDone("r", 0, FunctionCall("i", "f", "c", "{}"))
    assert isinstance(
        _decode(type="response.function_call_arguments.done", response_id="r", item_id="i", arguments=[1]),
        MalformedEvent,
    )


def test_a_message_of_a_response_is_the_assistants() -> None:
    event = _decode(type="response.output_item.added", response_id="r", item={"id": "i", "type": "message"})
    assert event == ResponseOutputItemAdded("r", 0, Message("i", "assistant", ()))


def test_usage_beside_the_response() -> None:
    event = _decode(type="response.done", response={"id": "r", "usage": {}}, usage={"total_tokens": 3})
    assert event == ResponseDone(Response("r", usage=Usage(total_tokens=3)))
    event = _decode(type="response.done", response={"id": "r", "usage": {"total_tokens": 2}}, usage={"total_tokens": 3})
    assert event == ResponseDone(Response("r", usage=Usage(total_tokens=2)))


def test_a_transcript_that_is_told_as_it_grows() -> None:
    name = "conversation.item.input_audio_transcription"
    growing = ConversationItemInputAudioTranscriptionCompleted("i", 0, "hel", status="in_progress")
    assert _decode(type=f"{name}.updated", item_id="i", transcript="hel") == growing
    assert _decode(type=f"{name}.completed", item_id="i", transcript="hel", status="in_progress") == growing
    failed = ConversationItemInputAudioTranscriptionFailed("i", 0, TranscriptionError())
    assert _decode(type=f"{name}.failed", item_id="i") == failed

"""The embedded server refuses what the API refuses, with its codes, its words and the path (protocol facts, 8.2)."""

from typing import Any

import orjson
import pybase64
import pytest

from engine.wire.client_decoding import MAX_AUDIO_BYTES
from engine.wire.client_events import InputAudioBufferAppend, SessionUpdate
from engine.wire.codec import BINARY_FRAME, ClientError, decode_client


def _refused(payload: object) -> ClientError:
    error = decode_client(orjson.dumps(payload))
    assert isinstance(error, ClientError), error
    assert error.type == "invalid_request_error"
    return error


def _update(**session: Any) -> dict[str, Any]:
    return {"type": "session.update", "session": {"type": "realtime", **session}}


def _create(**item: Any) -> dict[str, Any]:
    return {"type": "conversation.item.create", "item": item}


_FORMAT_16K = {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}
_VAD = {"type": "server_vad"}


@pytest.mark.parametrize(
    ("payload", "code", "param", "message"),
    [
        ({"type": "bogus"}, "invalid_value", "type",
         "Invalid value: 'bogus'. Supported values are: 'session.update', "),
        ({"type": "transcription_session.update"}, "invalid_value", "type", "Supported values are"),
        ({"type": 5}, "invalid_type", "type",
         "Invalid type for 'type': expected a string, but got an integer instead."),
        ({}, "invalid_event", None, "missing required parameter 'type'"),
        ([], "invalid_event", None, "expected an object, but got an array"),
        ({"type": "session.update", "session": {}}, "missing_required_parameter", "session.type",
         "Missing required parameter: 'session.type'."),
        ({"type": "session.update"}, "missing_required_parameter", "session", "Missing required parameter: 'session'."),
        (_update(voice="alloy"), "unknown_parameter", "session.voice", "Unknown parameter: 'session.voice'."),
        (_update(id="sess_1"), "unknown_parameter", "session.id", "Unknown parameter: 'session.id'."),
        (_update(audio={"input": {"format": "pcm16"}}), "invalid_type", "session.audio.input.format",
         "Invalid type for 'session.audio.input.format': expected an object, but got a string instead."),
        (_update(audio=_FORMAT_16K), "integer_below_min_value", "session.audio.input.format.rate",
         "Expected a value >= 24000, but got 16000 instead."),
        (_update(audio={"output": {"speed": 1.6}}), "decimal_above_max_value", "session.audio.output.speed", "<= 1.5"),
        (_update(audio={"input": {"turn_detection": {**_VAD, "threshold": -0.1}}}), "decimal_below_min_value",
         "session.audio.input.turn_detection.threshold", ">= 0"),
        (_update(audio={"input": {"turn_detection": {**_VAD, "idle_timeout_ms": 100}}}), "integer_below_min_value",
         "session.audio.input.turn_detection.idle_timeout_ms", ">= 5000"),
        (_update(audio={"input": {"turn_detection": {**_VAD, "eagerness": "low"}}}), "unknown_parameter",
         "session.audio.input.turn_detection.eagerness", "Unknown parameter"),
        (_update(audio={"input": {"turn_detection": {"type": "magic"}}}), "invalid_value",
         "session.audio.input.turn_detection.type", "Supported values are: 'server_vad' and 'semantic_vad'."),
        (_update(tool_choice="maybe"), "invalid_value", "session.tool_choice",
         "Invalid value: 'maybe'. Supported values are: 'auto', 'none', and 'required'."),
        (_update(output_modalities=["text", "audio"]), "invalid_value", "session.output_modalities",
         "Supported combinations are: ['audio'] and ['text']."),
        (_update(max_output_tokens=5000), "invalid_value", "session.max_output_tokens", "<= 4096"),
        (_update(tools=[{"type": "function"}]), "missing_required_parameter", "session.tools[0].name", "Missing"),
        ({"type": "session.update", "session": {"type": "transcription", "instructions": "x"}}, "unknown_parameter",
         "session.instructions", "Unknown parameter"),
        (_create(type="message", role="user"), "missing_required_parameter", "item.content", "Missing"),
        (_create(type="message", role="user", content=[{"type": "output_text", "text": "x"}]), "invalid_value",
         "item.content[0].type", "Supported values are: 'input_text', 'input_audio', and 'input_image'."),
        (_create(type="message", role="assistant", content=[{"type": "output_audio", "transcript": "x"}]),
         "invalid_value", "item.content[0].type", "Supported values are: 'output_text'."),
        (_create(type="message", role="user", content=[{"type": "text", "text": "x"}]), "invalid_value",
         "item.content[0].type", "Supported values are"),
        (_create(type="message", role="user", content=[{"type": "input_audio"}]), "missing_required_parameter",
         "item.content[0].audio", "Missing required parameter: 'item.content[0].audio'."),
        (_create(type="message", role="user", content=[{"type": "input_audio", "audio": "%"}]), "invalid_value",
         "item.content[0].audio", "Expected base64-encoded audio bytes"),
        (_create(type="message", role="robot", content=[]), "invalid_value", "item.role", "Supported values are"),
        (_create(type="message", role="user", content=[], id="x" * 33), "string_above_max_length", "item.id",
         "Invalid 'item.id': string too long. Expected a string with maximum length 32, but got a string with length"),
        (_create(type="function_call_output", call_id="c" * 40, output=""), "string_above_max_length", "item.call_id",
         "maximum length 32"),
        (_create(type="function_call_output", call_id="c", output={}), "invalid_type", "item.output",
         "expected a string, but got an object instead."),
        (_create(type="item_reference", id="x"), "invalid_value", "item.type", "Supported values are: 'message', "),
        ({"type": "conversation.item.truncate", "item_id": "i", "audio_end_ms": 5}, "missing_required_parameter",
         "content_index", "Missing required parameter: 'content_index'."),
        ({"type": "conversation.item.truncate", "item_id": "i", "audio_end_ms": 5.5, "content_index": 0},
         "invalid_type", "audio_end_ms", "expected an integer, but got a decimal instead."),
        ({"type": "conversation.item.truncate", "item_id": "i", "audio_end_ms": -1, "content_index": 0},
         "integer_below_min_value", "audio_end_ms", "Expected a value >= 0, but got -1 instead."),
        ({"type": "response.create", "response": {"max_output_tokens": 0}}, "invalid_value",
         "response.max_output_tokens", "but got 0 instead"),
        ({"type": "response.create", "response": {"modalities": ["text"]}}, "unknown_parameter",
         "response.modalities", "Unknown parameter: 'response.modalities'."),
        ({"type": "response.create", "response": {"metadata": {str(i): "" for i in range(17)}}},
         "object_above_max_properties", "response.metadata", "at most 16 properties"),
        ({"type": "response.create", "response": {"metadata": {"k": "v" * 513}}}, "string_above_max_length",
         "response.metadata.k", "maximum length 512"),
        ({"type": "response.cancel", "bogus": 1}, "unknown_parameter", "bogus", "Unknown parameter: 'bogus'."),
        ({"type": "input_audio_buffer.append"}, "missing_required_parameter", "audio", "Missing"),
        ({"type": "input_audio_buffer.append", "audio": 5}, "invalid_type", "audio", "expected a string"),
        ({"type": "input_audio_buffer.append", "audio": "%%"}, "invalid_value", "audio",
         "Invalid 'audio'. Expected base64"),
        ({"type": "input_audio_buffer.append", "audio": ""}, "invalid_value", "audio", "but got empty bytes"),
        ({"type": "input_audio_buffer.append", "audio": "AAA=", "x": 1}, "unknown_parameter", "x", "Unknown"),
        ({"type": "input_audio_buffer.append", "audio": "AAA=", "event_id": 1}, "invalid_type", "event_id", "a string"),
        ({"type": "input_audio_buffer.clear", "event_id": "e" * 513}, "string_above_max_length", "event_id", "512"),
    ],
)  # fmt: skip
def test_refusal(payload: object, code: str, param: str | None, message: str) -> None:
    error = _refused(payload)
    assert (error.code, error.param) == (code, param)
    assert message in error.message


@pytest.mark.parametrize("text", ["", "{", "nope", b"\xff", "[" * 5000])
def test_no_json(text: str | bytes) -> None:
    error = decode_client(text)
    assert isinstance(error, ClientError)
    assert (error.code, error.param, error.event_id) == ("invalid_json", None, None)
    assert error.message.startswith("Invalid event: failed to parse JSON value.")


def test_the_id_of_the_refused_event_is_named() -> None:
    assert _refused({"type": "session.update", "event_id": "mine"}).event_id == "mine"
    assert _refused({"event_id": "mine"}).event_id == "mine"


def test_too_much_audio_at_once() -> None:
    audio = pybase64.b64encode(bytes(MAX_AUDIO_BYTES + 1)).decode()
    assert _refused({"type": "input_audio_buffer.append", "audio": audio}).code == "string_above_max_length"


def test_binary_frame() -> None:
    assert BINARY_FRAME.code == "invalid_event"


@pytest.mark.parametrize("event_id", [{}, {"event_id": None}, {"event_id": "e"}])
def test_append_with_and_without_id(event_id: dict[str, Any]) -> None:
    event = decode_client(orjson.dumps({"type": "input_audio_buffer.append", "audio": "AAA=", **event_id}))
    assert isinstance(event, InputAudioBufferAppend)
    assert event.audio == b"\0\0"
    assert (event.event_id or None) == event_id.get("event_id")


def test_a_g711_format_may_repeat_its_rate() -> None:
    audio = {"input": {"format": {"type": "audio/pcmu", "rate": 8000}}, "output": {"format": {"type": "audio/pcma"}}}
    assert isinstance(decode_client(orjson.dumps(_update(audio=audio))), SessionUpdate)

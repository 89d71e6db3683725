"""What is broken is told apart from what is unknown, with a reason that a person can read."""

import pytest

from engine.wire.codec import decode_server
from engine.wire.server_events import MalformedEvent

_DELTA = '"response_id":"r","item_id":"i","output_index":0,"content_index":0'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ('{"type":"response.done","resp', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        ('{"type":"\ud800"}', "not JSON"),
        ("[" * 5000, "not JSON"),
        ("[]", "not a JSON object but an array"),
        ("null", "not a JSON object but null"),
        ('"text"', "not a JSON object but a string"),
        ("{}", "no type"),
        ('{"type":5}', "no type"),
        ('{"type":"response.created"}', "response.created: response is missing"),
        ('{"type":"response.created","response":[]}', "expected an object, got an array @ event.response"),
        ('{"type":"error","error":{"message":"x"}}', "type is missing"),
        (
            '{"type":"error","error":{"type":"x","message":5}}',
            "expected a string, got an integer @ event.error.message",
        ),
        ('{"type":"input_audio_buffer.speech_started","item_id":"i","audio_start_ms":"5"}', "expected an integer"),
        ('{"type":"input_audio_buffer.speech_started","item_id":"i","audio_start_ms":true}', "expected an integer"),
        ('{"type":"input_audio_buffer.speech_started","item_id":"i","audio_start_ms":0.5}', "expected an integer"),
        ('{"type":"input_audio_buffer.speech_started","item_id":"i","audio_start_ms":1e19}', "expected an integer"),
        ('{"type":"conversation.item.added","item":"x"}', "expected one of the types message"),
        ('{"type":"conversation.item.added","item":{}}', "expected one of the types message"),
        ('{"type":"conversation.item.added","item":{"type":"message"}}', "role is missing"),
        (
            '{"type":"conversation.item.added","item":{"type":"message","role":"user","content":[{"type":[]}]}}',
            "expected one of the types input_text",
        ),
        ('{"type":"response.output_audio.delta",' + _DELTA + ',"delta":"%%%%"}', "response.output_audio.delta"),
        ('{"type":"response.output_audio.delta",' + _DELTA + ',"delta":"AAA"}', "response.output_audio.delta"),
        ('{"type":"response.output_audio.delta",' + _DELTA + ',"delta":"\u00e9"}', "response.output_audio.delta"),
        ('{"type":"response.output_audio.delta",' + _DELTA + ',"delta":5}', "expected a string, got an integer"),
        ('{"type":"response.output_audio.delta",' + _DELTA + "}", "delta is missing"),
        ('{"type":"response.output_text.delta",' + _DELTA + ',"delta":null}', "expected a string, got null"),
    ],
)
def test_reason(text: str | bytes, reason: str) -> None:
    event = decode_server(text)
    assert isinstance(event, MalformedEvent)
    assert reason in event.reason
    assert event.raw == text


def test_what_it_claims_is_kept() -> None:
    event = decode_server('{"type":"response.done","event_id":"event_1","response":{"id":"resp_1","output":5}}')
    assert isinstance(event, MalformedEvent)
    assert (event.type, event.event_id, event.response_id) == ("response.done", "event_1", "resp_1")
    event = decode_server('{"type":"response.output_text.delta","response_id":"resp_1"}')
    assert isinstance(event, MalformedEvent)
    assert event.response_id == "resp_1"


def test_a_long_message_is_not_repeated_in_its_repr() -> None:
    assert len(repr(decode_server(b"x" * 100_000))) < 1000

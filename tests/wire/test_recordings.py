"""Real conversations are read without loss, and written again exactly as they were."""

from typing import Any

import orjson

from engine.wire.client_events import InputAudioBufferAppend
from engine.wire.codec import ClientError, decode_client, decode_server, encode_client, encode_server
from engine.wire.server_events import MalformedEvent, ResponseContentPartAdded, ResponseContentPartDone, UnknownEvent
from tests.recordings import Recording, recorded


def _kept(data: dict[str, Any]) -> dict[str, Any]:
    """Azure repeats the part of a content part event as `content` (protocol facts, 9.1): that copy is dropped."""
    if data["type"] in (ResponseContentPartAdded.type, ResponseContentPartDone.type):
        return {key: value for key, value in data.items() if key != "content"}
    return data


@recorded
def test_what_the_server_sent(recording: Recording) -> None:
    assert recording.received
    for line in recording.received:
        event = decode_server(line.text)
        assert not isinstance(event, UnknownEvent | MalformedEvent), event
        assert event.type == line.data["type"]
        assert encode_server(event) == orjson.dumps(_kept(line.data))


@recorded
def test_what_the_client_sent(recording: Recording) -> None:
    assert recording.sent
    for line in recording.sent:
        event = decode_client(line.text)
        assert not isinstance(event, ClientError), event
        assert orjson.loads(encode_client(event)) == line.data


@recorded
def test_audio_is_bytes(recording: Recording) -> None:
    for line in recording.sent:
        event = decode_client(line.text)
        if isinstance(event, InputAudioBufferAppend):
            assert isinstance(event.audio, bytes)
            assert event.audio

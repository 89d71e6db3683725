"""Whatever comes, decoding gives a value; and what it understood, it can write and read again."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.wire.client_events import ClientEvent
from engine.wire.codec import ClientError, decode_client, decode_server, encode_client, encode_server
from engine.wire.server_events import MalformedEvent, ServerEvent
from tests.recordings import Recording, recorded
from tests.strategies import damage, wire


def _check_server(text: str | bytes) -> None:
    event = decode_server(text)
    if isinstance(event, MalformedEvent):
        assert event.reason
        assert event.raw == text
    else:
        assert decode_server(encode_server(event)) == event


def _check_client(text: str | bytes) -> None:
    event = decode_client(text)
    if isinstance(event, ClientError):
        assert event.type == "invalid_request_error"
        assert event.code
        assert event.message.endswith((".", ")"))
    else:
        assert decode_client(encode_client(event)) == event


@given(st.binary(max_size=40))
def test_any_bytes(text: bytes) -> None:
    _check_server(text)
    _check_client(text)


@given(st.text(st.characters(codec=None), max_size=40))
def test_any_text_lone_surrogates_too(text: str) -> None:
    _check_server(text)
    _check_client(text)


@given(wire.json_values)
def test_any_json(value: object) -> None:
    _check_server(orjson.dumps(value))
    _check_client(orjson.dumps(value))


@settings(max_examples=150)
@given(st.data(), wire.server_events())
def test_damaged_server_event(data: st.DataObject, event: ServerEvent) -> None:
    _check_server(data.draw(damage.damaged_texts(encode_server(event))))


@settings(max_examples=150)
@given(st.data(), wire.client_events())
def test_damaged_client_event(data: st.DataObject, event: ClientEvent) -> None:
    _check_client(data.draw(damage.damaged_texts(encode_client(event))))


@recorded
@settings(max_examples=50)
@given(st.data())
def test_damaged_recording(recording: Recording, data: st.DataObject) -> None:
    line = data.draw(st.sampled_from(recording.lines))
    text = data.draw(damage.damaged_texts(line.text))
    _check_server(text)
    _check_client(text)


@pytest.mark.parametrize("depth", [100, 300, 2000, 100_000])
def test_deep_nesting(depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    decode_server(deep)
    decode_server(b'{"type":"x","deep":' + deep + b"}")
    event = decode_client(
        b'{"type":"session.update","session":{"type":"realtime","tools":[{"type":"function",'
        b'"name":"f","parameters":{"deep":' + deep + b"}}]}}"
    )
    if not isinstance(event, ClientError):
        encode_client(event)
    assert isinstance(event, ClientError) == (depth > 200)

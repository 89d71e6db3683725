"""What is written is read back equal."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.wire.client_events import ClientEvent, OutputAudioBufferClear, RawClientEvent
from engine.wire.codec import ClientError, decode_client, decode_server, encode_client, encode_server
from engine.wire.items import InputAudio, Message
from engine.wire.server_events import (
    SERVER_EVENTS,
    ConversationItemAdded,
    KnownServerEvent,
    ServerEventBase,
    UnknownEvent,
)
from tests.strategies import wire


@pytest.mark.parametrize("cls", SERVER_EVENTS, ids=lambda cls: cls.type)
@settings(max_examples=10)
@given(st.data())
def test_server_event(cls: type[ServerEventBase], data: st.DataObject) -> None:
    event: KnownServerEvent = data.draw(wire.server_events_of(cls))
    assert decode_server(encode_server(event)) == event


@given(wire.client_events())
def test_client_event(event: ClientEvent) -> None:
    assert decode_client(encode_client(event)) == event


@given(st.text(max_size=20), wire.json_objects)
def test_unknown_server_event_survives_as_it_came(name: str, fields: dict[str, object]) -> None:
    raw = {**fields, "type": f"vendor.{name}"}
    event = decode_server(orjson.dumps(raw))
    assert event == UnknownEvent(f"vendor.{name}", raw)
    assert orjson.loads(encode_server(event)) == raw


@given(wire.json_objects)
def test_raw_client_event_is_sent_as_it_is(payload: dict[str, object]) -> None:
    assert orjson.loads(encode_client(RawClientEvent(payload))) == payload


def test_playback_at_the_server_is_not_for_a_plain_websocket() -> None:
    error = decode_client(encode_client(OutputAudioBufferClear(event_id="evt_1")))
    assert isinstance(error, ClientError)
    assert (error.code, error.param, error.event_id) == ("invalid_value", "type", "evt_1")


def test_user_audio_of_a_server_has_a_null_transcript_until_it_is_known() -> None:
    event = ConversationItemAdded(Message("item_1", "user", (InputAudio(),), status="completed"), event_id="event_1")
    assert orjson.loads(encode_server(event))["item"]["content"] == [{"type": "input_audio", "transcript": None}]

"""What is written validates against the types that the service publishes: those of the `openai` package.

Its classes let unknown keys pass, so keys that no published class knows are looked for by hand. The exceptions are
listed, each with the reason why the wire has them all the same.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

import orjson
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent

from engine.wire.client_events import ClientEvent, OutputAudioBufferClear, RawClientEvent
from engine.wire.codec import encode_client, encode_server
from engine.wire.server_events import SERVER_EVENTS, ServerEventBase
from tests.recordings import Recording, recorded
from tests.strategies import wire

_UNPUBLISHED = frozenset(
    {
        # On the wire of every text-like delta, published for one of them (protocol facts, section 3).
        "obfuscation",
        # Echoed by the server, published for the answer of another endpoint only (protocol facts, 4.1).
        "session.object",
        "session.id",
        "session.expires_at",
        # Reasoning models only (protocol facts, 3.3 and 5.1).
        "response.usage.output_token_details.reasoning_tokens",
        "item.phase",
        "response.output.phase",
        # A transcript that is told again as it grows, by compatible servers (protocol facts, 9.3).
        "status",
        # Items that run at the service have a status too (protocol facts, 5.1).
        "item.status",
        "response.output.status",
    }
)


@cache
def _published(union: Any) -> dict[str, type[pydantic.BaseModel]]:
    members = get_args(get_args(union)[0])
    return {get_args(member.model_fields["type"].annotation)[0]: member for member in members}


def _extras(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, pydantic.BaseModel):
        for key in value.model_extra or ():
            yield f"{path}{key}"
        for key in value.model_fields_set & type(value).model_fields.keys():
            yield from _extras(getattr(value, key), f"{path}{key}.")
    elif isinstance(value, list):
        for each in value:
            yield from _extras(each, path)


def _validate(text: bytes, union: Any) -> None:
    payload = orjson.loads(text)
    event = _published(union)[payload["type"]].model_validate(payload, strict=True)
    assert set(_extras(event)) <= _UNPUBLISHED


def test_all_published_events_have_a_class() -> None:
    assert set(_published(RealtimeServerEvent)) - {"conversation.item.created"} == {cls.type for cls in SERVER_EVENTS}
    ours = {cls.type for cls in get_args(ClientEvent) if cls is not RawClientEvent}
    assert set(_published(RealtimeClientEvent)) == ours


@pytest.mark.parametrize("cls", SERVER_EVENTS, ids=lambda cls: cls.type)
@settings(max_examples=10)
@given(st.data())
def test_server_event(cls: type[ServerEventBase], data: st.DataObject) -> None:
    _validate(encode_server(data.draw(wire.server_events_of(cls))), RealtimeServerEvent)


@given(wire.client_events() | st.just(OutputAudioBufferClear()))
def test_client_event(event: ClientEvent) -> None:
    _validate(encode_client(event), RealtimeClientEvent)


@recorded
def test_the_yardstick_accepts_what_the_service_sent(recording: Recording) -> None:
    for line in recording.received:
        _published(RealtimeServerEvent)[line.data["type"]].model_validate(line.data, strict=True)


def test_the_yardstick_measures() -> None:
    with pytest.raises(pydantic.ValidationError):
        _validate(b'{"type":"response.created","event_id":"event_1"}', RealtimeServerEvent)
    with pytest.raises(AssertionError):
        _validate(b'{"type":"input_audio_buffer.clear","bogus":1}', RealtimeClientEvent)

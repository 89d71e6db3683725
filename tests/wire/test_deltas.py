"""Deltas that are read by hand mean what the converter would have made of them."""

from typing import Any

import orjson
import pybase64
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.wire.codec import decode_server, encode_server
from engine.wire.converter import converter
from engine.wire.deltas import audio_delta_in, text_delta
from engine.wire.server_events import (
    MalformedEvent,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputTextDelta,
)
from tests.strategies import damage, wire

AUDIO = bytes(range(256)) * 4


def audio_delta(**changed: Any) -> dict[str, Any]:
    event: dict[str, Any] = {
        "type": "response.output_audio.delta",
        "event_id": "event_1",
        "response_id": "resp_1",
        "item_id": "item_1",
        "output_index": 0,
        "content_index": 0,
        "delta": pybase64.b64encode(AUDIO).decode(),
    }
    return event | changed


def by_the_converter(text: str) -> object:
    """Bytes are never read by hand, and mean the same as the text that they are."""
    event = decode_server(text.encode())
    return event.type if isinstance(event, MalformedEvent) else event


def decoded(text: str) -> object:
    event = decode_server(text)
    return event.type if isinstance(event, MalformedEvent) else event


orders = st.permutations(list(audio_delta())[1:]).map(lambda keys: {key: audio_delta()[key] for key in ["type", *keys]})
damaged = st.one_of(orders, st.just(audio_delta())).flatmap(damage.damaged_values)


@given(orders)
def test_an_audio_delta_is_read_by_hand(event: dict[str, Any]) -> None:
    text = orjson.dumps(event).decode()
    read = audio_delta_in(text)
    assert read == ResponseOutputAudioDelta("resp_1", "item_1", 0, 0, AUDIO, event_id="event_1")
    assert read == by_the_converter(text)


def test_so_is_the_betas() -> None:
    assert audio_delta_in(orjson.dumps(audio_delta(type="response.audio.delta")).decode()) is not None


@given(damaged)
@example(audio_delta(delta=""))
@example(audio_delta(delta="A" * 1025))
@example(dict(reversed(audio_delta().items())))
@example(audio_delta(delta="AAA\\" * 300))
@example(audio_delta(delta="AAA*" * 300))
@example(audio_delta(delta={"delta": pybase64.b64encode(AUDIO).decode()}))
@example(audio_delta(type="response.output_text.delta", delta="AAAA" * 300))
@example(audio_delta(type="response.function_call_arguments.delta", delta="AAAA" * 300))
@example({"x": {"delta": "AAAA" * 300}, **audio_delta(delta="")})
@example({'x"delta': "AAAA" * 300, **audio_delta()})
def test_an_unusual_one_means_the_same(event: object) -> None:
    text = orjson.dumps(event).decode()
    assert decoded(text) == by_the_converter(text)


@given(st.data())
def test_so_does_one_that_is_broken(data: st.DataObject) -> None:
    text = data.draw(damage.damaged_texts(orjson.dumps(audio_delta()))).decode(errors="replace")
    assert decoded(text) == by_the_converter(text)


@pytest.mark.parametrize("cls", [ResponseOutputAudioTranscriptDelta, ResponseOutputTextDelta])
@given(st.data())
def test_text_deltas(cls: Any, data: st.DataObject) -> None:
    event = data.draw(wire.instances(cls))
    written = orjson.loads(encode_server(event))
    read = text_delta(cls, lambda _: None)(written)
    assert read == (event if "event_id" in written else None)
    assert decode_server(orjson.dumps(written)) == event


@given(st.data())
def test_unusual_text_deltas(data: st.DataObject) -> None:
    event = data.draw(wire.instances(ResponseOutputTextDelta))
    written = data.draw(damage.damaged_values(orjson.loads(encode_server(event))))
    if isinstance(written, dict) and (read := text_delta(type(event), lambda _: None)(written)) is not None:
        assert read == converter.structure(written, ResponseOutputTextDelta)

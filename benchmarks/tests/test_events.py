"""What the load server plays is what the service would send: held against the published types of `openai`.

Run with `pytest benchmarks/tests`.
"""

from __future__ import annotations

import base64
import itertools

import orjson
import pytest
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from benchmarks import stamp
from benchmarks.server import session_object
from benchmarks.server.frames import cut, frame, head, payloads
from benchmarks.server.modes.history import seeded
from benchmarks.server.script import Speech, event, spoken_turn, tool_call, transcript_turn, user_turn

SERVER_EVENT: TypeAdapter[object] = TypeAdapter(RealtimeServerEvent)
GA_AUDIO_BYTES = 12_000


def everything() -> list[bytes]:
    voice = Speech(GA_AUDIO_BYTES)
    user, frames = user_turn(None)
    turn = spoken_turn(voice, 3, previous=user, metadata={"token": "x"})
    _, call = tool_call("noop", '{"reason":"benchmark"}')
    opening, words, where = transcript_turn(5)
    pieces = [frames, turn.opening, turn.closing, call, opening, words, *seeded(4)]
    pieces += [delta.stamped(1, 2, 3, 0) + after for delta, after in turn.deltas]
    pieces.append(voice.delta(**where).stamped(1, 2, 3, 0))
    pieces.append(event("session.created", session=session_object.fresh("sess_1", "gpt-realtime-1")))
    return list(itertools.chain.from_iterable(payloads(piece) for piece in pieces))


@pytest.mark.parametrize("payload", everything(), ids=lambda payload: orjson.loads(payload)["type"])
def test_every_event_is_one_that_the_service_could_send(payload: bytes) -> None:
    fields = orjson.loads(payload)
    parsed = SERVER_EVENT.validate_python(fields)
    assert getattr(parsed, "type", None) == fields["type"]


def test_a_delta_has_its_size_and_its_stamp() -> None:
    (payload,) = payloads(Speech(GA_AUDIO_BYTES).delta(item_id="i").stamped(7, 123456789, 5, stamp.END))
    pcm = base64.b64decode(orjson.loads(payload)["delta"], validate=True)
    assert len(pcm) == GA_AUDIO_BYTES
    assert stamp.read(pcm) == stamp.Stamp(stamp.END, 7, 123456789, 5)
    assert stamp.read(memoryview(pcm)[stamp.SIZE :]) is None


def test_a_text_delta_is_padded_to_sixteen() -> None:
    _, words, _ = transcript_turn(60)
    for payload in payloads(words):
        fields = orjson.loads(payload)
        assert len(fields["delta"] + fields["obfuscation"]) % 16 == 0


@pytest.mark.parametrize("size", [0, 1, 125, 126, 1300, 65535, 65536])
def test_frames_are_cut_wherever_the_network_cuts_them(size: int) -> None:
    payload = bytes(n % 251 for n in range(size))
    mask = b"\x01\x02\x03\x04"
    masked = bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))
    header = head(size)
    one = header[:1] + bytes([header[1] | 0x80]) + header[2:] + mask + masked
    stream, buffer, found = one + one, bytearray(), []
    step = max(1, len(stream) // 7)
    for at in range(0, len(stream), step):
        buffer += stream[at : at + step]
        found += list(cut(buffer))
    assert found == [(1, payload), (1, payload)]
    assert not buffer
    assert list(payloads(frame(payload))) == [payload]

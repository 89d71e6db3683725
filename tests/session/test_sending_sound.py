"""What `send_audio` makes of an application's sound: whatever holds it, at whatever rate, one sound at the server."""

from __future__ import annotations

import array
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from engine import RealtimeAgent, RealtimeRunner, RealtimeSession, ScriptedModel
from engine.audio.g711 import alaw_to_pcm, ulaw_to_pcm
from engine.audio.resample import resample
from engine.audio.samples import samples_of
from engine.audio.streams import Encoder
from engine.errors import AudioError
from engine.models.scripted import HangUp, Pause
from engine.wire.client_events import InputAudioBufferAppend, InputAudioBufferClear, InputAudioBufferCommit
from engine.wire.formats import G711_ALAW, G711_ULAW, PCM16
from tests.audio.tones import hertz, tone

Program = Callable[[RealtimeSession[Any]], Awaitable[None]]
FORMATS = {"pcm16": PCM16, "g711_ulaw": G711_ULAW, "g711_alaw": G711_ALAW}
CUTS = st.lists(st.integers(1, 700), max_size=8)


def sent_by(program: Program, input_format: str = "pcm16") -> list[Any]:
    """What goes to the server but for the settings; pieces of audio in a row as one."""
    model = ScriptedModel([Pause(60), HangUp()])

    async def main() -> None:
        config = {"model_settings": {"input_audio_format": input_format}}
        session = await RealtimeRunner(RealtimeAgent(name="Plain"), model=model, config=config).run()
        async with session:
            await program(session)
            await trio.sleep(1)

    trio.run(main, clock=MockClock(autojump_threshold=0))
    told: list[Any] = []
    for event in model.sent[1:]:
        if isinstance(event, InputAudioBufferAppend):
            if told and isinstance(told[-1], bytes):
                told[-1] += event.audio
            else:
                told.append(event.audio)
        else:
            told.append(type(event))
    return told


def pieces(pcm: bytes, sizes: list[int]) -> list[bytes]:
    """PCM in pieces of so many samples, and the rest."""
    found, at = [], 0
    for size in sizes:
        found.append(pcm[at : at + 2 * size])
        at += 2 * size
    return [piece for piece in (*found, pcm[at:]) if piece]


def held(pcm: bytes, how: str) -> Any:
    samples = samples_of(pcm)
    match how:
        case "bytes":
            return pcm
        case "bytearray":
            return bytearray(pcm)
        case "memoryview of bytes":
            return memoryview(pcm)
        case "array":
            return array.array("h", samples)
        case "big-endian":
            return np.array(samples, ">i2")
        case "column":
            return np.array(samples, np.int16).reshape(-1, 1)
        case _:
            return np.array(samples, how) / 32768


HOLDERS = ["bytes", "bytearray", "memoryview of bytes", "array", "big-endian", "column", "float32", "float64"]
TYPED = HOLDERS[3:]


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(FORMATS)), st.sampled_from([8000, 16000, 24000, 44100]), CUTS, st.data())
def test_pieces_at_a_rate_are_one_sound(name: str, rate: int, sizes: list[int], data: st.DataObject) -> None:
    pcm = tone(440, rate, 0.06)
    holders = [(piece, data.draw(st.sampled_from(HOLDERS))) for piece in pieces(pcm, sizes)]

    async def program(session: RealtimeSession[Any]) -> None:
        for piece, how in holders:
            await session.send_audio(held(piece, how), rate=rate)
        await session.commit_audio()

    whole = Encoder(FORMATS[name], rate).encode(pcm, last=True)
    assert sent_by(program, name) == [whole, InputAudioBufferCommit]


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(sorted(FORMATS)), CUTS, st.data())
def test_samples_without_a_rate_have_the_sessions(name: str, sizes: list[int], data: st.DataObject) -> None:
    pcm = tone(440, FORMATS[name].rate, 0.06)
    holders = [(piece, data.draw(st.sampled_from(TYPED))) for piece in pieces(pcm, sizes)]

    async def program(session: RealtimeSession[Any]) -> None:
        for piece, how in holders:
            await session.send_audio(held(piece, how))

    assert sent_by(program, name) == [Encoder(FORMATS[name], FORMATS[name].rate).encode(pcm, last=True)]


@pytest.mark.parametrize("name", sorted(FORMATS))
@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_the_server_hears_the_pitch(name: str, rate: int) -> None:
    async def program(session: RealtimeSession[Any]) -> None:
        await session.send_audio(tone(440, rate), rate=rate, commit=True)

    codec = {"g711_ulaw": ulaw_to_pcm, "g711_alaw": alaw_to_pcm}.get(name, bytes)
    heard, committed = sent_by(program, name)
    assert hertz(codec(heard), FORMATS[name].rate) == pytest.approx(440, abs=8)
    assert committed is InputAudioBufferCommit


@pytest.mark.parametrize("name", ["g711_ulaw", "g711_alaw"])
def test_bytes_for_a_phone_line_are_encoded_already(name: str) -> None:
    line = bytes(range(255))

    async def program(session: RealtimeSession[Any]) -> None:
        await session.send_audio(line)
        await session.send_audio(bytearray(line))

    assert sent_by(program, name) == [line + line]


def test_a_sound_ends_where_another_kind_begins() -> None:
    """What is kept back of it is not lost, nor mixed into what follows."""
    low, high, own = tone(440, 8000, 0.05), tone(440, 48000, 0.05), tone(440, 24000, 0.05)

    async def program(session: RealtimeSession[Any]) -> None:
        await session.send_audio(low, rate=8000)
        await session.send_audio(high, rate=48000)
        await session.send_audio(own)

    assert sent_by(program) == [resample(low, 8000, 24000) + resample(high, 48000, 24000) + own]


def test_what_is_cleared_does_not_come_back() -> None:
    pcm = tone(440, 8000, 0.05)

    async def program(session: RealtimeSession[Any]) -> None:
        await session.send_audio(pcm, rate=8000)
        await session.clear_audio()
        await session.send_audio(pcm, rate=8000, commit=True)

    before, cleared, after, committed = sent_by(program)
    whole = resample(pcm, 8000, 24000)
    assert (cleared, committed) == (InputAudioBufferClear, InputAudioBufferCommit)
    assert (before, after) == (whole[: len(before)], whole)


def test_a_long_sound_does_not_hold_up_others() -> None:
    pcm, steps = tone(440, 8000, 3.0), 0

    async def program(session: RealtimeSession[Any]) -> None:
        async def count() -> None:
            nonlocal steps
            while True:
                steps += 1
                await trio.lowlevel.checkpoint()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(count)
            await session.send_audio(np.frombuffer(pcm, "<i2"), rate=8000, commit=True)
            nursery.cancel_scope.cancel()

    assert sent_by(program) == [resample(pcm, 8000, 24000), InputAudioBufferCommit]
    assert steps >= 14, "others have their turn every 200 ms of sound"


REFUSED = {
    "odd bytes at a rate": (b"\0\0\0", 16000, "3 bytes are not whole samples"),
    "no rate of sound": (b"\0\0", 12, "at 12 samples per second"),
    "a rate that is no number": (b"\0\0", "16k", "not '16k'"),
    "a rate that is not whole": (b"\0\0", 16000.0, "whole number"),
    "an empty array": (array.array("h"), None, "no audio"),
    "an empty array with a rate": (np.zeros(0, np.int16), 16000, "no audio"),
    "integers of another size": (np.zeros(4, np.int32), 16000, "not int32"),
    "stereo": (np.zeros((4, 2), np.float32), None, "2 channels"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_leaves_the_sound_as_it_was(name: str) -> None:
    audio, rate, words = REFUSED[name]
    pcm = tone(440, 16000, 0.05)

    async def program(session: RealtimeSession[Any]) -> None:
        await session.send_audio(pcm[:700], rate=16000)
        with pytest.raises(AudioError, match=words):
            await session.send_audio(audio, rate=rate)  # type: ignore[arg-type]
        await session.send_audio(pcm[700:], rate=16000, commit=True)

    assert sent_by(program) == [resample(pcm, 16000, 24000), InputAudioBufferCommit]


def test_a_piece_that_was_cancelled_is_not_half_sent() -> None:
    pcm = tone(440, 16000, 0.05)

    async def program(session: RealtimeSession[Any]) -> None:
        await session.send_audio(pcm[:700], rate=16000)
        with trio.CancelScope() as scope:
            scope.cancel()
            await session.send_audio(struct.pack("<4h", 9, 9, 9, 9), rate=16000)
        await session.send_audio(pcm[700:], rate=16000, commit=True)

    assert sent_by(program) == [resample(pcm, 16000, 24000), InputAudioBufferCommit]

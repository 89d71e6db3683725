"""Streams between formats: wherever the pieces are cut, what comes out is what comes of the whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.audio.g711 import alaw_to_pcm, pcm_to_alaw, pcm_to_ulaw, ulaw_to_pcm
from engine.audio.resample import resample
from engine.audio.samples import SampleCutter
from engine.audio.streams import Decoder, Encoder
from engine.errors import AudioError
from engine.wire.formats import G711_ALAW, G711_ULAW, PCM16, AudioFormat
from tests.audio.tones import hertz, tone

FORMATS = [PCM16, AudioFormat("audio/pcm", 8000), AudioFormat("audio/pcm", 16000), AudioFormat("audio/pcm", 44100),
           G711_ULAW, G711_ALAW]  # fmt: skip
RATES = st.sampled_from([8000, 16000, 24000, 48000])
CUTS = st.lists(st.integers(0, 900), min_size=1, max_size=12)


def pieces(audio: bytes, sizes: list[int], *, whole: int = 1) -> Iterator[bytes]:
    """`audio` in pieces of these sizes, and the rest."""
    at = 0
    for size in sizes:
        yield audio[at : at + size * whole]
        at += size * whole
    yield audio[at:]


def encoded(pcm: bytes, audio_format: AudioFormat) -> bytes:
    codec = {G711_ULAW.type: pcm_to_ulaw, G711_ALAW.type: pcm_to_alaw}.get(audio_format.type)
    return pcm if codec is None else codec(pcm)


def decoded(audio: bytes, audio_format: AudioFormat) -> bytes:
    codec = {G711_ULAW.type: ulaw_to_pcm, G711_ALAW.type: alaw_to_pcm}.get(audio_format.type)
    return audio if codec is None else codec(audio)


@given(st.binary(max_size=200), st.lists(st.integers(0, 30), max_size=12), st.integers(1, 4))
def test_samples_are_cut_nowhere(audio: bytes, sizes: list[int], width: int) -> None:
    cutter = SampleCutter(width)
    parts = [cutter.cut(piece) for piece in pieces(audio, sizes)]
    assert all(len(part) % width == 0 for part in parts)
    assert b"".join(parts) + cutter.kept == audio
    assert len(cutter.kept) < width
    cutter.drop()
    assert cutter.cut(b"\1" * width) == b"\1" * width


@given(st.sampled_from(FORMATS), RATES, CUTS)
def test_a_decoder_gives_the_same_for_any_pieces(audio_format: AudioFormat, rate: int, sizes: list[int]) -> None:
    audio = encoded(tone(440, audio_format.rate, 0.05), audio_format)
    decoder = Decoder(audio_format, rate)
    came = b"".join(decoder.decode(piece) for piece in pieces(audio, sizes)) + decoder.flush()
    assert came == resample(decoded(audio, audio_format), audio_format.rate, rate)


@given(st.sampled_from(FORMATS), RATES, CUTS)
def test_an_encoder_gives_the_same_for_any_pieces(audio_format: AudioFormat, rate: int, sizes: list[int]) -> None:
    pcm = tone(440, rate, 0.05)
    encoder = Encoder(audio_format, rate)
    came = b"".join(encoder.encode(piece) for piece in pieces(pcm, sizes)) + encoder.encode(b"", last=True)
    assert came == encoded(resample(pcm, rate, audio_format.rate), audio_format)


@given(st.integers(1, 100))
def test_half_a_sample_dies_with_its_stream(samples: int) -> None:
    decoder = Decoder(PCM16)
    sound = b"\7\7" * samples
    assert decoder.decode(sound + b"\1") + decoder.flush() == sound
    assert decoder.decode(sound) == sound


@pytest.mark.parametrize("audio_format", FORMATS)
def test_the_pitch_is_kept_there_and_back(audio_format: AudioFormat) -> None:
    encoder, decoder = Encoder(audio_format, 16000), Decoder(audio_format, 24000)
    heard = decoder.decode(encoder.encode(tone(440, 16000), last=True)) + decoder.flush()
    assert hertz(heard, 24000) == pytest.approx(440, abs=5)


@pytest.mark.parametrize("rate", [1, 999, 400_000])
def test_a_rate_that_is_none_of_sound_is_refused(rate: int) -> None:
    with pytest.raises(AudioError, match=f"at {rate} samples per second"):
        Decoder(AudioFormat("audio/pcm", rate))

"""Bytes and milliseconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.wire.formats import G711_ALAW, G711_ULAW, PCM16, AudioFormat, format_object, parse_format

_FORMATS = [PCM16, G711_ULAW, G711_ALAW, AudioFormat("audio/pcm", 16000), AudioFormat("audio/pcm", 44100)]

formats = st.sampled_from(_FORMATS)


def test_a_second_of_each() -> None:
    assert (PCM16.bytes_of(1000), G711_ULAW.bytes_of(1000), G711_ALAW.bytes_of(1000)) == (48_000, 8_000, 8_000)
    assert (PCM16.bytes_per_ms, G711_ULAW.bytes_per_ms) == (48, 8)
    assert AudioFormat("audio/pcm", 44100).bytes_of(10) == 882


@given(formats, st.integers(0, 10**7))
def test_milliseconds_are_rounded_down(audio_format: AudioFormat, nbytes: int) -> None:
    ms = audio_format.ms_of(nbytes)
    assert ms * audio_format.bytes_per_second <= nbytes * 1000 < (ms + 1) * audio_format.bytes_per_second


@given(formats, st.integers(0, 10**7))
def test_bytes_are_whole_samples_and_never_too_many(audio_format: AudioFormat, ms: int) -> None:
    nbytes = audio_format.bytes_of(ms)
    assert audio_format.is_aligned(nbytes)
    assert nbytes * 1000 <= ms * audio_format.bytes_per_second < (nbytes + audio_format.bytes_per_sample) * 1000


@given(st.sampled_from([PCM16, G711_ULAW, G711_ALAW]), st.integers(0, 10**7))
def test_whole_milliseconds_go_both_ways(audio_format: AudioFormat, ms: int) -> None:
    assert audio_format.ms_of(audio_format.bytes_of(ms)) == ms


@given(formats, st.integers(0, 10**6))
def test_align(audio_format: AudioFormat, nbytes: int) -> None:
    aligned = audio_format.align(nbytes)
    assert audio_format.is_aligned(aligned)
    assert 0 <= nbytes - aligned < audio_format.bytes_per_sample


@pytest.mark.parametrize("audio_format", _FORMATS)
def test_objects_go_both_ways(audio_format: AudioFormat) -> None:
    assert parse_format(format_object(audio_format)) == audio_format
    assert parse_format(audio_format) is audio_format


def test_names_of_the_guide() -> None:
    names = ("pcm16", "g711_ulaw", "g711_alaw")
    assert tuple(parse_format(name) for name in names) == (PCM16, G711_ULAW, G711_ALAW)
    assert format_object(PCM16) == {"type": "audio/pcm", "rate": 24000}
    assert format_object(G711_ULAW) == {"type": "audio/pcmu"}


@pytest.mark.parametrize(
    "value", ["pcm", "", None, 5, {}, {"type": "audio/opus"}, {"type": "audio/pcm", "rate": "24000"}, {"rate": 24000}]
)
def test_not_a_format(value: object) -> None:
    with pytest.raises(ValueError, match="not an audio format"):
        parse_format(value)


@pytest.mark.parametrize(("kind", "rate"), [("audio/opus", 48000), ("audio/pcm", 0), ("audio/pcm", -1)])
def test_impossible_formats(kind: str, rate: int) -> None:
    with pytest.raises(ValueError):
        AudioFormat(kind, rate)

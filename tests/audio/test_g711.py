"""G.711 against values of the recommendation, and against itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.audio.g711 import alaw_to_pcm, pcm_to_alaw, pcm_to_ulaw, ulaw_to_pcm
from engine.audio.samples import pcm_of, samples_of
from engine.errors import AudioError

_EVERY_CODE = bytes(range(256))
_EVERY_SAMPLE = pcm_of(range(-32768, 32768))


def _decoded(audio: bytes, law: str) -> list[int]:
    return list(samples_of(ulaw_to_pcm(audio) if law == "ulaw" else alaw_to_pcm(audio)))


@pytest.mark.parametrize(
    ("law", "code", "sample"),
    [
        # ITU-T G.711, tables 2a and 1a, in units of a 16-bit sample
        ("ulaw", 0x80, 32124),
        ("ulaw", 0x00, -32124),
        ("ulaw", 0x8F, 16764),
        ("ulaw", 0xEF, 132),
        ("ulaw", 0xFE, 8),
        ("ulaw", 0xFF, 0),
        ("ulaw", 0x7F, 0),
        ("alaw", 0xAA, 32256),
        ("alaw", 0x2A, -32256),
        ("alaw", 0xA5, 16896),
        ("alaw", 0xD5, 8),
        ("alaw", 0x55, -8),
    ],
)
def test_codes_of_the_recommendation(law: str, code: int, sample: int) -> None:
    assert _decoded(bytes([code]), law) == [sample]


def test_a_code_survives_the_round_trip() -> None:
    assert pcm_to_alaw(alaw_to_pcm(_EVERY_CODE)) == _EVERY_CODE
    negative_zero, positive_zero = b"\x7f", b"\xff"
    assert pcm_to_ulaw(ulaw_to_pcm(_EVERY_CODE)) == _EVERY_CODE.replace(negative_zero, positive_zero)


@pytest.mark.parametrize("law", ["ulaw", "alaw"])
def test_every_sample_comes_back_near_and_in_order(law: str) -> None:
    coded = pcm_to_ulaw(_EVERY_SAMPLE) if law == "ulaw" else pcm_to_alaw(_EVERY_SAMPLE)
    decoded = _decoded(coded, law)
    assert decoded == sorted(decoded)
    # half of a step, which is at most 1/16 of the loudness; the loudest ones are clipped
    assert all(
        abs(back - sample) <= max(8, (abs(sample) + 132) // 32) or abs(sample) > 32256
        for sample, back in zip(range(-32768, 32768), decoded, strict=True)
    )


@given(st.binary(max_size=50))
def test_a_byte_a_sample(audio: bytes) -> None:
    assert len(ulaw_to_pcm(audio)) == len(alaw_to_pcm(audio)) == 2 * len(audio)


@pytest.mark.parametrize("encode", [pcm_to_ulaw, pcm_to_alaw])
def test_half_a_sample_is_refused(encode: object) -> None:
    assert callable(encode)
    with pytest.raises(AudioError, match="odd"):
        encode(b"\0\0\0")

"""WAV files of every kind, and files that are not."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.audio.g711 import pcm_to_ulaw
from engine.audio.samples import pcm_of, samples_of
from engine.audio.wav import parse_wav, read_wav
from engine.errors import AudioError
from tests.audio.tones import tone

_RATE = 24000
_SAMPLES = [0, 1000, -1000, 32767, -32768, 256, -256]


def _wav(kind: int, bits: int, data: bytes, *, channels: int = 1, rate: int = _RATE, extensible: bool = False) -> bytes:
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", kind, channels, rate, rate * block, block, bits)
    if extensible:
        form = struct.pack("<HHIIHH", 0xFFFE, channels, rate, rate * block, block, bits)
        form += struct.pack("<HHIH", 22, bits, 0, kind) + b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
    chunks = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    chunks += b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


_WIDTHS = [
    (1, 8, bytes((sample >> 8) + 128 for sample in _SAMPLES)),
    (1, 16, struct.pack("<7h", *_SAMPLES)),
    (1, 24, b"".join((sample << 8 | 0x5A).to_bytes(3, "little", signed=True) for sample in _SAMPLES)),
    (1, 32, struct.pack("<7i", *(sample << 16 | 0x1234 for sample in _SAMPLES))),
    (3, 32, struct.pack("<7f", *(sample / 32768 for sample in _SAMPLES))),
    (3, 64, struct.pack("<7d", *(sample / 32768 for sample in _SAMPLES))),
]


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize(("kind", "bits", "data"), _WIDTHS, ids=lambda value: str(value)[:8])
def test_every_width(kind: int, bits: int, data: bytes, extensible: bool) -> None:
    audio = parse_wav(_wav(kind, bits, data, extensible=extensible))
    wanted = [sample & ~0xFF for sample in _SAMPLES] if bits == 8 else _SAMPLES
    assert (list(samples_of(audio.pcm)), audio.rate) == (wanted, _RATE)


def test_floats_beyond_full_scale_and_not_numbers() -> None:
    data = struct.pack("<5f", 2.0, -3.0, float("nan"), float("inf"), float("-inf"))
    assert list(samples_of(parse_wav(_wav(3, 32, data)).pcm)) == [32767, -32768, 0, 32767, -32768]


def test_g711_in_a_wav_file() -> None:
    pcm = tone(440, 8000, 0.01)
    audio = parse_wav(_wav(7, 8, pcm_to_ulaw(pcm), rate=8000))
    assert pcm_to_ulaw(audio.pcm) == pcm_to_ulaw(pcm)


def test_stereo_becomes_the_mean_of_both() -> None:
    both = pcm_of([100, 300, -100, -300, 32767, 32767])
    assert list(samples_of(parse_wav(_wav(1, 16, both, channels=2)).pcm)) == [200, -200, 32767]


def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes() -> None:
    whole = _wav(1, 16, pcm_of(range(100)), channels=2)
    assert len(parse_wav(whole[:-3]).pcm) == 2 * 49


def test_from_a_file_at_the_wanted_rate(tmp_path: Path) -> None:
    path = tmp_path / "caller.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(tone(440, 8000))
    made = samples_of(read_wav(path, _RATE))
    wanted = samples_of(tone(440, _RATE))
    assert len(made) == len(wanted)
    assert max(abs(one - other) for one, other in list(zip(made, wanted, strict=True))[600:-600]) < 30


def test_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"missing\.wav: no such file"):
        read_wav(tmp_path / "missing.wav", _RATE)
    with pytest.raises(AudioError, match="directory"):
        read_wav(tmp_path, _RATE)
    (tmp_path / "letter.txt").write_text("Dear Sir or Madam")
    with pytest.raises(AudioError, match=r"letter\.txt: not WAV audio"):
        read_wav(tmp_path / "letter.txt", _RATE)


@pytest.mark.parametrize(
    ("contents", "says"),
    [
        (b"", "not WAV"),
        (b"RIFF\0\0\0\0AVI LIST", "not WAV"),
        (_wav(2, 4, b"\0\0"), "format 2, 4 bits"),
        (_wav(1, 16, b"\0\0", channels=0), "0 channels"),
        (_wav(1, 16, b"\0\0", rate=0), "at 0 samples"),
        (b"RIFF\0\0\0\0WAVEfmt \x02\0\0\0\1\0", "too short"),
        (b"RIFF\0\0\0\0WAVE", "without sound"),
    ],
)
def test_not_audio(contents: bytes, says: str) -> None:
    with pytest.raises(AudioError, match=says):
        parse_wav(contents)


@given(st.integers(0, 60), st.binary(max_size=4))
def test_a_damaged_file_is_read_or_refused(at: int, damage: bytes) -> None:
    whole = bytearray(_wav(1, 16, tone(440, 8000, 0.002)))
    whole[at : at + len(damage)] = damage
    try:
        audio = parse_wav(bytes(whole))
    except AudioError:
        return
    assert len(audio.pcm) % 2 == 0

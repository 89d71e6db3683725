"""Buffers of audio: their elements are looked at, and what is no sound is refused by name."""

from __future__ import annotations

import array
import ctypes
import math
import re
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.audio.buffers import Samples, read_buffer
from engine.errors import AudioError

INT16 = st.lists(st.integers(-32768, 32767), max_size=50)
FLOATS = st.lists(st.floats(-3, 3, width=32) | st.sampled_from([math.inf, -math.inf, 0.0, -0.0]), max_size=50)
SHAPES = {"row": (1, -1), "column": (-1, 1), "line": (-1,)}


def pcm(samples: list[int]) -> bytes:
    return struct.pack(f"<{len(samples)}h", *samples)


def scaled(value: float) -> int:
    return max(-32768, min(32767, round(max(-1.0, min(1.0, value)) * 32768)))


def read(audio: object) -> bytes:
    given = read_buffer(audio)  # type: ignore[arg-type]
    return given.pcm() if isinstance(given, Samples) else given


@given(st.binary(max_size=60))
def test_bytes_are_taken_as_they_are(audio: bytes) -> None:
    holders = [audio, bytearray(audio), memoryview(audio), array.array("B", audio), np.frombuffer(audio, np.uint8)]
    holders += [memoryview(audio).cast("c"), memoryview(bytes(2) + audio)[2:]]
    assert [read(holder) for holder in holders] == [audio] * len(holders)
    assert not any(isinstance(read_buffer(holder), Samples) for holder in holders)  # type: ignore[arg-type]


@given(INT16, st.sampled_from(["<i2", ">i2", "=i2"]), st.sampled_from(sorted(SHAPES)))
def test_integers_of_16_bits_keep_their_values(samples: list[int], kind: str, shape: str) -> None:
    audio = np.array(samples, kind).reshape(SHAPES[shape] if samples else (0,))
    assert isinstance(read_buffer(audio), Samples)  # type: ignore[arg-type]
    assert read(audio) == read(memoryview(audio)) == pcm(samples)  # type: ignore[arg-type]
    assert read(array.array("h", samples)) == read((ctypes.c_int16 * len(samples))(*samples)) == pcm(samples)


@given(FLOATS, st.sampled_from(["<f4", ">f4", "<f8", ">f8"]), st.sampled_from(sorted(SHAPES)))
def test_floats_are_scaled_and_clipped(values: list[float], kind: str, shape: str) -> None:
    audio = np.array(values, kind).reshape(SHAPES[shape] if values else (0,))
    assert read(audio) == pcm([scaled(value) for value in values])
    assert read(array.array("d", values)) == pcm([scaled(value) for value in values])


@given(INT16, st.integers(1, 4), st.booleans())
def test_a_view_with_gaps_is_read_in_its_order(samples: list[int], step: int, backwards: bool) -> None:
    audio = np.array(samples, np.int16)[:: -step if backwards else step]
    assert read(audio) == pcm(audio.tolist())
    assert read(np.array(samples, np.float64)[::step] / 32768) == pcm(samples[::step])


@given(INT16, st.data())
def test_parts_are_what_the_whole_is(samples: list[int], data: st.DataObject) -> None:
    whole = read_buffer(array.array("h", samples))
    assert isinstance(whole, Samples)
    cut = data.draw(st.integers(0, len(samples)))
    assert whole.pcm(0, cut) + whole.pcm(cut) == pcm(samples)


REFUSED = {
    "uint16": np.zeros(4, np.uint16), "int8": np.zeros(4, np.int8), "int32": np.zeros(4, np.int32),
    "int64": np.zeros(4, np.int64), "uint32": np.zeros(4, ">u4"), "float16": np.zeros(4, np.float16),
    "float128": np.zeros(4, np.longdouble), "complex64": np.zeros(4, np.complex64), "bool": np.zeros(4, bool),
    "Python objects": np.array([1, "a"], object), "int": 7, "str": "noise", "list": [1, 2], "NoneType": None,
    "ndarray cannot be read": np.zeros(4, "M8[s]"), "a format 'T": np.zeros(4, [("left", "i2"), ("right", "i2")]),
    "NaN": np.array([0.5, math.nan], np.float32),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_audio_is_refused_by_name(name: str) -> None:
    words = "the format 'T" if name.startswith("a format") else name
    with pytest.raises(AudioError, match=re.escape(words)):
        read_buffer(REFUSED[name])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((480, 2), "\\(480, 2\\) has 2 channels.*mean\\(axis=1\\)"),
        ((2, 480), "has 2 channels.*mean\\(axis=0\\)"),
        ((), "one dimension; not the shape \\(\\)"),
        ((1, 1, 480), "one dimension"),
        ((0, 2), "one dimension"),
    ],
)
@pytest.mark.parametrize("kind", [np.int16, np.float32, np.uint8])
def test_what_is_not_mono_is_refused_with_a_way_on(shape: tuple[int, ...], words: str, kind: type) -> None:
    with pytest.raises(AudioError, match=words):
        read_buffer(np.zeros(shape, kind))  # type: ignore[arg-type]


def test_the_advice_on_channels_is_good() -> None:
    stereo = np.array([[100, 300], [-100, -300]], np.int16)
    assert read(stereo.mean(axis=1).astype(stereo.dtype)) == pcm([200, -200])


def test_a_view_that_was_released_is_refused() -> None:
    view = memoryview(b"\0\0")
    view.release()
    with pytest.raises(AudioError, match="released"):
        read_buffer(view)

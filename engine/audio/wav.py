"""WAV files, of any kind that people have, as mono 16-bit PCM at the rate that is wanted.

Reads integers of 8, 16, 24 and 32 bits, floats of 32 and 64, and G.711, with any number of channels, also in the
extensible form. A file that was cut off (its writer died) is read as far as it goes. Everything else is an
`AudioError` that says what the file is instead.
"""

from __future__ import annotations

import array
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

from engine.audio.g711 import alaw_to_pcm, ulaw_to_pcm
from engine.audio.resample import resample
from engine.audio.samples import pcm_of, pcm_of_floats, samples_of
from engine.errors import AudioError
from engine.outside.files import MEBIBYTE, read_file

MAX_BYTES = 512 * MEBIBYTE
"""Of a file that is read: an hour and a half of stereo at 48 kHz is 1,037 MB, of mono at 24 kHz 259 MB."""

_INTEGER, _FLOAT, _ALAW, _ULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_SUBFORMAT_AT = 24
_MOST_CHANNELS = 256
_FMT = struct.Struct("<HHIIHH")
_CHUNK = struct.Struct("<4sI")
_FLIPS_SIGN = bytes(byte ^ 0x80 for byte in range(256))


@attrs.frozen
class WavAudio:
    """What a WAV file holds: mono 16-bit PCM and its rate in samples per second."""

    pcm: bytes
    rate: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.pcm) / 2 / self.rate


def read_wav(path: Path, rate: int) -> bytes:
    """The sound of a file as mono 16-bit PCM at `rate` samples per second.

    Raises:
        AudioError: there is no such file, it cannot be read, or it is not WAV audio.
    """
    try:
        contents = read_file(path, most=MAX_BYTES)
    except FileNotFoundError as error:
        raise AudioError(f"{path}: no such file") from error
    except OSError as error:
        raise AudioError(f"{path}: {error.strerror or error}") from error
    try:
        audio = parse_wav(contents)
        return resample(audio.pcm, audio.rate, rate)
    except AudioError as error:
        raise AudioError(f"{path}: {error}") from error


def parse_wav(contents: bytes) -> WavAudio:
    """The sound in the bytes of a WAV file, at its own rate.

    Raises:
        AudioError: they are not WAV audio, or of a kind that is not read here.
    """
    if contents[:4] not in (b"RIFF", b"RF64") or contents[8:12] != b"WAVE":
        raise AudioError("not WAV audio")
    form: _Form | None = None
    for name, body in _chunks(contents):
        if name == b"fmt ":
            form = _Form.parse(body)
        elif name == b"data" and form is not None:
            return form.mono(body)
    raise AudioError("a WAV file without sound")


def _chunks(contents: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and bodies. A body that claims to be longer than the file ends where the file ends."""
    at = 12
    while at + _CHUNK.size <= len(contents):
        name, size = _CHUNK.unpack_from(contents, at)
        at += _CHUNK.size
        yield name, contents[at : at + size]
        at += size + size % 2


@attrs.frozen
class _Form:
    kind: int
    channels: int
    rate: int
    bits: int

    @classmethod
    def parse(cls, body: bytes) -> _Form:
        if len(body) < _FMT.size:
            raise AudioError("not WAV audio: its format chunk is too short")
        kind, channels, rate, _, _, bits = _FMT.unpack_from(body)
        if kind == _EXTENSIBLE and len(body) >= _SUBFORMAT_AT + 2:
            (kind,) = struct.unpack_from("<H", body, _SUBFORMAT_AT)
        if (kind, bits) not in _READERS:
            raise AudioError(f"WAV audio of a kind that is not read here (format {kind}, {bits} bits)")
        if not 0 < channels <= _MOST_CHANNELS or not rate:
            raise AudioError(f"not WAV audio: {channels} channels at {rate} samples per second")
        return cls(kind, channels, rate, bits)

    def mono(self, data: bytes) -> WavAudio:
        whole = len(data) - len(data) % (self.channels * self.bits // 8)
        pcm = _READERS[self.kind, self.bits](data[:whole])
        return WavAudio(_mixed(pcm, self.channels), self.rate)


def _mixed(pcm: bytes, channels: int) -> bytes:
    """The mean of the channels."""
    if channels == 1:
        return pcm
    samples = samples_of(pcm)
    sides = [samples[channel::channels] for channel in range(channels)]
    return pcm_of(sum(together) // channels for together in zip(*sides, strict=True))


def _of_bytes(data: bytes) -> bytes:
    """Eight bits are the one width without a sign."""
    pcm = bytearray(2 * len(data))
    pcm[1::2] = data.translate(_FLIPS_SIGN)
    return bytes(pcm)


def _upper_half(width: int) -> Callable[[bytes], bytes]:
    """Integers of `width` bytes: the upper two of them."""

    def convert(data: bytes) -> bytes:
        pcm = bytearray(2 * (len(data) // width))
        pcm[0::2], pcm[1::2] = data[width - 2 :: width], data[width - 1 :: width]
        return bytes(pcm)

    return convert


def _of_floats(code: str) -> Callable[[bytes], bytes]:
    """Floats, of which 1.0 is full scale. What is not a number is silence."""

    def convert(data: bytes) -> bytes:
        values = array.array(code, data)
        if sys.byteorder == "big":
            values.byteswap()
        return pcm_of_floats(value if value == value else 0.0 for value in values)

    return convert


_READERS: dict[tuple[int, int], Callable[[bytes], bytes]] = {
    (_INTEGER, 8): _of_bytes,
    (_INTEGER, 16): bytes,
    (_INTEGER, 24): _upper_half(3),
    (_INTEGER, 32): _upper_half(4),
    (_FLOAT, 32): _of_floats("f"),
    (_FLOAT, 64): _of_floats("d"),
    (_ULAW, 8): ulaw_to_pcm,
    (_ALAW, 8): alaw_to_pcm,
}

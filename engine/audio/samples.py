"""PCM bytes as arrays of samples, on machines of either byte order, and streams of bytes cut at whole samples."""

from __future__ import annotations

import array
import sys
from collections.abc import Iterable

from engine.errors import AudioError
from engine.wire.formats import PCM16

FULL_SCALE = 32768
_LEAST, _MOST = -32768, 32767


def samples_of(pcm: bytes | bytearray | memoryview) -> array.array[int]:
    """The samples in 16-bit little-endian PCM.

    Raises:
        AudioError: an odd number of bytes.
    """
    if len(pcm) % 2:
        raise AudioError(f"{len(pcm)} bytes are not 16-bit PCM: the number is odd")
    samples = array.array("h", bytes(pcm))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def pcm_of(samples: Iterable[int]) -> bytes:
    """16-bit little-endian PCM of samples; those out of range become the nearest that is in it."""
    kept = list(samples)
    try:
        taken = array.array("h", kept)
    except OverflowError:
        taken = array.array("h", [min(max(sample, _LEAST), _MOST) for sample in kept])
    if sys.byteorder == "big":
        taken.byteswap()
    return taken.tobytes()


def pcm_of_floats(values: Iterable[float]) -> bytes:
    """Return 16-bit little-endian PCM of numbers of which 1.0 is full scale; those out of range are clipped."""
    return pcm_of(round(min(max(value, -1.0), 1.0) * FULL_SCALE) for value in values)


class SampleCutter:
    """Cuts a stream at whole samples, wherever its pieces end: what is left of one is kept for the next piece."""

    def __init__(self, bytes_per_sample: int = PCM16.bytes_per_sample) -> None:
        self._bytes_per_sample = bytes_per_sample
        self.kept = b""
        """The beginning of a sample whose end has not come yet."""

    def cut(self, audio: bytes) -> bytes:
        """Return the whole samples that there are with this piece."""
        if self.kept:
            audio = self.kept + audio
        whole = len(audio) - len(audio) % self._bytes_per_sample
        self.kept = audio[whole:]
        return audio[:whole]

    def drop(self) -> None:
        """Forget what was kept: the stream has ended, or was cut off."""
        self.kept = b""

"""PCM bytes as arrays of samples, on machines of either byte order."""

from __future__ import annotations

import array
import sys
from collections.abc import Iterable

from engine.errors import AudioError

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

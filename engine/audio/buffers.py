"""Audio as applications hold it: bytes, or a buffer that says what its elements are (an array, a memoryview, numpy's).

Bytes say nothing of themselves and are taken as they are. A buffer of 16-bit integers or of floats is sound already,
whatever its byte order, and whether or not it lies in one piece in memory. Everything else is refused by name: taken as
bytes it would be noise.
"""

from __future__ import annotations

import array
import sys
from typing import Final, Protocol

import attrs

from engine.audio.samples import pcm_of_floats
from engine.errors import AudioError

_RAW: Final = frozenset("Bc")
_INT16: Final = "h"
_FLOATS: Final = frozenset("fd")
_SIGNED, _UNSIGNED, _INEXACT = "bhilqn", "BHILQN", "efdg"
_SWAPPED: Final = frozenset("<" if sys.byteorder == "big" else ">!")
_TAKEN: Final = "bytes, 16-bit integers (int16), or floats (float32, float64) from -1 to 1"


class AudioBuffer(Protocol):
    """Whatever has Python's buffer protocol: bytes, bytearray, memoryview, array.array, a numpy array."""

    def __buffer__(self, flags: int, /) -> memoryview:
        """See `memoryview`."""
        ...


@attrs.frozen
class Samples:
    """Sound whose samples are known: 16-bit integers, or floats of which 1.0 is full scale."""

    values: array.array[int] | array.array[float] = attrs.field(repr=False)

    def __len__(self) -> int:
        return len(self.values)

    def pcm(self, first: int = 0, end: int | None = None) -> bytes:
        """Return the samples from `first` to before `end` as 16-bit little-endian PCM."""
        part = self.values[first:end]
        if part.typecode in _FLOATS:
            return pcm_of_floats(part)
        if sys.byteorder == "big":
            part.byteswap()
        return part.tobytes()


def read_buffer(audio: AudioBuffer) -> bytes | Samples:
    """Return the bytes of a buffer of bytes; the samples of a buffer that has some.

    Raises:
        AudioError: it is no buffer, its elements are no audio, or it has more than one channel.
    """
    if isinstance(audio, bytes):
        return audio
    try:
        view = memoryview(audio)
    except TypeError:
        raise AudioError(f"audio is {_TAKEN}; not {type(audio).__name__}") from None
    except (ValueError, BufferError) as error:
        raise AudioError(f"audio is {_TAKEN}; this {type(audio).__name__} cannot be read: {error}") from error
    _check_mono(view)
    code = view.format.lstrip("@=<>!")
    if code in _RAW:
        return view.tobytes()
    if code == _INT16:
        samples = array.array("h", view.tobytes())
        if _is_swapped(view):
            samples.byteswap()
        return Samples(samples)
    if code in _FLOATS:
        values = array.array(code, view.tobytes())
        if _is_swapped(view):
            values.byteswap()
        if any(value != value for value in values):
            raise AudioError(f"audio of {_name(view)} holds NaN, which is no sample")
        return Samples(values)
    raise AudioError(f"audio is {_TAKEN}; not {_name(view)}")


def _check_mono(view: memoryview) -> None:
    """Take one dimension, or two of which one is 1. Raises AudioError for any other shape."""
    shape = view.shape or ()
    if len(shape) == 1 or (len(shape) == 2 and 1 in shape):
        return
    if len(shape) == 2 and 0 not in shape:
        axis = 1 if shape[1] <= shape[0] else 0
        raise AudioError(
            f"audio of shape {shape} has {shape[axis]} channels, and the session takes one: mix them down first, with "
            f"numpy by audio.mean(axis={axis}).astype(audio.dtype)"
        )
    raise AudioError(f"audio has one dimension; not the shape {shape}")


def _is_swapped(view: memoryview) -> bool:
    """Tell whether the elements have another byte order than this machine."""
    return view.format[0] in _SWAPPED


def _name(view: memoryview) -> str:
    """Return the type of a buffer's elements, as numpy calls it."""
    code, bits = view.format.lstrip("@=<>!"), 8 * view.itemsize
    if code and code in _SIGNED:
        return f"int{bits}"
    if code and code in _UNSIGNED:
        return f"uint{bits}"
    if code and code in _INEXACT:
        return f"float{bits}"
    if code.startswith("Z"):
        return f"complex{bits}"
    return {"?": "bool", "O": "Python objects", "u": "text", "w": "text"}.get(code, f"elements of the format {code!r}")

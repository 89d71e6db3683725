"""Audio formats of the protocol, and the arithmetic between bytes and milliseconds.

All formats are mono. PCM is signed 16 bit little-endian; G.711 is one byte per sample at 8 kHz (protocol facts, 4.2).
"""

from collections.abc import Mapping
from typing import Annotated

import attrs

from engine.wire.constraints import OneOf

_PCM = "audio/pcm"
_BYTES_PER_SAMPLE = {_PCM: 2, "audio/pcmu": 1, "audio/pcma": 1}
_G711_RATE = 8000
_PCM_RATE = 24000


@attrs.frozen
class AudioFormat:
    """How samples are laid out in bytes.

    `type` is one of "audio/pcm", "audio/pcmu", "audio/pcma"; `rate` is in samples per second, by default 8000 for
    G.711 and 24000 for PCM (OpenAI has no other, compatible servers do). Raises ValueError for what cannot be computed
    with.
    """

    type: Annotated[str, OneOf(*_BYTES_PER_SAMPLE)]
    rate: int = attrs.field()

    @rate.default
    def _usual_rate(self) -> int:
        return _PCM_RATE if self.type == _PCM else _G711_RATE

    def __attrs_post_init__(self) -> None:
        if self.type not in _BYTES_PER_SAMPLE:
            raise ValueError(f"unknown audio format {self.type!r}")
        if self.rate <= 0:
            raise ValueError(f"sample rate {self.rate} is not positive")

    @property
    def bytes_per_sample(self) -> int:
        return _BYTES_PER_SAMPLE[self.type]

    @property
    def bytes_per_second(self) -> int:
        return self.rate * self.bytes_per_sample

    @property
    def bytes_per_ms(self) -> int:
        """Whole bytes in a millisecond, rounded down; `ms_of` and `bytes_of` are exact at every rate."""
        return self.bytes_per_second // 1000

    def ms_of(self, nbytes: int) -> int:
        """How many whole milliseconds `nbytes` last."""
        return nbytes * 1000 // self.bytes_per_second

    def bytes_of(self, ms: int) -> int:
        """How many bytes `ms` milliseconds take: whole samples, rounded down."""
        return self.align(ms * self.bytes_per_second // 1000)

    def align(self, nbytes: int) -> int:
        """The largest number of bytes not above `nbytes` that ends on a whole sample."""
        return nbytes - nbytes % self.bytes_per_sample

    def is_aligned(self, nbytes: int) -> bool:
        """Whether `nbytes` is a whole number of samples."""
        return nbytes % self.bytes_per_sample == 0


PCM16 = AudioFormat(_PCM)
G711_ULAW = AudioFormat("audio/pcmu")
G711_ALAW = AudioFormat("audio/pcma")

PCM_OF_UNNAMED_RATE = AudioFormat(_PCM)
"""What `parse_format` makes of PCM whose rate is not named. It equals `PCM16`; that it is this very object tells those
apart who must not take a rate for said that was not."""

FORMAT_NAMES: Mapping[str, AudioFormat] = {
    "pcm16": PCM16,
    "g711_ulaw": G711_ULAW,
    "g711_alaw": G711_ALAW,
    "audio/pcm": PCM16,
    "audio/pcmu": G711_ULAW,
    "audio/pcma": G711_ALAW,
}
"""Every name that stands for a format by itself: those of the guide (and of the beta), and the types of the GA."""


def parse_format(value: object) -> AudioFormat:
    """An `AudioFormat` from a name ("pcm16", "audio/pcmu"), a GA object ({"type": ..., "rate": ...}) or itself.

    G.711 is at 8000 whatever the object says. Raises ValueError for anything else.
    """
    if isinstance(value, AudioFormat):
        return value
    if isinstance(value, str) and value in FORMAT_NAMES:
        named = FORMAT_NAMES[value]
        return PCM_OF_UNNAMED_RATE if named == PCM16 else named
    if isinstance(value, Mapping):
        name, rate = value.get("type"), value.get("rate")
        if isinstance(name, str) and name in _BYTES_PER_SAMPLE:
            if name != _PCM:
                return AudioFormat(name)
            if rate is None:
                return PCM_OF_UNNAMED_RATE
            if type(rate) is int:
                return AudioFormat(name, rate)
    raise ValueError(f"not an audio format: {value!r}")


def format_object(audio_format: AudioFormat) -> dict[str, object]:
    """The GA object: PCM names its rate, G.711 has no such key."""
    if audio_format.type == _PCM:
        return {"type": audio_format.type, "rate": audio_format.rate}
    return {"type": audio_format.type}

"""Audio formats of the protocol, and the arithmetic between bytes and milliseconds.

All formats are mono. PCM is signed 16 bit little-endian; G.711 is one byte per sample at 8 kHz (protocol facts, 4.2).
"""

from collections.abc import Mapping

import attrs

_BYTES_PER_SAMPLE = {"audio/pcm": 2, "audio/pcmu": 1, "audio/pcma": 1}
_G711_RATE = 8000
_PCM_RATE = 24000


@attrs.frozen
class AudioFormat:
    """How samples are laid out in bytes.

    `type` is one of "audio/pcm", "audio/pcmu", "audio/pcma"; `rate` is in samples per second. OpenAI knows PCM at 24000
    only, compatible servers have others. Raises ValueError for a type or a rate that cannot be computed with.
    """

    type: str
    rate: int

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


PCM16 = AudioFormat("audio/pcm", _PCM_RATE)
G711_ULAW = AudioFormat("audio/pcmu", _G711_RATE)
G711_ALAW = AudioFormat("audio/pcma", _G711_RATE)

FORMAT_NAMES: Mapping[str, AudioFormat] = {
    "pcm16": PCM16,
    "g711_ulaw": G711_ULAW,
    "g711_alaw": G711_ALAW,
    "audio/pcm": PCM16,
    "audio/pcmu": G711_ULAW,
    "audio/pcma": G711_ALAW,
}
"""Every name that stands for a format by itself: those of the guide (and of the beta protocol), and the types of the GA."""


def parse_format(value: object) -> AudioFormat:
    """An `AudioFormat` from a name ("pcm16", "audio/pcmu", ...), a GA object ({"type": ..., "rate": ...}) or itself.

    A PCM object without a rate is at 24000; G.711 is at 8000 whatever it says. Raises ValueError for anything else.
    """
    if isinstance(value, AudioFormat):
        return value
    if isinstance(value, str) and value in FORMAT_NAMES:
        return FORMAT_NAMES[value]
    if isinstance(value, Mapping):
        name = value.get("type")
        if isinstance(name, str) and name in _BYTES_PER_SAMPLE:
            return _format_of(name, value.get("rate"))
    raise ValueError(f"not an audio format: {value!r}")


def _format_of(name: str, rate: object) -> AudioFormat:
    if name != PCM16.type:
        return FORMAT_NAMES[name]
    if rate is None:
        return PCM16
    if type(rate) is not int:
        raise ValueError(f"sample rate {rate!r} is not an integer")
    return AudioFormat(name, rate)


def format_object(audio_format: AudioFormat) -> dict[str, object]:
    """The GA object: PCM names its rate, G.711 has no such key."""
    if audio_format.type == PCM16.type:
        return {"type": audio_format.type, "rate": audio_format.rate}
    return {"type": audio_format.type}

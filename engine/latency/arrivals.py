"""How the audio of one item arrives, and where in it there is something to hear."""

from __future__ import annotations

from typing import Final

from engine.audio.level import first_audible
from engine.audio.samples import SampleCutter
from engine.wire.formats import AudioFormat
from engine.wire.units import NS_PER_MS, NS_PER_S

_JITTER_GAIN: Final = 16
"""RFC 3550, section 6.4.1: the estimate moves by a sixteenth of each deviation."""

_TOGETHER: Final = 64


class Arrivals:
    """The pieces of one item, as they come. Only sizes and times are noted then, and looked at by the dozens."""

    __slots__ = (
        "_bytes_per_sample",
        "_cutter",
        "_due_ns",
        "_jitter_ns",
        "_last_ns",
        "_longest_gap_ns",
        "_nbytes",
        "_pieces",
        "_sizes",
        "_times",
        "audible_at",
        "audio_format",
    )

    def __init__(self, audio_format: AudioFormat) -> None:
        self.audio_format = audio_format
        self.audible_at: int | None = None
        """The place, in bytes, of the first audible sample; None as long as there is none."""
        self._bytes_per_sample = audio_format.bytes_per_sample
        self._cutter = SampleCutter(self._bytes_per_sample)
        self._times: list[int] = []
        self._sizes: list[int] = []
        self._nbytes = self._pieces = 0
        self._jitter_ns = 0.0
        self._longest_gap_ns = self._last_ns = self._due_ns = 0

    def on_audio(self, audio: bytes, now: int) -> None:
        """One more piece, at `now`."""
        if self.audible_at is None:
            kept, whole = self._cutter.kept, audio
            if kept or len(audio) % self._bytes_per_sample:
                whole = self._cutter.cut(audio)
            place = first_audible(whole, self.audio_format)
            self.audible_at = None if place is None else self.nbytes - len(kept) + place
        self._sizes.append(len(audio))
        self._times.append(now)
        if len(self._times) == _TOGETHER:
            self._look()

    def _look(self) -> None:
        per_second = self.audio_format.bytes_per_second
        for size, now in zip(self._sizes, self._times, strict=True):
            if self._pieces:
                gap = now - self._last_ns
                self._longest_gap_ns = max(self._longest_gap_ns, gap)
                self._jitter_ns += (abs(gap - self._due_ns) - self._jitter_ns) / _JITTER_GAIN
            self._pieces += 1
            self._nbytes += size
            self._last_ns = now
            self._due_ns = size * NS_PER_S // per_second
        self._sizes.clear()
        self._times.clear()

    @property
    def nbytes(self) -> int:
        """How much has come."""
        return self._nbytes + sum(self._sizes)

    @property
    def pieces(self) -> int:
        """In how many pieces."""
        return self._pieces + len(self._sizes)

    @property
    def jitter_ms(self) -> float | None:
        """As RFC 3550 estimates it: how much the time between two pieces differs from the length of the first. None
        for less than two pieces."""
        self._look()
        return round(self._jitter_ns / NS_PER_MS, 3) if self._pieces > 1 else None

    @property
    def longest_gap_ms(self) -> float | None:
        """The longest time between two pieces; None for less than two."""
        self._look()
        return self._longest_gap_ns / NS_PER_MS if self._pieces > 1 else None

    @property
    def audible_ms(self) -> float | None:
        """The place of the first audible sample."""
        return None if self.audible_at is None else 1000 * self.audible_at / self.audio_format.bytes_per_second

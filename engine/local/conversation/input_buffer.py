"""The input audio buffer: what the client appended and nobody committed yet, by position in all audio ever
appended.

Positions are samples at 24 kHz counted from the start of the session; committed and cleared audio keeps its
positions. A few seconds before the uncommitted part are kept besides, because the padding in front of an
utterance may reach into the one before it.
"""

from __future__ import annotations

from engine.wire.formats import PCM16

SAMPLES_PER_MS = PCM16.rate // 1000


class InputBuffer:
    """Mono 16-bit PCM at 24 kHz between two positions."""

    def __init__(self) -> None:
        self._audio = bytearray()
        self._kept_from = 0
        self._uncommitted_from = 0

    @property
    def position(self) -> int:
        """Samples appended since the session began."""
        return self._kept_from + len(self._audio) // PCM16.bytes_per_sample

    @property
    def uncommitted_from(self) -> int:
        """Where the audio begins that a commit would take."""
        return self._uncommitted_from

    @property
    def uncommitted_ms(self) -> float:
        """How much audio a commit would take."""
        return (self.position - self._uncommitted_from) / SAMPLES_PER_MS

    def append(self, pcm: bytes) -> None:
        """Add whole samples at the end."""
        self._audio += pcm

    def take(self, start: int, end: int) -> bytes:
        """The audio between two positions, as far as it is still kept; everything before `end` counts as
        committed."""
        first = max(start - self._kept_from, 0) * PCM16.bytes_per_sample
        last = max(end - self._kept_from, 0) * PCM16.bytes_per_sample
        taken = bytes(self._audio[first:last])
        self._uncommitted_from = max(self._uncommitted_from, min(end, self.position))
        return taken

    def commit(self) -> bytes:
        """Take all that is not committed."""
        return self.take(self._uncommitted_from, self.position)

    def clear(self) -> None:
        """Forget all that is not committed."""
        self._uncommitted_from = self.position
        self.forget_before(self.position)

    def forget_before(self, position: int) -> None:
        """Free what lies before `position`."""
        count = min(max(position - self._kept_from, 0), len(self._audio) // PCM16.bytes_per_sample)
        del self._audio[: count * PCM16.bytes_per_sample]
        self._kept_from += count
        self._uncommitted_from = max(self._uncommitted_from, self._kept_from)

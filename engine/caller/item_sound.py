"""What one of the agent's items sounds like at the caller's end: mono 16-bit PCM at 24 kHz, at its moments.

The session's format may be another, and a server may cut its audio anywhere, also within a sample: what is not certain
with one piece comes with the next, or with the item's end.
"""

from __future__ import annotations

import attrs

from engine.audio.streams import Decoder
from engine.caller.play_queue import Placed, QueuedItem
from engine.wire.formats import PCM16
from engine.wire.units import NS_PER_S


@attrs.frozen
class Heard:
    """Some sound, and the moment at which it begins."""

    pcm: bytes = attrs.field(repr=False)
    begins_ns: int


class ItemSound:
    """The sound of one item in the queue."""

    def __init__(self, item: QueuedItem) -> None:
        """Make it, with nothing heard yet. Raises AudioError if nothing can be resampled from the item's rate."""
        self._item = item
        self._decoder = Decoder(item.audio_format)
        self._samples = 0
        """How many there have been."""

    def piece(self, placed: Placed, data: bytes) -> Heard:
        """Return the sound that is certain with a piece that was queued just now."""
        return self._heard(self._decoder.decode(data), latest_ns=placed.starts_ns)

    def rest(self) -> Heard:
        """Return the sound that was kept back: no more of the item will come."""
        return self._heard(self._decoder.flush(), latest_ns=self._item.ends_ns)

    def _heard(self, pcm: bytes, *, latest_ns: int) -> Heard:
        kept_ns = self._item.length_ns - self._samples * NS_PER_S // PCM16.rate
        self._samples += len(pcm) // PCM16.bytes_per_sample
        return Heard(pcm, min(latest_ns, self._item.ends_ns - kept_ns))

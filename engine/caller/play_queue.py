"""The instrument: when each piece of the agent's audio is played at the caller's end.

A queue that plays in real time. It starts with the first piece, plays one piece after another, stalls while it is
empty, and a flush leaves nothing in it. Time is an argument, in nanoseconds. The player of a call and the ticks of a
harness both play by it.

The engine itself only estimates playback, in `engine.audio.playout_clock`. Instrument and estimate share no code and do
not import each other, or the lab would measure itself; a test holds them against each other.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from engine.events import Audio, AudioEnd
from engine.wire.formats import PCM16, AudioFormat
from engine.wire.units import NS_PER_S


@attrs.define(eq=False)
class QueuedItem:
    """The audio of one part of an item, from its first piece until all of it was played."""

    response_id: str
    item_id: str
    starts_ns: int
    """Moment at which its first sample is played."""
    ends_ns: int
    """Moment at which all that has come of it will have been played."""
    audio_format: AudioFormat = PCM16
    """Of what comes of it."""
    nbytes: int = 0
    """How much has come of it."""
    length_ns: int = 0
    """Length of all that has come of it."""
    complete: bool = False
    """No more of it will come."""


@attrs.frozen
class Placed:
    """The place of one piece of audio in time."""

    item: QueuedItem
    starts_ns: int
    """Moment at which it begins to play."""
    stalled_ns: int
    """Time since the end of the item's previous piece."""


def pcm16() -> AudioFormat:
    """Return the usual format of the agent's audio."""
    return PCM16


class PlayQueue:
    """Items that are being played, or wait for their turn."""

    def __init__(self, output_format: Callable[[], AudioFormat] = pcm16) -> None:
        """Make an empty queue.

        Args:
            output_format: tells the format of the agent's audio, and is asked with the first piece of an item.
        """
        self._output_format = output_format
        self._items: dict[tuple[str, int], QueuedItem] = {}
        self._free_ns = 0
        """Moment at which the queue is empty."""

    def add(self, event: Audio, now: int) -> Placed:
        """Queue a piece of audio that came at `now`. Returns its place."""
        starts_ns = max(now, self._free_ns)
        key = (event.item_id, event.content_index)
        if (item := self._items.get(key)) is None:
            audio_format = self._output_format()
            item = QueuedItem(event.response_id, event.item_id, starts_ns, starts_ns, audio_format=audio_format)
            self._items[key] = item
        stalled_ns = starts_ns - item.ends_ns
        per_second = item.audio_format.bytes_per_second
        self._free_ns = item.ends_ns = starts_ns + len(event.data) * NS_PER_S // per_second
        item.nbytes += len(event.data)
        item.length_ns = item.nbytes * NS_PER_S // per_second
        return Placed(item, starts_ns, stalled_ns)

    def complete(self, event: AudioEnd) -> QueuedItem | None:
        """Note that no more of an item will come. Returns the item, if nothing else was queued behind it."""
        if (item := self._items.get((event.item_id, event.content_index))) is None or item.complete:
            return None
        item.complete = True
        return item if item.ends_ns == self._free_ns else None

    def heard(self, now: int) -> list[tuple[QueuedItem, int]]:
        """Return each item with the nanoseconds of it that were played: what is unplayed is the newest audio."""
        unplayed_ns = max(0, self._free_ns - now)
        found: list[tuple[QueuedItem, int]] = []
        for item in reversed(self._items.values()):
            unplayed_here = min(item.length_ns, unplayed_ns)
            unplayed_ns -= unplayed_here
            found.append((item, item.length_ns - unplayed_here))
        return found[::-1]

    def remove_finished(self, now: int) -> list[QueuedItem]:
        """Remove the items that are complete and were played to their end by `now`. Returns them."""
        finished = {key: item for key, item in self._items.items() if item.complete and item.ends_ns <= now}
        for key in finished:
            del self._items[key]
        return list(finished.values())

    def flush(self, now: int) -> list[tuple[QueuedItem, int]]:
        """Stop at `now` and drop what is queued. Returns what was in the queue, as `heard` does."""
        left = self.heard(now)
        self._items.clear()
        self._free_ns = min(self._free_ns, now)
        return left

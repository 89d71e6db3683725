"""The estimate of playback: when a player in real time has played the audio that an application took.

Nobody is asked. Playback begins with the first piece, pieces follow one another in the order in which they were taken,
and it stalls while there is nothing to play. Time is an argument, in nanoseconds. The playback ledger and the recorder
both compute with this clock.

The lab measures sound with an instrument, `engine.caller.play_queue`. Estimate and instrument share no code and do not
import each other, or the lab would measure itself; a test holds them against each other.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import attrs

from engine.wire.formats import AudioFormat
from engine.wire.units import NS_PER_MS, NS_PER_S

_NOT_TAKEN = -1

Key = tuple[str, int]
"""Item id and content index."""


@attrs.define
class PlayoutItem:
    """The audio of one part of an item, as far as it was taken."""

    response_id: str
    item_id: str
    content_index: int
    taken: int = 0
    """Size in bytes."""
    taken_ns: int = 0
    """Length in nanoseconds."""
    ends_ns: int = _NOT_TAKEN
    """Moment at which all of it will have been played."""
    bytes_per_second: int = attrs.field(kw_only=True)
    """Of its audio, or of what comes before the first of `changes`."""
    changes: list[tuple[int, int]] = attrs.field(factory=list, kw_only=True)
    """Where its audio goes on in another format, in bytes, and the bytes per second from there."""

    def heard_ns(self, now: int) -> int:
        """Return the nanoseconds of audio that were played by `now`: what is unplayed is its newest audio."""
        unplayed_ns = self.ends_ns - now
        if unplayed_ns <= 0:
            return self.taken_ns
        return self.taken_ns - unplayed_ns if unplayed_ns < self.taken_ns else 0

    def ns_of(self, nbytes: int) -> int:
        """Return how long the first `nbytes` of it last, in nanoseconds."""
        start, per_second, length_ns = 0, self.bytes_per_second, 0
        for place, next_per_second in self.changes:
            if place >= nbytes:
                break
            length_ns += (place - start) * NS_PER_S // per_second
            start, per_second = place, next_per_second
        return length_ns + (nbytes - start) * NS_PER_S // per_second

    def ms_of(self, nbytes: int) -> int:
        """Return how many whole milliseconds the first `nbytes` of it last."""
        return self.ns_of(nbytes) // NS_PER_MS


T = TypeVar("T", bound=PlayoutItem)


class PlayoutClock(Generic[T]):
    """Items on their way through a player. Its owners inherit it: `taken` runs with every piece of audio."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self.audio_format = audio_format
        """Of items that are new, unless they name another."""
        self._items: dict[Key, T] = {}
        self._silent_from_ns = 0

    def taken(self, item_id: str, content_index: int, nbytes: int, at_ns: int) -> int | None:
        """Queue audio of an item that the application took at `at_ns`.

        Returns the nanoseconds for which playback had stalled in the middle of the item; None for an item that is not
        known, whose audio is ignored.
        """
        item = self._items.get((item_id, content_index))
        if item is None:
            return None
        stalled_ns = 0
        begins_ns = self._silent_from_ns
        if begins_ns < at_ns:
            if item.ends_ns == begins_ns:
                stalled_ns = at_ns - begins_ns
            begins_ns = at_ns
        item.taken += nbytes
        if item.changes:
            length_ns = item.ns_of(item.taken) - item.taken_ns
            item.taken_ns += length_ns
        else:
            item.taken_ns = item.taken * NS_PER_S // item.bytes_per_second
            length_ns = nbytes * NS_PER_S // item.bytes_per_second
        self._silent_from_ns = item.ends_ns = begins_ns + length_ns
        return stalled_ns

    def _flush(self, now: int) -> None:
        """Empty the player: nothing that is queued at `now` will be played."""
        self._silent_from_ns = min(self._silent_from_ns, now)

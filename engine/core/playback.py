"""The playback ledger: what has reached the ear, over all items and responses.

Truncation, history and latency all read this one ledger. It knows three numbers of each item's audio:

    received >= taken >= heard

*Received* is what the server has sent, *taken* what the application has taken out of the session, *heard* what
has been played. Heard is either **reported** by the application (`played`, in milliseconds of the item), or, as
long as nothing was ever reported, **computed** by the estimate of `engine.audio.playout_clock`: playback runs at real
time from the first byte taken, one item after another, and stalls while there is nothing to play.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from engine.audio.playout_clock import Key, PlayoutClock, PlayoutItem
from engine.wire.formats import PCM16, AudioFormat
from engine.wire.units import NS_PER_MS


@attrs.frozen
class Cut:
    """Where an interruption stops one item's audio."""

    response_id: str
    item_id: str
    content_index: int
    heard_ms: int
    received_ms: int
    complete: bool
    """All of the item's audio had been received."""


@attrs.define
class _Track(PlayoutItem):
    received: int = 0
    reported_ms: int = 0
    ended: bool = False


class PlaybackLedger(PlayoutClock[_Track]):
    """What has been received, taken and heard of each item that may still be audible."""

    def __init__(self, audio_format: AudioFormat = PCM16, *, reported: bool = False) -> None:
        """
        Args:
            audio_format: the session's output format, until `use_format` names another.
            reported: the application reports playback; until it does, nothing counts as heard.
        """
        super().__init__(audio_format)
        self._reported = reported

    def use_format(self, audio_format: AudioFormat) -> None:
        """Count what is received from now on in another format; what has been received keeps its own."""
        for track in self._items.values():
            if track.received:
                track.changes.append((track.received, audio_format.bytes_per_second))
            else:
                track.bytes_per_second = audio_format.bytes_per_second
        self.audio_format = audio_format

    def ms_of(self, item_id: str, content_index: int, nbytes: int) -> int:
        """Whole milliseconds that the first bytes of an item last; in the present format if the item is not known."""
        track = self._items.get((item_id, content_index))
        return self.audio_format.ms_of(nbytes) if track is None else track.ms_of(nbytes)

    def opened(self, response_id: str, item_id: str, content_index: int, now: int) -> None:
        """The server announced audio for an item, without sending any yet."""
        if (item_id, content_index) not in self._items:
            self._open(response_id, item_id, content_index, now)

    def received(self, response_id: str, item_id: str, content_index: int, nbytes: int, now: int) -> None:
        """Audio arrived."""
        track = self._items.get((item_id, content_index))
        if track is None:
            track = self._open(response_id, item_id, content_index, now)
        if not track.received:
            self._end_earlier(track)
        track.received += nbytes

    def ended(self, item_id: str, content_index: int) -> None:
        """No more audio will arrive for this item."""
        if track := self._items.get((item_id, content_index)):
            track.ended = True

    def played(self, item_id: str, content_index: int, ms: int) -> None:
        """The application reports how far an item has been played. Everything before it has been heard."""
        self._reported = True
        key = (item_id, content_index)
        if key not in self._items:
            return
        for earlier in list(self._items):
            if earlier == key:
                break
            if self._items[earlier].ended:
                del self._items[earlier]
        track = self._items[key]
        track.reported_ms = max(track.reported_ms, ms)

    def heard_ms(self, item_id: str, content_index: int, now: int) -> int | None:
        """Whole milliseconds of an item heard by now; None for an item the ledger holds no more (all of it)."""
        for track, heard in self._heard(now):
            if (track.item_id, track.content_index) == (item_id, content_index):
                return heard
        return None

    def cuts(self, now: int) -> list[Cut]:
        """Every item that an interruption at `now` would leave partly or wholly unheard, in playing order."""
        return [
            Cut(track.response_id, track.item_id, track.content_index, heard, received, track.ended)
            for track, heard in self._heard(now)
            if (received := track.ms_of(track.received)) > heard or not track.ended
        ]

    def cleared(self, now: int) -> None:
        """The player was flushed: nothing that was taken so far will be heard any more."""
        self._items.clear()
        self._flush(now)

    def dropped(self, response_id: str, now: int) -> None:
        """The player was flushed of one response's audio."""
        unplayed_ns = 0
        for key, track in list(self._items.items()):
            track.ends_ns -= unplayed_ns
            if track.response_id == response_id:
                unplayed_ns += track.taken_ns - track.heard_ns(now)
                del self._items[key]
        self._silent_from_ns -= unplayed_ns

    def _end_earlier(self, track: _Track) -> None:
        """Audio of a response comes in playing order, although the end of an item may be told after the next one's
        beginning: that would leave an item that was heard to its end looking as if it had been cut."""
        for earlier in self._items.values():
            if earlier.response_id == track.response_id and earlier.received:
                earlier.ended = True

    def _heard(self, now: int) -> Iterator[tuple[_Track, int]]:
        """Each track with the milliseconds of it that were heard, in playing order, computed as far as it is read."""
        for track in self._items.values():
            if self._reported:
                yield track, min(track.reported_ms, track.taken_ns // NS_PER_MS)
            else:
                yield track, track.heard_ns(now) // NS_PER_MS

    def _open(self, response_id: str, item_id: str, content_index: int, now: int) -> _Track:
        self._forget_heard(now)
        track = self._items[item_id, content_index] = _Track(
            response_id, item_id, content_index, bytes_per_second=self.audio_format.bytes_per_second
        )
        return track

    def _forget_heard(self, now: int) -> None:
        """Keep the ledger as short as what is still audible. Looks at no more than it forgets, and one."""
        heard_out: list[Key] = []
        for track, heard in self._heard(now):
            if not track.ended or heard < track.ms_of(track.received):
                break
            heard_out.append((track.item_id, track.content_index))
        for key in heard_out:
            del self._items[key]

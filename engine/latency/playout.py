"""The computed speaker, in instants: when each item begins, becomes audible, runs dry and ends.

The session's playback ledger computes with the same clock, and answers how much was heard. An interruption stops the
sound when the application takes `audio_interrupted`, which is the earliest that it can have known.
"""

from __future__ import annotations

import attrs

from engine.audio.playout_clock import PlayoutClock, PlayoutItem
from engine.latency.instants import Instant, Value
from engine.wire.formats import AudioFormat
from engine.wire.units import NS_PER_MS, NS_PER_S

PART = 0
"""Parts of an item are played as one: every item is known by this content index."""


@attrs.define
class Sounding(PlayoutItem):
    """One item on its way through the speaker."""

    begins: int = 0
    """Moment of its first sample."""
    audible: int | None = None
    """Moment of its first audible sample, where that has been taken."""
    started: bool = False
    """`playout.start` has been told."""
    heard: bool = False
    """`playout.audible` has been told."""
    whole: bool = False
    """There is no more of it: `ends_ns` is the end."""


class Playout(PlayoutClock[Sounding]):
    """The speaker, with what waits to be played. Give it audio with `begin` and `taken`."""

    due: int | None = None
    """When something is to be told next; None if nothing is known to come."""

    def begin(self, response: str, item: str, nbytes: int, now: int, audio_format: AudioFormat | None = None) -> None:
        """Queue the first audio of an item: `taken` takes all that follows. `audio_format` is the item's own."""
        begins = max(self._silent_from_ns, now)
        per_second = (audio_format or self.audio_format).bytes_per_second
        self._items[item, PART] = Sounding(response, item, PART, begins=begins, bytes_per_second=per_second)
        self.taken(item, PART, nbytes, now)
        self._due_at(begins)

    def heard_from(self, item: str, place: int, nbytes: int) -> None:
        """Note the first audible sample of an item: `place` bytes into its newest piece, which is of `nbytes`."""
        if (sounding := self._items.get((item, PART))) is not None and sounding.audible is None:
            begins = sounding.ends_ns - nbytes * NS_PER_S // sounding.bytes_per_second
            sounding.audible = begins + place * NS_PER_S // sounding.bytes_per_second
            self._due_at(sounding.audible)

    def whole(self, item: str) -> None:
        """Note that no more of an item will be taken."""
        if (sounding := self._items.get((item, PART))) is not None and not sounding.whole:
            sounding.whole = True
            self._due_at(sounding.ends_ns)

    def stopped(self, response: str, now: int) -> list[Instant]:
        """Flush the speaker of a response. Returns what is to be told of that."""
        told = self.advance(now)
        for key, sounding in list(self._items.items()):
            if sounding.response_id == response:
                del self._items[key]
                if sounding.started:
                    stop = min(now, sounding.ends_ns)
                    told.append(_instant(stop, "playout.stop", sounding, ms=sounding.heard_ns(now) / NS_PER_MS))
        self._flush(now)
        self._find_deadline()
        return told

    def advance(self, now: int) -> list[Instant]:
        """Return everything that has come by `now`, in order."""
        if self.due is None or self.due > now:
            return []
        told: list[Instant] = []
        for key, sounding in list(self._items.items()):
            if not sounding.started and sounding.begins <= now:
                sounding.started = True
                told.append(_instant(sounding.begins, "playout.start", sounding))
            if not sounding.heard and sounding.audible is not None and sounding.audible <= now:
                sounding.heard = True
                told.append(_instant(sounding.audible, "playout.audible", sounding))
            if sounding.whole and sounding.ends_ns <= now:
                del self._items[key]
                told.append(_instant(sounding.ends_ns, "playout.stop", sounding, ms=sounding.taken_ns / NS_PER_MS))
        self._find_deadline()
        return sorted(told, key=lambda instant: instant.t)

    def underrun(self, item: str, stalled_ns: int, now: int) -> Instant:
        """Return the instant for an item whose audio came `stalled_ns` too late."""
        return _instant(now, "playout.underrun", self._items[item, PART], ms=stalled_ns / NS_PER_MS)

    def forget(self) -> None:
        """Tell nothing more: somebody else knows better what is played."""
        self._items.clear()
        self.due = None

    def _due_at(self, t: int) -> None:
        if self.due is None or t < self.due:
            self.due = t

    def _find_deadline(self) -> None:
        self.due = None
        for sounding in self._items.values():
            if not sounding.started:
                self._due_at(sounding.begins)
            if not sounding.heard and sounding.audible is not None:
                self._due_at(sounding.audible)
            if sounding.whole:
                self._due_at(sounding.ends_ns)


def _instant(t: int, kind: str, sounding: Sounding, **more: Value) -> Instant:
    fields: dict[str, Value] = {"response": sounding.response_id, "item": sounding.item_id, "source": "computed"}
    return Instant(t, kind, {**fields, **more})

"""What the speaker plays when, computed: in real time, in order, from the moment at which the application took it.

This is the arithmetic of the session's own playback ledger, kept apart because it answers another question: not how
much was heard, but when. An interruption stops the sound when the application takes `audio_interrupted`, which is the
earliest that it can have known.
"""

from __future__ import annotations

import attrs

from engine.latency.instants import Instant, Value
from engine.wire.formats import AudioFormat

_NS_PER_S = 1_000_000_000
_NS_PER_MS = 1_000_000


@attrs.define
class Sounding:
    """One item on its way through the speaker."""

    response: str
    item: str
    taken: int = 0
    """Bytes."""
    begins: int = 0
    ends: int = 0
    """When what was taken so far will have been played."""
    audible: int | None = None
    """When the first audible sample will be, where it has been taken."""
    started: bool = False
    """`playout.start` has been told."""
    heard: bool = False
    """`playout.audible` has been told."""
    whole: bool = False
    """There is no more of it: `ends` is the end."""


class Playout:
    """The speaker, with what waits to be played."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self._per_second = audio_format.bytes_per_second
        self._items: dict[str, Sounding] = {}
        self._silent_from = 0
        self.due: int | None = None
        """When something is to be told next; None if nothing is known to come."""

    def taken(self, response: str, item: str, nbytes: int, now: int, audible_at: int | None) -> Instant | None:
        """The application took audio. `audible_at` is the place of the item's first audible sample, in bytes. Returns
        an underrun if the speaker had run dry in the middle of the item."""
        sounding = self._items.get(item)
        silent_from = self._silent_from
        begins = silent_from if silent_from > now else now
        underrun = None
        if sounding is None:
            sounding = self._items[item] = Sounding(response, item, begins=begins)
            self._due_at(begins)
        elif silent_from < now and sounding.ends == silent_from:
            underrun = Instant(now, "playout.underrun", _fields(sounding, ms=(now - silent_from) / _NS_PER_MS))
        if audible_at is not None and sounding.audible is None and audible_at < sounding.taken + nbytes:
            sounding.audible = begins + self._ns(max(0, audible_at - sounding.taken))
            self._due_at(sounding.audible)
        sounding.taken += nbytes
        self._silent_from = sounding.ends = begins + nbytes * _NS_PER_S // self._per_second
        return underrun

    def whole(self, item: str) -> None:
        """No more of an item will be taken."""
        if (sounding := self._items.get(item)) is not None and not sounding.whole:
            sounding.whole = True
            self._due_at(sounding.ends)

    def stopped(self, response: str, now: int) -> list[Instant]:
        """The speaker was flushed of a response. Returns what is to be told of that."""
        told = self.passed(now)
        for sounding in [each for each in self._items.values() if each.response == response]:
            del self._items[sounding.item]
            if sounding.started:
                left = max(0, sounding.ends - now)
                played_ms = (self._ns(sounding.taken) - left) / _NS_PER_MS
                stop = min(now, sounding.ends)
                told.append(Instant(stop, "playout.stop", _fields(sounding, ms=played_ms)))
        self._silent_from = min(self._silent_from, now)
        self._reckon()
        return told

    def passed(self, now: int) -> list[Instant]:
        """Everything that has come by `now`, in order."""
        if self.due is None or self.due > now:
            return []
        told: list[Instant] = []
        for sounding in list(self._items.values()):
            if not sounding.started and sounding.begins <= now:
                sounding.started = True
                told.append(Instant(sounding.begins, "playout.start", _fields(sounding)))
            if not sounding.heard and sounding.audible is not None and sounding.audible <= now:
                sounding.heard = True
                told.append(Instant(sounding.audible, "playout.audible", _fields(sounding)))
            if sounding.whole and sounding.ends <= now:
                del self._items[sounding.item]
                played_ms = self._ns(sounding.taken) / _NS_PER_MS
                told.append(Instant(sounding.ends, "playout.stop", _fields(sounding, ms=played_ms)))
        self._reckon()
        return sorted(told, key=lambda instant: instant.t)

    def forget(self) -> None:
        """Somebody else knows better what is played: tell nothing more."""
        self._items.clear()
        self.due = None

    def _due_at(self, t: int) -> None:
        if self.due is None or t < self.due:
            self.due = t

    def _reckon(self) -> None:
        self.due = None
        for sounding in self._items.values():
            if not sounding.started:
                self._due_at(sounding.begins)
            if not sounding.heard and sounding.audible is not None:
                self._due_at(sounding.audible)
            if sounding.whole:
                self._due_at(sounding.ends)

    def _ns(self, nbytes: int) -> int:
        return nbytes * _NS_PER_S // self._per_second


def _fields(sounding: Sounding, **more: Value) -> dict[str, Value]:
    return {"response": sounding.response, "item": sounding.item, "source": "computed", **more}

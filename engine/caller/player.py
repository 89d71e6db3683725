"""The loudspeaker at the caller's end: plays the agent's audio at real time, one piece after another.

Audio arrives several times faster than it can be heard, so when the agent is *audible* is a matter of playback, not
of arrival. This is the player that the guide asks applications for: it starts with the first piece, stalls when
there is nothing to play, and on `audio_interrupted` stops at once and drops what is queued. What it plays goes to the
recording (and to a sound device, if there is one); when sound begins and ends, it says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import attrs
import trio

from engine.audio.level import first_audible_ns, last_audible_ns
from engine.caller.call_events import PlaybackBegan, PlaybackEnded, PlaybackStalled, PlaybackStarted, Tell
from engine.caller.recording import Recording
from engine.clock import NS, now_ns
from engine.events import Audio, AudioEnd, AudioInterrupted
from engine.wire.formats import PCM16, AudioFormat

_NS_PER_MS = 1_000_000
_ROUNDING_NS = 1_000
"""Sleeping until a moment in float seconds must not end before that moment in nanoseconds."""


class Device(Protocol):
    """A sound device."""

    def play(self, pcm: bytes) -> None:
        """Play after what is queued already. Never waits."""
        ...

    def stop(self) -> None:
        """Fall silent now and drop what is queued."""
        ...


@attrs.define
class _Playing:
    """An item that is being played, or waits for its turn."""

    response_id: str
    item_id: str
    starts_ns: int
    """When its first sample is played."""
    taken_ns: int = 0
    audible_ns: int | None = None
    """When its first audible sample is played; None: none has come yet."""
    ends_ns: int = 0
    """When all that has come of it will have been played."""
    started: bool = False
    announced: bool = False
    complete: bool = False
    pieces: list[tuple[int, bytes]] = attrs.field(factory=list)
    """When each piece begins, and what it is."""

    @property
    def names(self) -> dict[str, str]:
        """What every event of it carries."""
        return {"response_id": self.response_id, "item_id": self.item_id}

    def silent_ms(self, now: int, audio_format: AudioFormat) -> float:
        """For how long nothing audible has been played of it at `now`."""
        for starts_ns, pcm in reversed(self.pieces):
            played = pcm[: audio_format.bytes_of(max(0, now - starts_ns) // _NS_PER_MS)]
            if (last_ns := last_audible_ns(played)) is not None:
                return max(0, now - starts_ns - last_ns) / _NS_PER_MS
        return max(0, now - self.starts_ns) / _NS_PER_MS


class Loudspeaker:
    """Plays what it is given. `run` tells of beginnings and ends as they happen."""

    def __init__(
        self,
        tell: Tell,
        recording: Recording | None,
        *,
        audio_format: AudioFormat = PCM16,
        device: Device | None = None,
    ) -> None:
        self._tell = tell
        self._recording = recording
        self._format = audio_format
        self._device = device
        self._free_ns = 0
        self._items: dict[tuple[str, int], _Playing] = {}
        self._over = False
        self._awaits_ns = float("inf")
        """When something is to be told next, as far as `run` knows."""
        self._changed = trio.lowlevel.ParkingLot()

    def played_ms(self, item_id: str) -> int:
        """How much of an item has been heard, in whole milliseconds; 0 for one that is not being played."""
        for playing, heard_ns in self._heard(now_ns()):
            if playing.item_id == item_id:
                return heard_ns // _NS_PER_MS
        return 0

    def take(self, event: Audio | AudioEnd | AudioInterrupted) -> None:
        """Play, note the end of an item, or stop."""
        match event:
            case Audio() if not self._over:
                self._play(event)
            case AudioEnd():
                if item := self._items.get((event.item_id, event.content_index)):
                    item.complete = True
            case AudioInterrupted():
                self._stop()
        if self._next_ns() != self._awaits_ns:
            self._changed.unpark_all()

    async def run(self) -> None:
        """Tell of every beginning and end when its time has come. Until cancelled."""
        while True:
            self._announce(now_ns())
            self._awaits_ns = self._next_ns()
            with trio.move_on_at((self._awaits_ns + _ROUNDING_NS) / NS):
                await self._changed.park()

    def finish(self) -> None:
        """The call is over: what is queued, and what still comes, will not be heard."""
        self._over = True
        self._stop()

    def _play(self, event: Audio) -> None:
        now = now_ns()
        starts_ns = max(now, self._free_ns)
        length_ns = len(event.data) * NS // self._format.bytes_per_second
        key = (event.item_id, event.content_index)
        if (item := self._items.get(key)) is None:
            item = self._items[key] = _Playing(event.response_id, event.item_id, starts_ns)
        elif starts_ns > item.ends_ns:
            silent_ms = (starts_ns - item.ends_ns) / _NS_PER_MS
            self._tell(PlaybackStalled(at_ns=starts_ns, **item.names, silent_ms=silent_ms))
        if item.audible_ns is None and (offset := first_audible_ns(event.data)) is not None:
            item.audible_ns = starts_ns + offset
        self._free_ns = item.ends_ns = starts_ns + length_ns
        item.taken_ns += length_ns
        item.pieces.append((starts_ns, event.data))
        if self._recording is not None:
            track = self._recording.agent
            at = self._recording.position(starts_ns) if starts_ns == now else track.end
            track.lay(at, event.data)
        if self._device is not None:
            self._device.play(event.data)

    def _stop(self) -> None:
        now = now_ns()
        self._announce(now)
        for item, heard_ns in list(self._heard(now)):
            cut = heard_ns < item.taken_ns or not item.complete
            self._end(item, now, heard_ns, interrupted=cut)
        self._items.clear()
        self._free_ns = min(self._free_ns, now)
        if self._recording is not None:
            self._recording.agent.silence_from(self._recording.position(now))
        if self._device is not None:
            self._device.stop()

    def _announce(self, now: int) -> None:
        for key, item in list(self._items.items()):
            if item.starts_ns <= now and not item.started:
                item.started = True
                self._tell(PlaybackStarted(at_ns=item.starts_ns, **item.names))
            if item.audible_ns is not None and item.audible_ns <= now and not item.announced:
                item.announced = True
                self._tell(PlaybackBegan(at_ns=item.audible_ns, **item.names))
            if item.complete and item.ends_ns <= now:
                del self._items[key]
                self._end(item, item.ends_ns, item.taken_ns, interrupted=False)

    def _end(self, item: _Playing, at_ns: int, heard_ns: int, *, interrupted: bool) -> None:
        self._tell(
            PlaybackEnded(
                at_ns=at_ns,
                **item.names,
                played_ms=heard_ns // _NS_PER_MS,
                interrupted=interrupted,
                silent_ms=item.silent_ms(at_ns, self._format),
            )
        )

    def _next_ns(self) -> float:
        times = [
            *(item.starts_ns for item in self._items.values() if not item.started),
            *(item.audible_ns for item in self._items.values() if item.audible_ns is not None and not item.announced),
            *(item.ends_ns for item in self._items.values() if item.complete),
        ]
        return min(times, default=float("inf"))

    def _heard(self, now: int) -> Iterator[tuple[_Playing, int]]:
        """Each item with what has been heard of it: what is unheard is always the newest audio."""
        unplayed_ns = max(0, self._free_ns - now)
        found: list[tuple[_Playing, int]] = []
        for item in reversed(self._items.values()):
            unplayed_here = min(item.taken_ns, unplayed_ns)
            unplayed_ns -= unplayed_here
            found.append((item, item.taken_ns - unplayed_here))
        yield from reversed(found)

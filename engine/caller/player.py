"""The player at the caller's end: plays the agent's audio at real time, one piece after another.

Audio arrives several times faster than it can be heard, so when the agent is *audible* is a matter of playback, not
of arrival. This is the player that the guide asks applications for: it starts with the first piece, stalls when
there is nothing to play, and on `audio_interrupted` stops at once and drops what is queued: see
`engine.caller.play_queue`. What it plays goes to the recording (and to a sound device, if there is one); when sound
begins and ends, it says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import attrs
import trio

from engine.audio.level import first_audible_ns, last_audible_ns
from engine.caller.call_events import PlaybackBegan, PlaybackEnded, PlaybackStalled, PlaybackStarted, Tell
from engine.caller.item_sound import Heard, ItemSound
from engine.caller.play_queue import PlayQueue, QueuedItem, pcm16
from engine.caller.recording import Recording
from engine.clock import now_ns
from engine.events import Audio, AudioEnd, AudioInterrupted
from engine.wire.formats import PCM16, AudioFormat
from engine.wire.units import NS_PER_MS, NS_PER_S

_ROUNDING_NS = 1_000
"""Sleeping until a moment in float seconds must not end before that moment in nanoseconds."""


class Device(Protocol):
    """A sound device, for mono 16-bit PCM at 24 kHz."""

    def play(self, pcm: bytes) -> None:
        """Play after what is queued already. Never waits."""
        ...

    def stop(self) -> None:
        """Fall silent now and drop what is queued."""
        ...


@attrs.define
class _Playing:
    """An item in the queue, its sound, and what has been told of it."""

    item: QueuedItem
    sound: ItemSound
    audible_ns: int | None = None
    """When its first audible sample is played; None: none has come yet."""
    started: bool = False
    announced: bool = False
    pieces: list[Heard] = attrs.field(factory=list)
    """What is heard of it."""

    @property
    def names(self) -> dict[str, str]:
        """What every event of it carries."""
        return {"response_id": self.item.response_id, "item_id": self.item.item_id}

    def silent_ms(self, now: int) -> float:
        """For how long nothing audible has been played of it at `now`."""
        for piece in reversed(self.pieces):
            played = piece.pcm[: PCM16.bytes_of(max(0, now - piece.begins_ns) // NS_PER_MS)]
            if (last_ns := last_audible_ns(played)) is not None:
                return max(0, now - piece.begins_ns - last_ns) / NS_PER_MS
        return max(0, now - self.item.starts_ns) / NS_PER_MS


class Player:
    """Plays what it is given. `run` tells of beginnings and ends as they happen."""

    def __init__(
        self,
        tell: Tell,
        recording: Recording | None,
        *,
        output_format: Callable[[], AudioFormat] = pcm16,
        device: Device | None = None,
    ) -> None:
        self._tell = tell
        self._recording = recording
        self._device = device
        self._queue = PlayQueue(output_format)
        self._items: dict[QueuedItem, _Playing] = {}
        self._over = False
        self._awaits_ns = float("inf")
        """When something is to be told next, as far as `run` knows."""
        self._changed = trio.lowlevel.ParkingLot()

    def played_ms(self, item_id: str) -> int:
        """How much of an item has been heard, in whole milliseconds; 0 for one that is not being played."""
        for item, heard_ns in self._queue.heard(now_ns()):
            if item.item_id == item_id:
                return heard_ns // NS_PER_MS
        return 0

    def on_event(self, event: Audio | AudioEnd | AudioInterrupted) -> None:
        """Play, note the end of an item, or stop."""
        match event:
            case Audio() if not self._over:
                self._play(event)
            case AudioEnd():
                if (item := self._queue.complete(event)) is not None:
                    self._hear(self._items[item], self._items[item].sound.rest())
            case AudioInterrupted():
                self._stop()
        if self._next_ns() != self._awaits_ns:
            self._changed.unpark_all()

    async def run(self) -> None:
        """Tell of every beginning and end when its time has come. Until cancelled."""
        while True:
            self._announce(now_ns())
            self._awaits_ns = self._next_ns()
            with trio.move_on_at((self._awaits_ns + _ROUNDING_NS) / NS_PER_S):
                await self._changed.park()

    def finish(self) -> None:
        """The call is over: what is queued, and what still comes, will not be heard."""
        self._over = True
        self._stop()

    def _play(self, event: Audio) -> None:
        placed = self._queue.add(event, now_ns())
        if (playing := self._items.get(placed.item)) is None:
            playing = self._items[placed.item] = _Playing(placed.item, ItemSound(placed.item))
        if placed.stalled_ns:
            silent_ms = placed.stalled_ns / NS_PER_MS
            self._tell(PlaybackStalled(at_ns=placed.starts_ns, **playing.names, silent_ms=silent_ms))
        self._hear(playing, playing.sound.piece(placed, event.data))

    def _hear(self, playing: _Playing, heard: Heard) -> None:
        if not heard.pcm:
            return
        if playing.audible_ns is None and (offset := first_audible_ns(heard.pcm)) is not None:
            playing.audible_ns = heard.begins_ns + offset
        playing.pieces.append(heard)
        if self._recording is not None:
            self._recording.agent.follow(self._recording.position(heard.begins_ns), heard.pcm, tolerance=0)
        if self._device is not None:
            self._device.play(heard.pcm)

    def _stop(self) -> None:
        now = now_ns()
        self._announce(now)
        for item, heard_ns in self._queue.flush(now):
            cut = heard_ns < item.length_ns or not item.complete
            self._end(self._items.pop(item), now, heard_ns, interrupted=cut)
        if self._recording is not None:
            self._recording.agent.silence_from(self._recording.position(now))
        if self._device is not None:
            self._device.stop()

    def _announce(self, now: int) -> None:
        finished = self._queue.remove_finished(now)
        for item, playing in list(self._items.items()):
            if item.starts_ns <= now and not playing.started:
                playing.started = True
                self._tell(PlaybackStarted(at_ns=item.starts_ns, **playing.names))
            if playing.audible_ns is not None and playing.audible_ns <= now and not playing.announced:
                playing.announced = True
                self._tell(PlaybackBegan(at_ns=playing.audible_ns, **playing.names))
            if item in finished:
                self._end(self._items.pop(item), item.ends_ns, item.length_ns, interrupted=False)

    def _end(self, playing: _Playing, at_ns: int, heard_ns: int, *, interrupted: bool) -> None:
        self._tell(
            PlaybackEnded(
                at_ns=at_ns,
                **playing.names,
                played_ms=heard_ns // NS_PER_MS,
                interrupted=interrupted,
                silent_ms=playing.silent_ms(at_ns),
            )
        )

    def _next_ns(self) -> float:
        items = self._items.values()
        times = [
            *(playing.item.starts_ns for playing in items if not playing.started),
            *(playing.audible_ns for playing in items if playing.audible_ns is not None and not playing.announced),
            *(playing.item.ends_ns for playing in items if playing.item.complete),
        ]
        return min(times, default=float("inf"))

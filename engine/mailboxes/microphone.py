"""Microphone: what the application wants the server to hear, made into frames on its way to the audio-in pump.

A frame is what one `input_audio_buffer.append` carries. Applications hand over what their sound card or phone line
gives them, often 20 ms at a time, and each append costs a write to the socket, which costs more than everything else
that is done with it. So pieces wait here until they are a frame. Whoever puts the last piece of one moves it on
(`direct`); the pump is for the rests, and for when there is no room.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import trio

from engine.clock import now_ns
from engine.errors import SessionClosed
from engine.mailboxes.inline_event import InlineEvent
from engine.mailboxes.statistics import MailboxStatistics
from engine.mailboxes.wakeup import Wakeup
from engine.wire.client_events import InputAudioBufferAppend
from engine.wire.units import NS_PER_S

FRAMES_PER_CHECKPOINT: Final = 16
"""How many frames an application hands over without letting other tasks run: a file is read faster than it is heard."""


class Microphone:
    """Audio and inline events, in order."""

    def __init__(self, capacity: int, frame: int, longest: int, flush_timeout: float) -> None:
        """
        Args:
            capacity: bytes that may wait before `room` waits.
            frame: bytes that are due at once.
            longest: bytes that are handed out at most in one go.
            flush_timeout: how many seconds a rest waits to become a frame, which has to be longer than a frame lasts:
                then the deadline of an audio stream that does not pause moves on and never comes.
        """
        self.capacity = capacity
        self._since_checkpoint = 0
        self._frame, self._longest, self._flush_timeout = frame, longest, flush_timeout
        self._backlog: deque[bytes | memoryview | InlineEvent] = deque()
        self._inline_events: list[InlineEvent] = []
        """Those that are not on the wire yet, whether they are still in here or not."""
        self._inline_waiting = 0
        self._waiting = self._most = self._passed = 0
        self._since: int | None = None
        """When the oldest audio came that waits."""
        self._scope = trio.CancelScope()
        self._arrival, self._room = Wakeup(), Wakeup()
        self._closed = False

    def use_frames(self, capacity: int, frame: int, longest: int) -> None:
        """Cut what waits and what comes into other frames: the audio is in another format from now on."""
        self.capacity, self._frame, self._longest = capacity, frame, longest
        self._room.set()
        self._arrival.set()

    async def room(self) -> None:
        """Wait while more than `capacity` bytes wait already; then `add` may follow, without a checkpoint in between.

        A cancel point always, a schedule point once for many frames. Raises SessionClosed.
        """
        if self._since_checkpoint < FRAMES_PER_CHECKPOINT:
            await trio.lowlevel.checkpoint_if_cancelled()
        else:
            self._since_checkpoint = 0
            await trio.lowlevel.checkpoint()
        while self._waiting > self.capacity and not self._closed:
            await self._room.wait()
        if self._closed:
            raise SessionClosed("the session is closed: audio can no longer be sent")

    def add(self, entry: bytes | InlineEvent) -> None:
        """Add audio or an inline event, for which there is room. Whoever adds moves it on, or wakes the pump."""
        self._backlog.append(entry)
        if isinstance(entry, InlineEvent):
            self._inline_events = [event for event in self._inline_events if not event.sent]
            self._inline_events.append(entry)
            self._inline_waiting += 1
            self._since_checkpoint += 1
            return
        if self._since is None:
            self._begin()
        size = len(entry)
        self._passed += size
        self._waiting += size
        self._most = max(self._most, self._waiting)
        if self._waiting >= self._frame:
            self._since_checkpoint += 1

    @property
    def frame_ready(self) -> bool:
        """Whether a frame is complete, or a client event stands behind the rest."""
        return self._waiting >= self._frame or self._inline_waiting > 0

    def wake_pump(self) -> None:
        """Wake the pump, if it waits in `frame`."""
        self._arrival.set()

    def flush_scope(self) -> trio.CancelScope:
        """A scope to wait in until `frame_ready`. It is left when a rest has waited long enough, or nothing has come
        for as long."""
        self._scope = trio.CancelScope()
        if self._waiting:
            self._scope.deadline = trio.current_time() + self._flush_timeout
        return self._scope

    async def frame(self) -> None:
        """Wait until `frame_ready`."""
        while not self.frame_ready:
            await self._arrival.wait()

    def take(self) -> tuple[list[InputAudioBufferAppend | InlineEvent], int | None]:
        """What is there, perhaps less than a frame, perhaps nothing, up to `longest` bytes of audio: more would hold up
        control behind it. With it, when the oldest of that audio came; None if there is none."""
        since, self._since = self._since, None
        taken = self._cut()
        if self._waiting:
            self._begin()
        self._room.set()
        return taken, since

    def close(self) -> None:
        """Nobody takes any more: whoever waits for room is told."""
        self._closed = True
        self._room.set()

    def abandon(self) -> None:
        """Nothing is written any more: whoever waits for an inline event is told, too."""
        self.close()
        for inline_event in self._inline_events:
            inline_event.give_up()
        self._inline_events.clear()
        self._backlog.clear()
        self._waiting = self._inline_waiting = 0

    def statistics(self) -> MailboxStatistics:
        """Counters."""
        return MailboxStatistics("microphone", self.capacity, self._waiting, self._most, self._passed)

    def _begin(self) -> None:
        """The oldest audio that waits has come now."""
        self._since = now_ns()
        self._scope.deadline = self._since / NS_PER_S + self._flush_timeout

    def _cut(self) -> list[InputAudioBufferAppend | InlineEvent]:
        taken: list[InputAudioBufferAppend | InlineEvent] = []
        pieces: list[bytes | memoryview] = []
        room = self._longest
        while self._backlog and room:
            entry = self._backlog.popleft()
            if isinstance(entry, InlineEvent):
                _append(taken, pieces)
                taken.append(entry)
                self._inline_waiting -= 1
                continue
            if len(entry) > room:
                whole = memoryview(entry)
                self._backlog.appendleft(whole[room:])
                entry = whole[:room]
            pieces.append(entry)
            room -= len(entry)
            self._waiting -= len(entry)
        _append(taken, pieces)
        return taken


def _append(taken: list[InputAudioBufferAppend | InlineEvent], pieces: list[bytes | memoryview]) -> None:
    if pieces:
        taken.append(InputAudioBufferAppend(b"".join(pieces)))
        pieces.clear()

"""Microphone: what the application wants the far end to hear, made into frames on its way.

A frame is what one `input_audio_buffer.append` carries. Applications hand over what their sound card or phone line
gives them, often 20 ms at a time, and each append costs a write to the socket, which costs more than everything else
that is done with it. So pieces wait here until they are a frame.
"""

from __future__ import annotations

from collections import deque

from engine.mailboxes.mark import Mark
from engine.mailboxes.statistics import MailboxStatistics
from engine.wire.client_events import InputAudioBufferAppend


class Microphone:
    """Audio and marks in order. It never waits; `Outbound` does, and knows the time."""

    def __init__(self, capacity: int, frame: int, longest: int) -> None:
        """All in bytes: when it is full, from when on it is due, and how much at most it hands out at once."""
        self.capacity = capacity
        self._frame, self._longest = frame, longest
        self._backlog: deque[bytes | memoryview | Mark] = deque()
        self._marks: list[Mark] = []
        """Those that are not on the wire yet, whether they are still in here or not."""
        self._marks_waiting = 0
        self._waiting = self._most = self._passed = 0

    @property
    def full(self) -> bool:
        """More than `capacity` bytes wait."""
        return self._waiting > self.capacity

    @property
    def due(self) -> bool:
        """A frame is complete, or a mark stands behind the rest: there is nothing to wait for."""
        return self._waiting >= self._frame or self._marks_waiting > 0

    def add(self, entry: bytes | Mark) -> None:
        """More audio, or a mark behind it."""
        self._backlog.append(entry)
        if isinstance(entry, Mark):
            self._marks = [mark for mark in self._marks if not mark.written]
            self._marks.append(entry)
            self._marks_waiting += 1
            return
        size = len(entry)
        self._passed += size
        self._waiting += size
        self._most = max(self._most, self._waiting)

    def take(self) -> list[InputAudioBufferAppend | Mark]:
        """What is there, complete or not, up to `longest` bytes of audio: more would hold up control behind it."""
        taken: list[InputAudioBufferAppend | Mark] = []
        pieces: list[bytes | memoryview] = []
        room = self._longest
        while self._backlog and room:
            entry = self._backlog.popleft()
            if isinstance(entry, Mark):
                _append(taken, pieces)
                taken.append(entry)
                self._marks_waiting -= 1
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

    def close(self) -> None:
        """Nothing is written any more: whoever waits for a mark is told."""
        for mark in self._marks:
            mark.settled.set()
        self._marks.clear()
        self._backlog.clear()
        self._waiting = self._marks_waiting = 0

    def statistics(self) -> MailboxStatistics:
        """Counters."""
        return MailboxStatistics("microphone", self.capacity, self._waiting, self._most, self._passed)


def _append(taken: list[InputAudioBufferAppend | Mark], pieces: list[bytes | memoryview]) -> None:
    if pieces:
        taken.append(InputAudioBufferAppend(b"".join(pieces)))
        pieces.clear()

"""The application that every client feeds: it takes the decoded audio, reads the stamp, and does nothing else.

The same few hundred nanoseconds for everybody. The measured part runs from the first flagged delta that any seat of
the process got to the last one; CPU is that of the whole process (all threads) in between.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

from benchmarks import stamp

if TYPE_CHECKING:
    import cProfile

BYTES_PER_SECOND = 48_000


class Event(Protocol):
    def set(self) -> object: ...
    def is_set(self) -> bool: ...
    async def wait(self) -> object: ...


class Stage:
    """All seats of one process, and what they measured together."""

    def __init__(self, event: Callable[[], Event], ends: int) -> None:
        self.new_event = event
        self.started = event()
        self.ended = event()
        self.ends_wanted = ends
        self.ends = 0
        self.deltas = 0
        self.nbytes = 0
        self.others = 0
        self.start_cpu_ns = 0
        self.start_wall_ns = 0
        self.start_deltas = 0
        self.cpu_ns = 0
        self.wall_ns = 0
        self.measured_deltas = 0
        self.latencies = array("q")
        self.aside = array("q")
        self.errors: list[str] = []
        self.profiler: cProfile.Profile | None = None

    def begin(self) -> None:
        if not self.start_wall_ns:
            self.start_deltas = self.deltas
            self.start_wall_ns = time.monotonic_ns()
            self.start_cpu_ns = time.process_time_ns()
            self.started.set()
            if self.profiler is not None:
                self.profiler.enable()

    def end(self) -> None:
        self.ends += 1
        if self.ends >= self.ends_wanted:
            self.finish()

    def finish(self) -> None:
        """Take the figures; the first call counts."""
        if not self.ended.is_set():
            self.cpu_ns = time.process_time_ns() - self.start_cpu_ns
            self.wall_ns = time.monotonic_ns() - self.start_wall_ns
            self.measured_deltas = self.deltas - self.start_deltas
            self.ended.set()
            if self.profiler is not None:
                self.profiler.disable()


class Seat:
    """One session's application. `url` and `base` address the load server; `model` tells it which seat this is."""

    def __init__(
        self,
        stage: Stage,
        number: int,
        port: int,
        *,
        slow_s: float = 0.0,
        deaf: bool = False,
        aside: bool = False,
        plays: bool = False,
    ) -> None:
        self.stage = stage
        self.plays = plays
        """The application has a loudspeaker: what it takes lasts as long as it sounds."""
        self._latencies = stage.aside if aside else stage.latencies
        self.number = number
        self.model = f"gpt-realtime-{number}"
        self.authority = f"127.0.0.1:{port}"
        self.url = f"ws://{self.authority}/v1/realtime?model={self.model}"
        self.opened = stage.new_event()
        self.asked = stage.new_event()
        """The server wants to know that the application has come this far."""
        self.interruptions: list[tuple[int, int]] = []
        """(ns when `audio_interrupted` came, deltas taken so far) for each."""
        self.arrivals: list[tuple[int, int, int]] = []
        """(ns, turn, number) of each delta; kept for the measured session of a barge-in only."""
        self.keep_arrivals = False
        self.send_audio: Callable[[bytes], Awaitable[object]] | None = None
        self.slow = slow_s > 0 or deaf
        self.deltas = 0
        self._slow_s = slow_s
        self._deaf = deaf
        self._sleep: Callable[[float], Awaitable[object]] | None = None

    def open(self, send_audio: Callable[[bytes], Awaitable[object]]) -> None:
        """The session is ready, and this is how a microphone frame goes in."""
        self.send_audio = send_audio
        self.opened.set()

    def audio(self, pcm: Any) -> None:
        """Decoded audio has reached the application."""
        now = time.monotonic_ns()
        stage = self.stage
        mark = stamp.read(pcm)
        stage.nbytes += len(pcm)
        if mark is None:
            stage.others += 1
            return
        stage.deltas += 1
        self.deltas += 1
        self._latencies.append(now - mark.sent_ns)
        if self.keep_arrivals:
            self.arrivals.append((now, mark.turn, mark.number))
        if mark.flags:
            if mark.flags & stamp.START:
                stage.begin()
            if mark.flags & stamp.END:
                stage.end()
            if mark.flags & stamp.ACKNOWLEDGE:
                self.asked.set()

    def interrupted(self) -> None:
        """The application was told to stop playing."""
        self.interruptions.append((time.monotonic_ns(), self.deltas))

    def pace_with(self, sleep: Callable[[float], Awaitable[object]]) -> None:
        self._sleep = sleep

    async def play(self, nbytes: int) -> None:
        """Let so much audio sound, for libraries whose application paces itself by its device."""
        if self._sleep is not None:
            await self._sleep(nbytes / BYTES_PER_SECOND)

    async def pace(self) -> None:
        """A client awaits this after each delta when `slow` is true: the application is busy, or never reads again."""
        if self._deaf:
            await self.stage.ended.wait()
        elif self._sleep is not None and self._slow_s:
            nap, self._slow_s = self._slow_s, 0.0
            self.slow = False
            await self._sleep(nap)

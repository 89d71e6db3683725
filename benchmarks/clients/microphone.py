"""The microphones of all sessions: 20 ms frames of 24 kHz PCM16, a few sessions at each tick so that ticks are cheap.

One task for all of them, in groups spread over the 20 ms: a task with a timer of its own for each session would cost
more than some clients' sending, and would be measured with it. What the ticks themselves cost is taken by `ticking_ns`.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Sequence
from typing import cast

from benchmarks.clients.runtime import Runtime
from benchmarks.clients.seat import Seat

FRAME_BYTES = 960
FRAME_S = 0.02
_NOISE = [struct.pack("<480h", *(((n * 7919 + k * 104729) % 401) - 200 for n in range(480))) for k in range(16)]


async def feed(
    runtime: Runtime,
    seats: Sequence[Seat],
    speed: float,
    frames: int | None,
    live: Callable[[], bool],
    ticks: int = 10,
    sent: Callable[[int], None] = lambda count: None,
) -> None:
    """Send `frames` frames to each seat (None: until cancelled) at `speed` times real time, if the library takes them
    in time; `sent` is told how many it has taken. Who is late lets others run all the same."""
    groups = [list(seats[n::ticks]) for n in range(ticks)]
    groups = [group for group in groups if group]
    step = FRAME_S / speed / len(groups)
    begin = time.monotonic()
    tick = 0
    while live() and (frames is None or tick < frames * len(groups)):
        wait = begin + tick * step - time.monotonic()
        await runtime.sleep(max(0.0, wait))
        frame = _NOISE[(tick // len(groups)) % len(_NOISE)]
        for seat in groups[tick % len(groups)]:
            if seat.send_audio is not None:
                await seat.send_audio(frame)
        sent(len(groups[tick % len(groups)]))
        tick += 1


class _Mute:
    """A seat whose microphone goes nowhere."""

    async def send_audio(self, pcm: bytes) -> None:
        return


async def ticking_ns(runtime: Runtime, seats: int, ticks: int) -> float:
    """CPU nanoseconds of this file's own work for each frame, on this event loop, with that many seats."""
    frames = 50
    mute = cast(list[Seat], [_Mute() for _ in range(seats)])
    begun = time.process_time_ns()
    await feed(runtime, mute, 1.0, frames, lambda: True, ticks)
    return (time.process_time_ns() - begun) / (frames * seats)

"""The jobs that a client process can be asked for, written once for both event loops.

A client is one function, `hold(seat)`: it opens a session as the library's documentation says, tells the seat how to
send a microphone frame, feeds it what it hears, and lives until it is cancelled. Everything else is here.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from benchmarks.clients import memory, microphone
from benchmarks.clients.figures import distribution_ms
from benchmarks.clients.runtime import Runtime, Tasks
from benchmarks.clients.seat import Seat, Stage
from benchmarks.job import Job

Hold = Callable[[Seat], Awaitable[None]]
Announce = Callable[[], None]
IN_TIME = 0.98
"""The share of its frames that a microphone has to be rid of in real time."""
OPEN_LIMIT_S = 30.0
ANSWER_FRAMES = 10


class Performance:
    """One job being done: its seats, its stage, and what it will report."""

    def __init__(self, runtime: Runtime, hold: Hold, job: Job, announce: Announce) -> None:
        self.runtime = runtime
        self.job = job
        self.announce = announce
        self.stage = Stage(runtime.event, job.ends)
        if job.profile:
            import cProfile

            self.stage.profiler = cProfile.Profile()
        self.seats: list[Seat] = []
        self.said: list[str] = []
        self.report: dict[str, Any] = {}
        self.frames = 0
        """Microphone frames that the library has taken."""
        self._hold = hold

    async def run(self) -> None:
        kind = {
            "receive": self._receive,
            "microphone": self._receive,
            "slow": self._slow,
            "idle": self._idle,
            "open_close": self._open_close,
            "ramp": self._ramp,
        }[self.job.kind]
        before = memory.status()
        self.report["memory_before"] = before
        async with self.runtime.tasks() as tasks:
            await kind(tasks)
            self._collect()
            closing = time.monotonic()
            tasks.cancel()
        if self.stage.profiler is not None:
            self.stage.profiler.dump_stats(self.job.profile)
        self.report["close_s"] = time.monotonic() - closing
        gc.collect()
        self.report["memory_after"] = memory.status()

    # -- the kinds

    async def _receive(self, tasks: Tasks) -> None:
        await self._open(tasks, self.job.sessions)
        if self.job.frames:
            ticks = self.job.microphone_groups
            self.report["ticking_ns"] = await microphone.ticking_ns(self.runtime, len(self.seats), ticks)
        self._ready()
        if self.job.frames:
            tasks.start(self._send_frames)
        elif self.job.microphone:
            tasks.start(self._feed, self.seats, 1.0, None, lambda: True)
        if len(self.seats) == 1:
            tasks.start(self._acknowledge, self.seats[0])
        await self._until_ended()
        self.report["memory_end"] = self._settled_memory()

    async def _slow(self, tasks: Tasks) -> None:
        """Hold with a deaf application for `hold_s`, looking at memory meanwhile."""
        await self._open(tasks, self.job.sessions)
        self._ready()
        seen = []
        until = time.monotonic() + self.job.hold_s
        while time.monotonic() < until:
            await self.runtime.sleep(0.1)
            seen.append(memory.status()["private"])
        self.report["private_seen"] = seen
        self.report["memory_end"] = memory.status()
        self.stage.finish()
        await self.runtime.sleep(0.5)
        self.report["said"] = self.said

    async def _idle(self, tasks: Tasks) -> None:
        """Memory at each of the steps, all sessions open and nothing said."""
        held = []
        for wanted in self.job.steps:
            await self._open(tasks, wanted)
            await self.runtime.sleep(0.5)
            held.append({"sessions": wanted, **self._settled_memory()})
        self.report["steps"] = held
        self._ready()
        self.stage.finish()

    async def _open_close(self, tasks: Tasks) -> None:
        begun, cpu = time.monotonic(), time.process_time()
        await self._open(tasks, self.job.sessions)
        self.report["open_s"] = time.monotonic() - begun
        self.report["open_cpu_s"] = time.process_time() - cpu
        self._ready()
        await self.runtime.within(self.job.limit_s, self.stage.started.wait)
        await self.runtime.sleep(self.job.hold_s)
        self.stage.finish()

    async def _ramp(self, tasks: Tasks) -> None:
        """More and more sessions until delivered p99 is over the limit, or the steps are used up."""
        self._ready()
        if self.job.microphone:
            tasks.start(self._growing_microphone)
        reached = []
        for wanted in self.job.steps:
            await self._open(tasks, wanted)
            if len([seat for seat in self.seats if seat.opened.is_set()]) < wanted:
                break
            step = await self._listen_for_a_step(wanted)
            if not step["kept"]:  # once more: one hiccup of the machine is not the library's limit
                step = await self._listen_for_a_step(wanted)
            reached.append(step)
            if not step["kept"]:
                break
        self.report["steps"] = reached
        self.stage.finish()

    async def _listen_for_a_step(self, sessions: int) -> dict[str, Any]:
        """Let things settle, then take the latencies of one step."""
        await self.runtime.sleep(min(1.0, self.job.step_s / 3))
        first, cpu, wall, frames = len(self.stage.latencies), time.process_time(), time.monotonic(), self.frames
        await self.runtime.sleep(self.job.step_s)
        took = distribution_ms(self.stage.latencies[first:])
        took.pop("curve", None)
        passed = time.monotonic() - wall
        share = (time.process_time() - cpu) / passed
        spoken = (self.frames - frames) * microphone.FRAME_S / (passed * sessions) if self.job.microphone else 1.0
        step = {"sessions": sessions, "cpu": round(share, 4), "microphone": round(spoken, 3), **took}
        return {**step, "kept": self._kept(step)}

    def _kept(self, step: dict[str, Any]) -> bool:
        """Audio came within the limit, and what the users said was taken in real time."""
        heard = bool(step["count"]) and step["p99"] <= self.job.latency_limit_ms
        return heard and step["microphone"] >= IN_TIME

    # -- the parts

    async def _open(self, tasks: Tasks, wanted: int) -> None:
        """Open up to `wanted` seats at once, and wait until the library says that each is open."""
        job = self.job
        fresh = []
        for number in range(len(self.seats), wanted):
            seat = Seat(
                self.stage,
                number,
                job.port,
                slow_s=job.slow_s if number in job.slow else 0.0,
                deaf=number in job.deaf,
                aside=number in job.aside,
                plays=number in job.plays,
            )
            seat.pace_with(self.runtime.sleep)
            seat.keep_arrivals = number == job.watch
            fresh.append(seat)
            tasks.start(self._keep, seat)
        self.seats += fresh

        async def all_open() -> None:
            for seat in fresh:
                await seat.opened.wait()

        if not await self.runtime.within(OPEN_LIMIT_S, all_open):
            closed = sum(not seat.opened.is_set() for seat in fresh)
            self.stage.errors.append(f"{closed} of {wanted} sessions did not open")
            if closed == len(fresh):
                self.stage.finish()

    async def _keep(self, seat: Seat) -> None:
        """One session for its whole life. A library that fails is a result, not a crash of the benchmark."""
        try:
            await self._hold(seat)
        except Exception as error:
            self.said.append(f"seat {seat.number}: {error!r}"[:300])
            if not self.stage.ended.is_set():
                self.stage.errors.append(self.said[-1])

    async def _send_frames(self) -> None:
        await self.stage.started.wait()
        job = self.job
        await self._feed(self.seats, job.microphone_speed, job.frames, lambda: True)

    async def _feed(self, seats: list[Seat], speed: float, frames: int | None, live: Callable[[], bool]) -> None:
        """Microphones until they are done; a session that goes while the run ends takes its microphone with it."""
        try:
            groups = self.job.microphone_groups
            await microphone.feed(self.runtime, seats, speed, frames, live, groups, self._count)
        except Exception as error:
            if not self.stage.ended.is_set():
                self.stage.errors.append(f"microphone: {error!r}"[:300])

    def _count(self, frames: int) -> None:
        self.frames += frames

    async def _acknowledge(self, seat: Seat) -> None:
        """Say something, enough for every library's own piece length, once the server has asked for it."""
        await seat.asked.wait()
        await self._feed([seat], 1.0, ANSWER_FRAMES, lambda: True)

    async def _growing_microphone(self) -> None:
        """Microphones for the sessions there are, taken up anew whenever there are more."""
        while not self.stage.ended.is_set():
            seats = [seat for seat in self.seats if seat.opened.is_set()]
            if not seats or len(seats) < len(self.seats):  # all or none: whoever opens slowly is to speak as well
                await self.runtime.sleep(0.05)
                continue
            many = len(self.seats)
            await self._feed(seats, 1.0, None, partial(self._as_many, many))
            while self.seats and not self.seats[-1].opened.is_set() and not self.stage.ended.is_set():
                await self.runtime.sleep(0.02)

    def _as_many(self, seats: int) -> bool:
        return len(self.seats) == seats

    async def _until_ended(self) -> None:
        if not await self.runtime.within(self.job.limit_s, self.stage.ended.wait):
            self.stage.errors.append(f"ended by its limit with {self.stage.ends} of {self.job.ends} ends")
            self.stage.finish()

    def _ready(self) -> None:
        self.report["memory_open"] = self._settled_memory()
        self.announce()

    def _settled_memory(self) -> dict[str, int]:
        gc.collect()
        return memory.status()

    def _collect(self) -> None:
        stage = self.stage
        self.report |= {
            "deltas": stage.deltas,
            "measured_deltas": stage.measured_deltas,
            "other_audio": stage.others,
            "bytes": stage.nbytes,
            "cpu_ns": stage.cpu_ns,
            "wall_ns": stage.wall_ns,
            "ends": stage.ends,
            "latency": distribution_ms(stage.latencies),
            "errors": stage.errors[:10],
        }
        if 0 <= self.job.watch < len(self.seats):
            watched = self.seats[self.job.watch]
            self.report["interruptions"] = watched.interruptions
            self.report["arrivals"] = watched.arrivals

"""The load server: listens on the loopback, takes its orders from stdin one JSON line at a time, answers on stdout.

    {"prepare": PLAN}   build the turns; answers {"prepared": port}
    {"go": true}        play to every session that is open (or opens); answers {"done": REPORT} when all were played
    {"stop": true}      the client has ended: report what there is
    {"finish": true}    close what is left; answers {"finished": true}

It ends when stdin ends, and by itself after its life's limit, so nothing survives a benchmark that was killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson

from benchmarks.plan import Plan
from benchmarks.server.connection import Connection, Listener
from benchmarks.server.modes import barge_in, history, idle, microphone, speech, tools
from benchmarks.server.run import Run

MODES: Final[dict[str, Callable[[Connection, Run], Awaitable[None]]]] = {
    "speech": speech.play,
    "barge_in": barge_in.play,
    "tools": tools.play,
    "history": history.play,
    "microphone": microphone.play,
    "idle": idle.play,
}
MOST_CONNECTIONS: Final = 1200


class Load(Listener):
    """All connections of the run that is under way. One run at a time."""

    def __init__(self) -> None:
        self._run: Run | None = None
        self._going = False
        self._connections: list[Connection] = []
        self._playing: dict[Connection, asyncio.Task[None]] = {}
        self._unheard = 0
        self._enough = asyncio.Event()

    def connection(self) -> Connection:
        return Connection(self)

    def prepare(self, plan: Plan) -> None:
        self._run = Run.build(plan)
        self._connections.clear()
        self._going = False
        self._enough.clear()
        gc.collect()
        gc.freeze()

    async def go(self) -> dict[str, Any]:
        """Play to everybody; returns the report once all have been played, or at the plan's limit."""
        run = self._run
        assert run is not None
        measured = run.plan.sessions - len(run.plan.unmeasured) - len(run.plan.flooded)
        self._unheard = 1 if run.plan.mode == "barge_in" else measured
        run.begin()
        self._going = True
        for connection in list(self._connections):
            self._play(connection)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + run.plan.limit_s
        while loop.time() < deadline and not self._enough.is_set():
            if not self._playing and len(self._connections) >= run.plan.sessions and not run.plan.on_open:
                break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._enough.wait(), 0.02)
        report = run.report()
        report["appends"] = sum(c.appends for c in self._connections)
        report["append_characters"] = sum(c.append_characters for c in self._connections)
        report["connections"] = len(self._connections)
        report["timed_out"] = bool(self._playing) and not self._enough.is_set()
        report["failures"] = run.measured.get("failures", [])
        return report

    def stop(self) -> None:
        """The client has ended: there is nothing to wait for any more."""
        self._enough.set()

    def all_heard(self) -> bool:
        return self._unheard <= 0

    async def finish(self) -> None:
        for task in list(self._playing.values()):
            task.cancel()
        for connection in self._connections:
            connection.goodbye()
        for connection in self._connections:
            try:
                await asyncio.wait_for(connection.lost.wait(), 1.0)
            except TimeoutError:
                connection.close()
        self._connections.clear()
        gc.unfreeze()

    # -- Listener

    def ready(self, connection: Connection) -> None:
        if connection in self._connections:
            return
        if len(self._connections) >= MOST_CONNECTIONS:
            connection.goodbye()
            return
        self._connections.append(connection)
        if self._going:
            self._play(connection)

    def gone(self, connection: Connection) -> None:
        """A closed socket ends its own play; nothing to do here."""

    def _play(self, connection: Connection) -> None:
        run = self._run
        assert run is not None
        task = asyncio.get_running_loop().create_task(self._one(connection, run))
        self._playing[connection] = task

    async def _one(self, connection: Connection, run: Run) -> None:
        try:
            await MODES[run.plan.mode](connection, run)
        except (ValueError, KeyError, LookupError, TypeError, OSError) as error:
            run.note("failures", repr(error))
        finally:
            plan = run.plan
            aside = connection.seat in plan.unmeasured or connection.seat in plan.flooded
            if plan.mode == "barge_in":
                aside = connection.seat != 0
            if not aside:
                self._unheard -= 1
            self._playing.pop(connection, None)


async def orders() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def tell(message: dict[str, Any]) -> None:
    sys.stdout.buffer.write(orjson.dumps(message) + b"\n")
    sys.stdout.buffer.flush()


async def serve() -> None:
    load = Load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(load.connection, "127.0.0.1", 0, backlog=512)
    port = server.sockets[0].getsockname()[1]
    reader = await orders()
    tell({"listening": port})
    async with server:
        while line := await reader.readline():
            order = orjson.loads(line)
            if "prepare" in order:
                load.prepare(Plan.loads(order["prepare"]))
                tell({"prepared": port})
            elif "go" in order:
                going = loop.create_task(load.go())
                going.add_done_callback(lambda done: tell({"done": done.result()}))
            elif "stop" in order:
                load.stop()
            elif "finish" in order:
                await load.finish()
                tell({"finished": True})

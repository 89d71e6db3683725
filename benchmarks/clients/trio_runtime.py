"""trio behind the face of `benchmarks.clients.runtime`. A file of its own, as the peers' environments have no trio."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any

import trio

COUNT_SCHEDULES = "BENCHMARK_COUNT_SCHEDULES"


class _TrioTasks:
    def __init__(self) -> None:
        self._manager = trio.open_nursery()
        self._nursery: trio.Nursery | None = None

    async def __aenter__(self) -> _TrioTasks:
        self._nursery = await self._manager.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        return bool(await self._manager.__aexit__(kind, error, trace))

    def start(self, function: Callable[..., Awaitable[object]], *arguments: Any) -> None:
        assert self._nursery is not None
        self._nursery.start_soon(function, *arguments)

    def cancel(self) -> None:
        assert self._nursery is not None
        self._nursery.cancel_scope.cancel()


class Schedules(trio.abc.Instrument):
    """Counts what trio does, by the name of the task's function."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def task_scheduled(self, task: trio.lowlevel.Task) -> None:
        self.counts[f"scheduled {task.name}"] += 1

    def before_io_wait(self, timeout: float) -> None:
        self.counts["waits for the network"] += 1


class Trio:
    name = "trio"

    def __init__(self) -> None:
        self._schedules = Schedules() if os.environ.get(COUNT_SCHEDULES) else None

    def run(self, main: Callable[[], Awaitable[None]]) -> None:
        trio.run(main, instruments=[self._schedules] if self._schedules is not None else [])

    def extra(self) -> dict[str, Any]:
        """What this runtime has to add to the report."""
        return {} if self._schedules is None else {"schedules": dict(self._schedules.counts)}

    def event(self) -> trio.Event:
        return trio.Event()

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)

    async def within(self, seconds: float, waiting: Callable[[], Awaitable[object]]) -> bool:
        with trio.move_on_after(seconds) as scope:
            await waiting()
        return not scope.cancelled_caught

    def tasks(self) -> _TrioTasks:
        return _TrioTasks()

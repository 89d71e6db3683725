"""The two event loops behind one small face, so that the jobs are written once. Neither adds anything per event."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Protocol

from benchmarks.clients.seat import Event


class Tasks(Protocol):
    def start(self, function: Callable[..., Awaitable[object]], *arguments: Any) -> None: ...
    def cancel(self) -> None: ...


class Runtime(Protocol):
    name: str

    def run(self, main: Callable[[], Awaitable[None]]) -> None: ...
    def event(self) -> Event: ...
    async def sleep(self, seconds: float) -> None: ...
    async def within(self, seconds: float, waiting: Callable[[], Awaitable[object]]) -> bool: ...
    def tasks(self) -> AbstractAsyncContextManager[Tasks]: ...
    def extra(self) -> dict[str, Any]: ...


class _AsyncioTasks:
    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._running: list[asyncio.Task[object]] = []

    async def __aenter__(self) -> _AsyncioTasks:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._group.__aexit__(kind, error, trace)

    def start(self, function: Callable[..., Awaitable[object]], *arguments: Any) -> None:
        async def call() -> object:
            return await function(*arguments)

        self._running.append(self._group.create_task(call()))

    def cancel(self) -> None:
        for task in self._running:
            task.cancel()


class Asyncio:
    """asyncio as it comes, or with uvloop's loop where that is what is measured."""

    def __init__(self, name: str = "asyncio", loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None):
        self.name = name
        self._loop_factory = loop_factory

    def run(self, main: Callable[[], Awaitable[None]]) -> None:
        async def call() -> None:
            await main()

        with asyncio.Runner(loop_factory=self._loop_factory) as runner:
            runner.run(call())

    def event(self) -> Event:
        return asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def within(self, seconds: float, waiting: Callable[[], Awaitable[object]]) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await waiting()
        except TimeoutError:
            return False
        return True

    def tasks(self) -> _AsyncioTasks:
        return _AsyncioTasks()

    def extra(self) -> dict[str, Any]:
        return {}

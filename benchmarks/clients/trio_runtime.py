"""trio behind the face of `benchmarks.clients.runtime`. A file of its own, as the peers' environments have no trio."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any

import trio


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


class Trio:
    name = "trio"

    def run(self, main: Callable[[], Awaitable[None]]) -> None:
        trio.run(main)

    def event(self) -> trio.Event:
        return trio.Event()

    async def sleep(self, seconds: float) -> object:
        return await trio.sleep(seconds)

    async def within(self, seconds: float, waiting: Callable[[], Awaitable[object]]) -> bool:
        with trio.move_on_after(seconds) as scope:
            await waiting()
        return not scope.cancelled_caught

    def tasks(self) -> _TrioTasks:
        return _TrioTasks()

"""SessionBlock: the nursery that a session runs in while it is used with ``async with``.

It is entered in one method of the session and left in another, which a nursery is not made for: here is what has to be
seen to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import trio


class Startable(Protocol):
    """Something to start: it says when it has begun, and until then may raise."""

    def __call__(self, *, task_status: trio.TaskStatus[None]) -> Awaitable[None]: ...


class SessionBlock:
    """A nursery with one task. Make it with `open`."""

    def __init__(self, manager: AbstractAsyncContextManager[trio.Nursery], nursery: trio.Nursery) -> None:
        self._manager = manager
        self._nursery = nursery

    @classmethod
    async def open(cls, startable: Startable) -> SessionBlock:
        """Start `startable` and wait until it has begun; raise what it raises before that."""
        manager = trio.open_nursery()
        block = cls(manager, await manager.__aenter__())
        try:
            await block._nursery.start(startable)
        except BaseException as error:
            await block._join(error)
            raise
        return block

    @trio.lowlevel.enable_ki_protection
    @asynccontextmanager
    async def leaving(self, *, body: BaseException | None) -> AsyncIterator[None]:
        """Join the task behind a block that ends it; cancel it if the block fails: by Ctrl-C, say.

        `body` is what the body of the session raised, and goes on as it is: a cancellation does not replace it.
        """
        try:
            yield
        except BaseException as error:
            self._nursery.cancel_scope.cancel(reason="the session is not waited for any more")
            await self._join(error)
            raise
        await self._join(body)

    async def _join(self, body: BaseException | None) -> None:
        try:
            await self._manager.__aexit__(None, None, None)
        except BaseExceptionGroup as group:
            interrupted, others = group.split(KeyboardInterrupt)
            if interrupted is not None:
                raise KeyboardInterrupt from None
            if body is not None:
                _, others = group.split(trio.Cancelled)
            if others is not None:
                raise others from None

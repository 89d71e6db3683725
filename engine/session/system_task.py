"""SystemTask: starts a session where there is no nursery to start it in, for `RealtimeSession.enter`."""

from __future__ import annotations

import contextvars
from collections.abc import Awaitable
from typing import Protocol

import trio

from engine.errors import EngineError


class Startable(Protocol):
    """What can be started: it says when it has begun, and until then may raise."""

    def __call__(self, *, task_status: trio.TaskStatus[None]) -> Awaitable[None]: ...


class SystemTask:
    """Stands in for the task status that a nursery would give.

    The session then runs as a system task: it belongs to the whole trio run and is ended with it at the latest.
    """

    def __init__(self) -> None:
        self._settled = trio.Event()
        self._error: EngineError | None = None

    async def open(self, startable: Startable) -> None:
        """Start `startable` in the context of the caller; wait until it has begun. Raises what it raises before that."""
        trio.lowlevel.spawn_system_task(self._run, startable, context=contextvars.copy_context())
        await self._settled.wait()
        if self._error is not None:
            raise self._error

    def started(self, value: None = None) -> None:
        """It has begun."""
        self._settled.set()

    async def _run(self, startable: Startable) -> None:
        try:
            await startable(task_status=self)
        except EngineError as error:
            self._error = error
        finally:
            self._settled.set()

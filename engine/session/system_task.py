"""SystemTask: starts a session where there is no nursery to start it in, for `RealtimeSession.enter`."""

from __future__ import annotations

import contextvars

import trio

from engine.actors.isolation import isolate_errors
from engine.errors import EngineError, SessionFailed
from engine.session.session_block import Startable


class SystemTask:
    """Stands in for the task status that a nursery would give.

    The session then runs as a system task: it belongs to the whole trio run and is ended with it at the latest.
    """

    def __init__(self) -> None:
        self._begun = trio.Event()
        self._error: EngineError | None = None

    async def open(self, startable: Startable) -> None:
        """Start `startable` in the caller's context and wait until it has begun; raise what it raises before that."""
        trio.lowlevel.spawn_system_task(self._run, startable, context=contextvars.copy_context())
        await self._begun.wait()
        if self._error is not None:
            raise self._error

    def started(self, value: None = None) -> None:
        """Note that it has begun. See `trio.TaskStatus.started`."""
        self._begun.set()

    async def _run(self, startable: Startable) -> None:
        try:
            with isolate_errors():
                await startable(task_status=self)
        except EngineError as error:
            self._error = error
        except Exception as error:
            self._error = SessionFailed(f"the session failed: {error!r}")
            self._error.__cause__ = error
        finally:
            self._begun.set()

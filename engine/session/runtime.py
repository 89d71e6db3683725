"""SessionRuntime: the nurseries of one session, and how it ends.

    outer nursery                 the connection, in a scope of its own that outlives the others by the goodbye
      inner nursery               audio-in pump, tool executor, guardrail debouncer
        this task                 the event router; the conversation lasts as long as it does

Closing goes from the inside out: the router returns, the inner nursery is cancelled and joined, the connection
writes what is left, says goodbye within the deadline, and is joined. Being cancelled from outside takes the same way.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import trio

from engine.clock import now_ns
from engine.core.inputs import Connected, Disconnected
from engine.errors import EngineError, SessionClosed, SessionFailed, TransportClosed
from engine.session.response_handle import HandleTable
from engine.session.wiring import SessionDeps, wire
from engine.wire.units import NS_PER_S

NORMAL_CLOSURE = 1000

LINGER_SECONDS = 0.1
"""How long after their cancellation tasks may go on before their names are logged."""


class SessionRuntime:
    """One session from its connection to its end."""

    def __init__(self, deps: SessionDeps) -> None:
        """Wire the session. Raises SettingsError if its latency log cannot be written."""
        self._first_agent = deps.first_agent
        self._machine = deps.machine
        self._close_timeout = deps.model_config.close_timeout
        self.handles = HandleTable()
        self.wiring = wire(deps, self.handles)
        self.opened = False
        self.over = trio.Event()
        self.error: EngineError | None = None
        """Why it ended, if not normally."""
        self._scope = trio.CancelScope()
        self._task: trio.lowlevel.Task | None = None

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Connect, converse, end. The whole life of the session is this one call.

        Raises:
            ConnectRefused: there is no connection; nothing was started. Everything that happens later is in `error`.
            SessionFailed: the model, or a function of the application's that it needs, failed otherwise.
            SessionClosed: somebody closed the session meanwhile.
        """
        self._task = trio.lowlevel.current_task()
        failure: EngineError | None = None
        try:
            with self._scope:
                async with trio.open_nursery() as outer:
                    self.wiring.inbox.put_nowait([Connected(self._first_agent)])
                    try:
                        service = await outer.start(self.wiring.connection.run)
                    except EngineError as refused:
                        failure = refused
                    else:
                        failure = await self._converse(service, task_status)
        except* Exception as group:
            failure = SessionFailed(f"the session failed: {_first_words(group)}")
            failure.__cause__ = group
        finally:
            self._finish(failure)
        if not self.opened:
            raise failure or SessionClosed("the session was closed before it was open")

    async def close(self) -> None:
        """End the session, within the deadline of the configuration."""
        if self._is_one_of_ours():
            # The end waits for this very task, so it must be one that the end can cancel.
            await self._end()
            return
        with trio.CancelScope(shield=True):
            if self.opened:
                await self._end()
            self._scope.cancel(reason="the session did not close within its deadline")
            with trio.move_on_after(LINGER_SECONDS):
                await self.over.wait()
            if not self.over.is_set():
                self.wiring.recorder.lines.outlives(f"tasks {', '.join(_running(self._task))}")
                await self.over.wait()

    async def _end(self) -> None:
        """Ask for a good end, and wait for it as long as the deadline allows."""
        with trio.move_on_after(self._close_timeout):
            with suppress(SessionClosed):
                await self.wiring.inbox.put([Disconnected(None)])
            await self.over.wait()

    def _is_one_of_ours(self) -> bool:
        """Tell whether a task of this session is running: one that executes a tool, a guardrail or a hook."""
        task: trio.lowlevel.Task | None = trio.lowlevel.current_task()
        while task is not None and task is not self._task:
            nursery = task.parent_nursery
            task = nursery.parent_task if nursery is not None else None
        return task is not None

    async def _converse(self, service: trio.CancelScope, task_status: trio.TaskStatus[None]) -> EngineError | None:
        service.shield = True
        wiring = self.wiring
        try:
            async with trio.open_nursery() as actors:
                actors.start_soon(wiring.audio_in.run)
                actors.start_soon(wiring.tool_executor.run)
                actors.start_soon(wiring.guardrails.run)
                self.opened = True
                task_status.started()
                wiring.recorder.lines.opened(wiring.recorder.header.model, self._first_agent.name)
                error = await wiring.router.run()
                actors.cancel_scope.cancel(reason="the conversation is over")
            return error
        finally:
            wiring.stop_input()
            service.deadline = trio.current_time() + self._close_timeout

    def _finish(self, error: EngineError | None) -> None:
        """Close all queues and resolve pending handles, whichever way the end came."""
        wiring = self.wiring
        wiring.router.conclude(error)
        self.handles.resolve_rest(error)
        wiring.recorder.end(_last_word(error), now_ns())
        wiring.close()
        self.error = None if _is_normal(error) else error
        wiring.events.close(self.error, by_application=error is None)
        self.over.set()
        self._log_end()

    def _log_end(self) -> None:
        recorder = self.wiring.recorder
        recorder.lines.ended(
            self.error,
            model=recorder.header.model,
            turns=recorder.turn_count,
            seconds=(now_ns() - recorder.header.started_ns) / NS_PER_S,
            tokens=self._machine.usage.total_tokens,
        )
        if threads := [name for each in self.wiring.threads for name in each.running]:
            recorder.lines.outlives(f"threads {', '.join(threads)}")


def _is_normal(error: EngineError | None) -> bool:
    return error is None or (isinstance(error, TransportClosed) and error.code == NORMAL_CLOSURE)


def _last_word(error: EngineError | None) -> str:
    return "closed" if error is None else f"{type(error).__name__}: {error}"


def _first_words(group: BaseExceptionGroup[BaseException]) -> str:
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return repr(first)


def _running(task: trio.lowlevel.Task | None) -> Iterator[str]:
    """Give the names of the tasks in the innermost nursery below `task`: those that everything else waits for."""
    nurseries = [] if task is None else task.child_nurseries[-1:]
    for child in [child for nursery in nurseries for child in nursery.child_tasks]:
        below = list(_running(child))
        yield from below or [child.name]

"""SessionRuntime: the nurseries of one session, and how it ends.

    outer nursery                 the connection, in a scope of its own that outlives the others by the goodbye
      inner nursery               audio-in pump, tool executor, guardrail debouncer
        this task                 the event router; the conversation lasts as long as it does

When the router returns, the inner nursery is cancelled and joined, while the connection writes what is left, says
goodbye within the deadline, and is joined. Being cancelled from outside takes the same way. An actor that ends while
the router goes on ends the session: SessionFailed.

`close` waits for two things: the last words (every queue closed, every handle resolved, every iterator ended), and the
joining of all tasks. At its deadline it says the last words itself and returns; a function that shields itself from its
cancellation holds up the joining only.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress

import trio

from engine.actors.isolation import isolate_errors
from engine.clock import now_ns
from engine.core.inputs import Connected, Disconnected
from engine.errors import EngineError, SessionClosed, SessionFailed, TransportClosed
from engine.session.response_handle import HandleTable
from engine.session.still_running import StillRunning, innermost_tasks
from engine.session.wiring import SessionDeps, wire
from engine.wire.units import NS_PER_S

NORMAL_CLOSURE = 1000

LINGER_SECONDS = 0.1
"""The last of the time to close in, for tasks that have been cancelled; those that go on are named."""


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
        """The last words have been said: nobody waits for the session any more."""
        self.error: EngineError | None = None
        """Why it ended, if not normally."""
        self._joined = trio.Event()
        self._scope = trio.CancelScope()
        self._service: trio.CancelScope | None = None
        """The connection's."""
        self._task: trio.lowlevel.Task | None = None

    @trio.lowlevel.enable_ki_protection
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
            with isolate_errors(), self._scope:
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
            self._say_last_words(failure)
            self._joined.set()
        if not self.opened:
            raise failure or SessionClosed("the session was closed before it was open")

    async def close(self) -> StillRunning:
        """End the session, within the deadline of the configuration, and return what still runs."""
        if self._is_one_of_ours():
            # The end waits for this very task, so it must be one that the end can cancel.
            await self._end(self._close_timeout)
            self._say_last_words(None)
            return self.still_running
        with trio.CancelScope(shield=True):
            if self.opened:
                await self._end(self._close_timeout - LINGER_SECONDS)
            for scope in (self._scope, self._service):
                if scope is not None:
                    scope.cancel(reason="the session did not close within its deadline")
            with trio.move_on_after(LINGER_SECONDS):
                await self._joined.wait()
        if self._task is not None:
            self._say_last_words(None)
        return self.still_running

    @property
    def still_running(self) -> StillRunning:
        """What runs although the session is over; nothing before that."""
        if not self.over.is_set():
            return StillRunning()
        tasks = () if self._joined.is_set() else tuple(innermost_tasks(self._task))
        return StillRunning(tasks, tuple(name for each in self.wiring.threads for name in each.running))

    async def _end(self, within: float) -> None:
        """Ask for a good end, and wait for it for so many seconds."""
        with trio.move_on_after(max(within, 0)):
            with suppress(SessionClosed):
                await self.wiring.inbox.put([Disconnected(None)])
            await self._joined.wait()

    def _is_one_of_ours(self) -> bool:
        """Tell whether a task of this session is running: one that executes a tool, a guardrail or a hook."""
        task: trio.lowlevel.Task | None = trio.lowlevel.current_task()
        while task is not None and task is not self._task:
            nursery = task.parent_nursery
            task = nursery.parent_task if nursery is not None else None
        return task is not None

    async def _converse(self, service: trio.CancelScope, task_status: trio.TaskStatus[None]) -> EngineError | None:
        self._service = service
        service.shield = True
        wiring = self.wiring
        try:
            async with trio.open_nursery() as actors:
                actors.start_soon(_keep_up, "audio-in pump", wiring.audio_in.run)
                actors.start_soon(_keep_up, "tool executor", wiring.tool_executor.run)
                actors.start_soon(_keep_up, "guardrail debouncer", wiring.guardrails.run)
                self.opened = True
                task_status.started()
                wiring.recorder.lines.opened(wiring.recorder.header.model, self._first_agent.name)
                try:
                    error = await wiring.router.run()
                finally:
                    actors.cancel_scope.cancel(reason="the conversation is over")
                    self._let_connection_end(service)
            return error
        finally:
            self._let_connection_end(service)

    def _let_connection_end(self, service: trio.CancelScope) -> None:
        """Have the connection say goodbye, within the time to close in. Only the first call counts."""
        if service.deadline == math.inf:
            service.deadline = trio.current_time() + self._close_timeout
            self.wiring.stop_input()

    def _say_last_words(self, error: EngineError | None) -> None:
        """Close all queues and resolve pending handles, whichever way the end came. Only the first call counts.

        A word that cannot be said keeps none of the others from being said, and is the error of the session.
        """
        if self.over.is_set():
            return
        wiring = self.wiring
        try:
            with ExitStack() as words:
                words.callback(wiring.recorder.end, _last_word(error), now_ns())
                words.callback(self.handles.resolve_rest, error)
                words.callback(wiring.router.conclude, error)
        except Exception as fault:
            error = SessionFailed(f"the session failed at its end: {fault!r}")
            error.__cause__ = fault
        self.error = None if _is_normal(error) else error
        self.over.set()
        wiring.close()
        wiring.events.close(self.error, by_application=error is None)
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
        if left := self.still_running:
            recorder.lines.outlives(str(left))


@trio.lowlevel.enable_ki_protection
async def _keep_up(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run an actor, which nothing but its cancellation is to end.

    Raises:
        SessionFailed: it has ended, or another library's cancellation has ended it.
    """
    with isolate_errors():
        await run()
    raise SessionFailed(f"the {name} ended before the session did")


def _is_normal(error: EngineError | None) -> bool:
    return error is None or (isinstance(error, TransportClosed) and error.code == NORMAL_CLOSURE)


def _last_word(error: EngineError | None) -> str:
    return "closed" if error is None else f"{type(error).__name__}: {error}"


def _first_words(group: BaseExceptionGroup[BaseException]) -> str:
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return repr(first)

"""Lifetime: the nurseries of one session, the mailboxes between its actors, and how it ends.

    outer nursery                 the connection, in a scope of its own that outlives the others by the goodbye
      inner nursery               audio-in pump, tool executor, guardrail debouncer
        this task                 the event router; the conversation lasts as long as it does

Closing goes from the inside out: the router returns, the inner nursery is cancelled and joined, the connection
writes what is left, says goodbye within the deadline, and is joined. Being cancelled from outside takes the same way.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

import attrs
import trio

from engine.actors.audio_in import AudioInPump
from engine.actors.connection import Connection
from engine.actors.guardrails import GuardrailDebouncer, guardrails_of
from engine.actors.router import Router
from engine.actors.tools import ToolExecutor, hooks_of
from engine.agents.agent import RealtimeAgent
from engine.agents.callbacks import RunSync
from engine.agents.guardrail import OutputGuardrail
from engine.clock import now_ns, this_clock
from engine.core.agent_spec import AgentSpec
from engine.core.effects import CheckWork, HandleCreated, HandleDone, HandleStatus, HandleWork, ToolWork
from engine.core.inputs import Ended, Input, Opened
from engine.core.machine import Machine
from engine.errors import EngineError, SessionClosed, SessionFailed, SlowConsumer, TransportClosed
from engine.events import TurnMetrics
from engine.latency.metrics import metrics_of
from engine.latency.turns import TurnRecord
from engine.mailboxes import (
    INBOX_BATCHES,
    LONGEST_WRITE_MS,
    MICROPHONE_SECONDS,
    WORK_BATCHES,
    Feed,
    Mailbox,
    MailboxStatistics,
    Microphone,
    Outbound,
)
from engine.mailboxes.playback_reports import RealtimePlaybackTracker
from engine.models.interface import RealtimeModel
from engine.recorder import Recorder
from engine.session.response_handle import ResponseHandle
from engine.settings import RealtimeModelConfig
from engine.wire.formats import AudioFormat

R = TypeVar("R")

TOOL_THREADS = 16
"""How many synchronous tools and guardrails of one session run at the same time; others wait."""

NORMAL_CLOSURE = 1000

PATIENCE = 1.25
"""How many times as long as a frame lasts a rest of audio waits to become one."""

PROBE_SECONDS = 1.0
"""How often a session that is at rest measures how late the event loop wakes it: at 20 us a time, a thousand sessions
in one process spend a fiftieth of a core on it. Under virtual time there is nothing to measure."""


@attrs.frozen(kw_only=True)
class Parts:
    """What a session is made of."""

    model: RealtimeModel
    model_config: RealtimeModelConfig
    machine: Machine
    first_agent: AgentSpec
    context: object
    guardrails: Sequence[OutputGuardrail]
    tool_error_formatter: Callable[..., object] | None
    playback: RealtimePlaybackTracker
    input_format: AudioFormat
    frame_ms: int
    resolve: Callable[[RealtimeAgent[object]], Awaitable[AgentSpec]]
    recorder: Recorder


class Lifetime:
    """One session from its connection to its last word."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.recorder = parts.recorder
        waits = parts.recorder.share.mailbox
        self.inbox: Mailbox[Input] = Mailbox("inbox", INBOX_BATCHES, waits("inbox").add)
        self.microphone = _microphone(parts)
        self._outbound = Outbound(waited=waits("wire").add)
        self.feed = Feed(watch=parts.recorder.taken, now=this_clock())
        self.handles: dict[int, ResponseHandle] = {}
        self.opened = False
        self.over = trio.Event()
        self.error: EngineError | None = None
        """Why it ended, if not normally."""
        self._tools: Mailbox[ToolWork] = Mailbox("tools", WORK_BATCHES, waits("tools").add)
        self._checks: Mailbox[CheckWork] = Mailbox("checks", WORK_BATCHES, waits("checks").add)
        self.recorder.on_turn = self._turn_over
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
        router = self._router()
        try:
            with self._scope:
                async with trio.open_nursery() as outer:
                    connection = self._connection(router)
                    self.inbox.put_nowait([Opened(self._parts.first_agent)])
                    try:
                        service = await outer.start(connection.run)
                    except EngineError as refused:
                        failure = refused
                    else:
                        failure = await self._converse(router, service, task_status)
        except* Exception as group:
            failure = SessionFailed(f"the session failed: {_first_words(group)}")
            failure.__cause__ = group
        finally:
            self._finish(router, failure)
        if not self.opened:
            raise failure or SessionClosed("the session was closed before it was open")

    async def close(self) -> None:
        """End it, within the deadline of the configuration."""
        if self._is_one_of_ours():
            # The end waits for this very task, so it must be one that the end can cancel.
            await self._end()
            return
        with trio.CancelScope(shield=True):
            if self.opened:
                await self._end()
            self._scope.cancel(reason="the session did not close within its deadline")
            await self.over.wait()

    async def _end(self) -> None:
        """Ask for a good end, and wait for it as long as the deadline allows."""
        with trio.move_on_after(self._parts.model_config.close_timeout):
            with suppress(SessionClosed):
                await self.inbox.put([Ended(None)])
            await self.over.wait()

    def _is_one_of_ours(self) -> bool:
        """Whether a task of this session is running: one that executes a tool, a guardrail or a hook."""
        task: trio.lowlevel.Task | None = trio.lowlevel.current_task()
        while task is not None and task is not self._task:
            nursery = task.parent_nursery
            task = nursery.parent_task if nursery is not None else None
        return task is not None

    def statistics(self) -> tuple[MailboxStatistics, ...]:
        """Every mailbox's counters."""
        wire, uplink = self._outbound.statistics()
        return (
            self.inbox.statistics(),
            wire,
            self.microphone.statistics(),
            uplink,
            self.feed.statistics(),
            self._tools.statistics(),
            self._checks.statistics(),
        )

    async def _converse(
        self, router: Router, service: trio.CancelScope, task_status: trio.TaskStatus[None]
    ) -> EngineError | None:
        service.shield = True
        try:
            async with trio.open_nursery() as actors:
                actors.start_soon(AudioInPump(self.microphone, self._outbound, router.catch_up).run)
                actors.start_soon(self._tool_executor().run)
                actors.start_soon(self._debouncer().run)
                self.opened = True
                task_status.started()
                error = await router.run()
                actors.cancel_scope.cancel(reason="the conversation is over")
            return error
        finally:
            self.inbox.close()
            self.microphone.close()
            self._outbound.close()
            service.deadline = trio.current_time() + self._parts.model_config.close_timeout

    def _finish(self, router: Router, error: EngineError | None) -> None:
        """The last words, whichever way the end came: nobody is left waiting."""
        router.conclude(error)
        self._settle_unseen(error)
        self.recorder.end(_last_word(error), now_ns())
        self.inbox.close()
        self.microphone.abandon()
        self._outbound.abandon()
        self._tools.close()
        self._checks.close()
        self.error = None if _is_normal(error) else error
        self.feed.close(self.error, wanted=error is None)
        self.over.set()

    def _turn_over(self, turn: TurnRecord, now: int) -> None:
        event = TurnMetrics(context=self._parts.context, at_ns=now, turn=turn, metrics=metrics_of(turn))
        with suppress(SlowConsumer):  # the router is told so, too, and ends the session
            self.feed.put([event])

    def _settle(self, effects: Sequence[HandleWork]) -> None:
        for effect in effects:
            if isinstance(effect, HandleCreated):
                self.handles[effect.handle_id].on_created(effect)
            else:
                self.handles.pop(effect.handle_id).on_done(effect)

    def _settle_unseen(self, error: EngineError | None) -> None:
        """Requests that were handed over too late for the router to see them."""
        status: HandleStatus = "superseded" if error is None else "failed"
        reason = "session_closed" if error is None else "connection_lost"
        self._settle([HandleDone(handle_id, status, reason=reason, error=error) for handle_id in self.handles])

    # --- the actors

    def _router(self) -> Router:
        return Router(
            machine=self._parts.machine,
            model=self._parts.model,
            inbox=self.inbox,
            outbound=self._outbound,
            feed=self.feed,
            tools=self._tools,
            checks=self._checks,
            has_hooks=lambda spec: hooks_of(spec) is not None,
            has_guardrails=lambda spec: bool(guardrails_of(spec, self._parts.guardrails)),
            playback=self._parts.playback,
            settle=self._settle,
            recorder=self.recorder,
            probe_seconds=PROBE_SECONDS if self.recorder.header.clock == "real" else math.inf,
        )

    def _connection(self, router: Router) -> Connection:
        return Connection(
            model=self._parts.model,
            config=self._parts.model_config,
            hear=router.hear,
            inbox=self.inbox,
            outbound=self._outbound,
            recorder=self.recorder,
        )

    def _tool_executor(self) -> ToolExecutor:
        return ToolExecutor(
            work=self._tools,
            inbox=self.inbox,
            context=self._parts.context,
            usage=lambda: self._parts.machine.usage,
            resolve=self._parts.resolve,
            format_error=self._parts.tool_error_formatter,
            run_sync=_threads(),
        )

    def _debouncer(self) -> GuardrailDebouncer:
        return GuardrailDebouncer(
            checks=self._checks,
            inbox=self.inbox,
            guardrails=self._parts.guardrails,
            context=self._parts.context,
            run_sync=_threads(),
        )


def _microphone(parts: Parts) -> Microphone:
    audio = parts.input_format
    return Microphone(
        capacity=MICROPHONE_SECONDS * audio.bytes_per_second,
        frame=audio.bytes_of(parts.frame_ms),
        longest=audio.bytes_of(LONGEST_WRITE_MS),
        patience=parts.frame_ms * PATIENCE / 1000,
    )


def _threads() -> RunSync:
    limiter = trio.CapacityLimiter(TOOL_THREADS)

    async def run_sync(function: Callable[[], R]) -> R:
        return await trio.to_thread.run_sync(function, abandon_on_cancel=True, limiter=limiter)

    return run_sync


def _is_normal(error: EngineError | None) -> bool:
    return error is None or (isinstance(error, TransportClosed) and error.code == NORMAL_CLOSURE)


def _last_word(error: EngineError | None) -> str:
    return "closed" if error is None else f"{type(error).__name__}: {error}"


def _first_words(group: BaseExceptionGroup[BaseException]) -> str:
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return repr(first)

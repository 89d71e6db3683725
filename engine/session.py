"""RealtimeSession: opens the nurseries, wires the mailboxes, and is what an application holds.

    outer nursery                 the connection, in a scope of its own that outlives the others by the goodbye
      inner nursery               audio-in pump, tool executor, guardrail debouncer
        this task                 the event router; the conversation lasts as long as it does

Closing goes from the inside out: the router returns, the inner nursery is cancelled and joined, the connection
writes what is left, says goodbye within the deadline, and is joined. Being cancelled from outside takes the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from types import TracebackType
from typing import Any, Generic, TypeVar

import attrs
import trio

from engine.actors.audio_in import AudioInPump
from engine.actors.connection import Connection
from engine.actors.guardrails import GuardrailDebouncer
from engine.actors.router import Router
from engine.actors.tools import ToolExecutor
from engine.agents.agent import RealtimeAgent
from engine.agents.compile import resolve
from engine.agents.context import RunContext
from engine.agents.guardrail import OutputGuardrail
from engine.agents.tool import FunctionTool
from engine.core.agent_spec import AgentSpec, ToolSpec
from engine.core.conversation import History
from engine.core.effects import CheckWork, HandleCreated, HandleWork, ToolWork
from engine.core.inputs import AudioSent, DecideCall, Ended, Input, Interrupt, Opened, Respond, SendMessage, SendRaw
from engine.core.inputs import UpdateAgent as UpdateAgentTo
from engine.core.machine import Machine
from engine.core.playback import PlaybackLedger
from engine.core.state import Rules
from engine.errors import (
    AudioError,
    EngineError,
    SessionClosed,
    SessionFailed,
    SessionNotOpen,
    SettingsError,
    ToolCallUnknown,
    TransportClosed,
)
from engine.events import RealtimeSessionEvent
from engine.mailboxes import (
    INBOX_BATCHES,
    MICROPHONE_SECONDS,
    UPLINK_SECONDS,
    WORK_BATCHES,
    Feed,
    Mailbox,
    MailboxStatistics,
    Mark,
    Microphone,
    Outbound,
)
from engine.messages import UserInput, user_message
from engine.models.interface import RealtimeModel
from engine.playback import RealtimePlaybackTracker
from engine.response_handle import ResponseHandle
from engine.settings import RealtimeModelConfig, RealtimeRunConfig
from engine.wire.client_events import ClientEvent, InputAudioBufferClear, InputAudioBufferCommit, RawClientEvent
from engine.wire.formats import PCM16, AudioFormat
from engine.wire.response import ResponseParams, Usage
from engine.wire.session import Audio, AudioInput, AudioOutput, Session
from engine.wire.unset import UNSET

T = TypeVar("T")
R = TypeVar("R")

TOOL_THREADS = 16
"""How many synchronous tools and guardrails of one session run at the same time; others wait."""

NORMAL_CLOSURE = 1000


class RealtimeSession(Generic[T]):
    """One conversation. Made by `RealtimeRunner.run`; opened by ``async with`` (or `enter`), over when that ends.

    Iterating gives the events, in the order that the README promises. Several tasks may use a session at once; if
    several iterate, each event goes to one of them.
    """

    def __init__(
        self,
        *,
        model: RealtimeModel,
        agent: RealtimeAgent[T],
        context: T,
        base: Session,
        run_config: RealtimeRunConfig,
        model_config: RealtimeModelConfig,
    ) -> None:
        self._model = model
        self._starting_agent = agent
        self._context = context
        self._base = base
        self._run_config = run_config
        self._model_config = model_config
        self._guardrails = _guardrails(run_config.output_guardrails)
        self._input_format = _format_of(base, "input")
        self._playback = _tracker(model_config.playback_tracker)
        self._playback.bind(_format_of(base, "output"))
        self._inbox = Mailbox[Input]("inbox", INBOX_BATCHES)
        self._tools = Mailbox[ToolWork]("tools", WORK_BATCHES)
        self._checks = Mailbox[CheckWork]("checks", WORK_BATCHES)
        per_second = self._input_format.bytes_per_second
        self._microphone = Microphone(MICROPHONE_SECONDS * per_second)
        self._outbound = Outbound(UPLINK_SECONDS * per_second)
        self._feed = Feed()
        self._handles: dict[int, ResponseHandle] = {}
        self._handle_count = 0
        self._machine: Machine | None = None
        self._scope = trio.CancelScope()
        self._over = trio.Event()
        self._error: EngineError | None = None
        self._nursery: AbstractAsyncContextManager[trio.Nursery] | None = None
        self._opened = False

    # --- life

    async def __aenter__(self) -> RealtimeSession[T]:
        """Connect, and make the starting agent the current one.

        Raises:
            ConnectRefused, AuthenticationError, ModelNotFound: there is no connection.
        """
        spec = await self._prepare()
        manager = trio.open_nursery()
        nursery = await manager.__aenter__()
        try:
            await nursery.start(self._run, spec)
        except BaseException:
            await manager.__aexit__(None, None, None)
            raise
        self._nursery = manager
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close. Raises SessionFailed if the engine itself failed and the body did not notice."""
        await self.close()
        if self._nursery is not None:
            nursery, self._nursery = self._nursery, None
            await nursery.__aexit__(None, None, None)
        if error is None and isinstance(self._error, SessionFailed):
            raise self._error

    async def enter(self) -> RealtimeSession[T]:
        """Open without ``async with``, for callers whose life cycle has no block to put it in.

        Whoever enters must `close`; what is still open when the trio run ends is closed then. Raises like
        ``async with`` does.
        """
        opening = _Opening()
        trio.lowlevel.spawn_system_task(self._run_detached, await self._prepare(), opening)
        await opening.settled.wait()
        if opening.error is not None:
            raise opening.error
        return self

    async def close(self) -> None:
        """End the conversation: every task joined, the goodbye sent if the far end still listens, iterators ended.

        Returns within `close_timeout` seconds of the model configuration; may be called any number of times.
        """
        if not self._opened:
            return
        with trio.CancelScope(shield=True):
            with trio.move_on_after(self._model_config.close_timeout):
                with suppress(SessionClosed):
                    await self._inbox.put([Ended(None)])
                await self._over.wait()
            self._scope.cancel(reason="the session did not close within its deadline")
            await self._over.wait()

    # --- the user's side

    async def send_audio(self, audio: bytes, *, commit: bool = False) -> None:
        """Send what the microphone heard, in the session's input format, pieces of any length.

        Args:
            audio: whole samples.
            commit: end the user's turn with this piece (push-to-talk, with turn detection off).

        Raises:
            AudioError: `audio` is empty, or ends within a sample.
            SessionClosed: the conversation is over.
        """
        if not isinstance(audio, bytes):
            audio = bytes(audio)
        if not self._input_format.is_aligned(len(audio)):
            raise AudioError(f"{len(audio)} bytes are not a whole number of {self._input_format.type} samples")
        if not audio and not commit:
            raise AudioError("there is no audio in an empty piece")
        self._must_be_open()
        if audio:
            await self._microphone.put(audio)
        if commit:
            await self.commit_audio()

    async def commit_audio(self) -> None:
        """End the user's turn: everything sent so far becomes an item. Returns once that is on the wire.

        The far end does not respond by itself to this; ask with `respond`.
        """
        await self._post(AudioSent("commit"))
        await self._mark(InputAudioBufferCommit())

    async def clear_audio(self) -> None:
        """Forget what the user said since the last commit. Returns once that is on the wire."""
        await self._post(AudioSent("clear"))
        await self._mark(InputAudioBufferClear())

    async def send_message(self, message: UserInput, *, respond: bool = True) -> None:
        """Send a text, or a message with texts and images; the agent answers it unless `respond` is False.

        Raises:
            MessageError: the message has content that cannot be sent.
        """
        await self._post(SendMessage(user_message(message), respond))

    async def send_event(self, event: ClientEvent | Mapping[str, object]) -> None:
        """Send a client event of your own as it is, for what this class has no method for."""
        await self._post(SendRaw(RawClientEvent(event) if isinstance(event, Mapping) else event))

    # --- the agent's side

    async def respond(
        self,
        *,
        instructions: str | None = None,
        tools: Sequence[FunctionTool] | None = None,
        metadata: Mapping[str, str] | None = None,
        out_of_band: bool = False,
        params: ResponseParams | None = None,
    ) -> ResponseHandle:
        """Ask for a response. It is sent as soon as nothing else runs and the user is not speaking.

        Args:
            instructions: for this response, instead of the agent's.
            tools: for this response, instead of the agent's.
            metadata: up to 16 pairs of text that come back with the response.
            out_of_band: leave the conversation alone: the response reads it, but does not become part of it, and
                runs beside others.
            params: every other option of `response.create`; the arguments above are laid over it.
        """
        wanted = params or ResponseParams()
        if instructions is not None:
            wanted = attrs.evolve(wanted, instructions=instructions)
        if tools is not None:
            wanted = attrs.evolve(wanted, tools=tuple(tool.definition() for tool in tools))
        if metadata is not None:
            wanted = attrs.evolve(wanted, metadata=dict(metadata))
        if out_of_band:
            wanted = attrs.evolve(wanted, conversation="none")
        own = {tool.name: ToolSpec(tool.name, "function", tool, tool.on_interruption) for tool in tools or ()}
        self._handle_count += 1
        handle = ResponseHandle(self._handle_count, self._post)
        self._handles[self._handle_count] = handle
        await self._post(Respond(self._handle_count, wanted, own if tools is not None else None))
        return handle

    async def interrupt(self) -> None:
        """Stop whatever the agent is saying, as if the user had spoken up."""
        await self._post(Interrupt())

    async def update_agent(self, agent: RealtimeAgent[T]) -> None:
        """Make another agent the current one. Responses that already run are still the old one's."""
        await self._post(UpdateAgentTo(await self._resolve(agent)))

    async def approve_tool_call(self, call_id: str, *, always: bool = False) -> None:
        """Let a call run that waits for it; with `always`, every later call of this tool too.

        Raises:
            ToolCallUnknown: no call of this id is waiting.
        """
        self._must_wait(call_id)
        await self._post(DecideCall(call_id, approved=True, always=always))

    async def reject_tool_call(
        self, call_id: str, *, always: bool = False, rejection_message: str | None = None
    ) -> None:
        """Refuse a call that waits; the model is told `rejection_message`.

        Raises:
            ToolCallUnknown: no call of this id is waiting.
        """
        self._must_wait(call_id)
        await self._post(DecideCall(call_id, approved=False, always=always, message=rejection_message))

    # --- what there is to see

    def __aiter__(self) -> RealtimeSession[T]:
        return self

    async def __anext__(self) -> RealtimeSessionEvent:
        """The next event.

        Raises:
            StopAsyncIteration: the session was closed, or the far end closed it normally.
            TransportLost: the connection broke, or the far end closed it for a reason.
            SlowConsumer: events were not taken in time.
            SessionFailed: the engine itself failed.
        """
        if not self._opened:
            raise SessionNotOpen("the session is not open: use `async with session` or `await session.enter()`")
        try:
            return await self._feed.take()
        except trio.EndOfChannel:
            raise StopAsyncIteration from None

    @property
    def history(self) -> History:
        """The conversation so far, in the server's order: a live, read-only view."""
        return self._running_machine().history

    @property
    def model(self) -> RealtimeModel:
        """The far end: add listeners here."""
        return self._model

    @property
    def context(self) -> T:
        """The application's own object."""
        return self._context

    @property
    def agent(self) -> RealtimeAgent[T]:
        """The current agent."""
        if self._machine is None:
            return self._starting_agent
        agent = self._machine.agent.agent
        assert isinstance(agent, RealtimeAgent)
        return agent

    @property
    def usage(self) -> Usage:
        """What the conversation has cost so far, in tokens by modality."""
        return self._machine.usage if self._machine is not None else Usage()

    @property
    def playback(self) -> RealtimePlaybackTracker:
        """Where to report what has been played, if the engine is not to compute it."""
        return self._playback

    @property
    def mailboxes(self) -> tuple[MailboxStatistics, ...]:
        """How full every queue of the session is and has been."""
        wire, uplink = self._outbound.statistics()
        return (
            self._inbox.statistics(),
            wire,
            self._microphone.statistics(),
            uplink,
            self._feed.statistics(),
            self._tools.statistics(),
            self._checks.statistics(),
        )

    # --- inside

    async def _prepare(self) -> AgentSpec:
        if self._opened:
            raise SessionClosed("a session is opened once: make a new one with `runner.run()`")
        spec = await self._resolve(self._starting_agent)
        capabilities = self._model.capabilities
        rules = Rules(
            context=self._context,
            debounce_length=self._run_config.guardrails_settings.debounce_text_length,
            raw_events=self._run_config.raw_model_events,
            far_end_interrupts=capabilities.interrupts_on_speech,
            far_end_truncates=capabilities.truncates and not capabilities.plays_audio_itself,
            far_end_plays=capabilities.plays_audio_itself,
        )
        reported = self._model_config.playback_tracker is not None
        self._machine = Machine(rules, spec, PlaybackLedger(_format_of(self._base, "output"), reported=reported))
        return spec

    async def _run(self, spec: AgentSpec, *, task_status: trio.TaskStatus[None]) -> None:
        """The whole life of the session, in one task."""
        refused: EngineError | None = None
        failure: EngineError | None = None
        router = self._router()
        try:
            with self._scope:
                async with trio.open_nursery() as outer:
                    connection = Connection(self._model, self._model_config, self._inbox, self._outbound)
                    try:
                        service = await outer.start(connection.run)
                    except EngineError as error:
                        refused = error
                    else:
                        self._opened = True
                        self._inbox.put_nowait([Opened(spec)])
                        failure = await self._converse(router, service, task_status)
        except* Exception as group:
            failure = SessionFailed(f"the session failed: {_first_words(group)}")
            failure.__cause__ = group
        finally:
            self._finish(router, failure)
        if refused is not None:
            raise refused

    async def _converse(
        self, router: Router, service: trio.CancelScope, task_status: trio.TaskStatus[None]
    ) -> EngineError | None:
        service.shield = True
        try:
            async with trio.open_nursery() as actors:
                actors.start_soon(self._audio_in().run)
                actors.start_soon(self._tool_executor().run)
                actors.start_soon(self._debouncer().run)
                task_status.started()
                error = await router.run()
                actors.cancel_scope.cancel(reason="the conversation is over")
            return error
        finally:
            self._inbox.close()
            self._outbound.close()
            service.deadline = trio.current_time() + self._model_config.close_timeout

    def _finish(self, router: Router, error: EngineError | None) -> None:
        """The last words, whichever way the end came: nobody is left waiting."""
        router.conclude(error)
        self._microphone.close()
        self._outbound.abandon()
        self._tools.close()
        self._checks.close()
        self._error = None if _is_normal(error) else error
        self._feed.close(self._error)
        self._over.set()

    async def _run_detached(self, spec: AgentSpec, opening: _Opening) -> None:
        try:
            await self._run(spec, task_status=opening)
        except EngineError as error:
            opening.error = error
        finally:
            opening.settled.set()

    def _router(self) -> Router:
        return Router(
            self._running_machine(),
            self._model,
            self._inbox,
            self._outbound,
            self._feed,
            self._tools,
            self._checks,
            self._playback,
            self._settle,
        )

    def _audio_in(self) -> AudioInPump:
        return AudioInPump(self._microphone, self._outbound, self._input_format, self._run_config.audio_frame_ms)

    def _tool_executor(self) -> ToolExecutor:
        return ToolExecutor(
            self._tools,
            self._inbox,
            self._context,
            lambda: self.usage,
            self._resolve,
            self._run_config.tool_error_formatter,
            _threads(),
        )

    def _debouncer(self) -> GuardrailDebouncer:
        return GuardrailDebouncer(self._checks, self._inbox, self._guardrails, self._context, _threads())

    def _settle(self, effects: Sequence[HandleWork]) -> None:
        for effect in effects:
            if isinstance(effect, HandleCreated):
                self._handles[effect.handle_id].on_created(effect)
            else:
                self._handles.pop(effect.handle_id).on_done(effect)

    async def _resolve(self, agent: RealtimeAgent[Any]) -> AgentSpec:
        if not isinstance(agent, RealtimeAgent):
            raise SettingsError(f"an agent is a RealtimeAgent, not {type(agent).__name__}")
        context = RunContext(context=self._context, agent=agent, usage=self.usage)
        return await resolve(agent, context, self._base)

    async def _post(self, command: Input) -> None:
        self._must_be_open()
        await self._inbox.put([command])

    async def _mark(self, event: ClientEvent) -> None:
        mark = Mark(event)
        await self._microphone.put(mark)
        await mark.wait()

    def _must_be_open(self) -> None:
        if not self._opened:
            raise SessionNotOpen("the session is not open: use `async with session` or `await session.enter()`")
        if self._over.is_set():
            raise SessionClosed("the session is closed") from self._error

    def _must_wait(self, call_id: str) -> None:
        self._must_be_open()
        if not self._running_machine().waits_for_approval(call_id):
            raise ToolCallUnknown(f"no call {call_id!r} is waiting for approval")

    def _running_machine(self) -> Machine:
        if self._machine is None:
            raise SessionNotOpen("the session is not open: use `async with session` or `await session.enter()`")
        return self._machine


class _Opening:
    """What `enter` waits for; stands in for the task status that a nursery would give."""

    def __init__(self) -> None:
        self.settled = trio.Event()
        self.error: EngineError | None = None

    def started(self, value: None = None) -> None:
        self.settled.set()


def _tracker(given: object) -> RealtimePlaybackTracker:
    if given is None:
        return RealtimePlaybackTracker()
    if not isinstance(given, RealtimePlaybackTracker):
        raise SettingsError(
            f"model_config.playback_tracker: expected a RealtimePlaybackTracker, not {type(given).__name__}"
        )
    return given


def _guardrails(given: Sequence[object]) -> tuple[OutputGuardrail, ...]:
    for at, guardrail in enumerate(given):
        if not isinstance(guardrail, OutputGuardrail):
            raise SettingsError(
                f"run_config.output_guardrails[{at}]: expected an output guardrail, not {type(guardrail).__name__}; "
                "decorate the function with @output_guardrail"
            )
    return tuple(guardrail for guardrail in given if isinstance(guardrail, OutputGuardrail))


def _threads() -> Callable[..., Any]:
    limiter = trio.CapacityLimiter(TOOL_THREADS)

    async def run_sync(function: Callable[[], R]) -> R:
        return await trio.to_thread.run_sync(function, abandon_on_cancel=True, limiter=limiter)

    return run_sync


def _format_of(base: Session, direction: str) -> AudioFormat:
    audio = base.audio
    side = getattr(audio, direction, UNSET) if isinstance(audio, Audio) else UNSET
    audio_format = side.format if isinstance(side, AudioInput | AudioOutput) else UNSET
    return audio_format if isinstance(audio_format, AudioFormat) else PCM16


def _is_normal(error: EngineError | None) -> bool:
    return error is None or (isinstance(error, TransportClosed) and error.code == NORMAL_CLOSURE)


def _first_words(group: BaseExceptionGroup[BaseException]) -> str:
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return repr(first)

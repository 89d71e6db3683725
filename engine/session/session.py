"""RealtimeSession: what an application holds of one conversation."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Generic, TypeVar

import attrs
import trio

from engine._messages import show
from engine.agents.agent import RealtimeAgent
from engine.agents.compile import resolve
from engine.agents.context import RunContext
from engine.agents.tool import FunctionTool
from engine.audio.buffers import AudioBuffer
from engine.core.agent_spec import AgentSpec, ToolSpec
from engine.core.conversation import History
from engine.core.effects import FormatsInUse
from engine.core.inputs import (
    AudioSent,
    DecideCall,
    Input,
    Interrupt,
    Respond,
    SendMessage,
    SendRaw,
    UpdateAgent,
    UpdateSettings,
)
from engine.core.machine import Machine
from engine.core.playback import PlaybackLedger
from engine.core.state import Rules
from engine.errors import (
    AudioError,
    MessageError,
    SessionClosed,
    SessionFailed,
    SessionNotOpen,
    SettingsError,
    ToolCallUnknown,
)
from engine.events import RealtimeSessionEvent
from engine.mailboxes import InlineEvent, MailboxStatistics
from engine.mailboxes.playback_reports import RealtimePlaybackTracker
from engine.models.interface import RealtimeModel
from engine.recorder import SessionLatency
from engine.secret.discretion import discreet
from engine.session.messages import UserInput, user_message
from engine.session.response_handle import ResponseHandle
from engine.session.runtime import SessionRuntime
from engine.session.session_block import SessionBlock
from engine.session.still_running import StillRunning
from engine.session.system_task import SystemTask
from engine.session.user_audio import UserAudioEncoder, UserSound, read_user_audio
from engine.session.validation import (
    playback_tracker,
    response_metadata,
    response_params,
    response_tools,
    run_guardrails,
    sendable,
    settings_change,
    usable_formats,
)
from engine.session.wiring import SessionDeps
from engine.settings import ModelSettings, RealtimeModelConfig, RealtimeRunConfig
from engine.wire.client_events import (
    ClientEvent,
    ConversationItemCreate,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    RawClientEvent,
    SessionUpdate,
)
from engine.wire.formats import AudioFormat
from engine.wire.response import ResponseParams, Usage
from engine.wire.session import Session, format_of
from engine.wire.struct import evolve

T = TypeVar("T")

NOT_OPEN = "the session is not open: use `async with session` or `await session.enter()`"


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
        self._guardrails = run_guardrails(run_config.output_guardrails)
        self._input_format = format_of(base.audio_input)
        self._user_audio = UserAudioEncoder()
        self._playback = playback_tracker(model_config.playback_tracker)
        self._output_format = format_of(base.audio_output)
        self._connecting: trio.CancelScope | None = None
        self._machine: Machine | None = None
        self._runtime: SessionRuntime | None = None
        self._block: SessionBlock | None = None

    # --- life

    @trio.lowlevel.enable_ki_protection
    async def __aenter__(self) -> RealtimeSession[T]:
        """Connect, and make the starting agent the current one.

        Raises:
            ConnectRefused, AuthenticationError, ModelNotFound: there is no connection.
            SessionClosed: it was opened before, or closed while it was being opened.
            SettingsError: the model's server does not take audio at the rate that the settings give.
            Exception: whatever the agent's own functions (its instructions, what is enabled) raise.
        """
        runtime = await self._begin()
        self._block = await SessionBlock.open(runtime.run)
        return self

    @trio.lowlevel.enable_ki_protection
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close. Raises SessionFailed if the engine itself failed and the body did not notice."""
        assert self._block is not None, "`async with` has entered it"
        async with self._block.leaving(body=error):
            await self.close()
        if error is None and self._runtime is not None and isinstance(self._runtime.error, SessionFailed):
            raise self._runtime.error

    @trio.lowlevel.enable_ki_protection
    async def enter(self) -> RealtimeSession[T]:
        """Open without ``async with``, for callers whose life cycle has no block to put it in.

        Whoever enters must `close`; what is still open when the trio run ends is closed then. Raises like
        ``async with`` does.
        """
        runtime = await self._begin()
        try:
            await SystemTask().open(runtime.run)
        except BaseException:
            # Cancelled while it connects: nobody would close it.
            await runtime.close()
            raise
        return self

    @trio.lowlevel.enable_ki_protection
    async def close(self) -> StillRunning:
        """End the conversation: every task joined, the goodbye sent if the server still listens, iterators ended.

        May be called any number of times, from any task. In a tool, a guardrail or a hook it does not return: these end
        with the session.

        Returns within `close_timeout` seconds of the model configuration, with the names of what still runs then
        because Python cannot stop it: functions that block a thread, and async ones that shield themselves. A warning
        is logged for these, and ``async with`` waits for the async ones.
        """
        if self._runtime is not None:
            return await self._runtime.close()
        if self._connecting is not None:
            self._connecting.cancel(reason="the session was closed")
        return StillRunning()

    @property
    def still_running(self) -> StillRunning:
        """What still runs of a session that is over."""
        return StillRunning() if self._runtime is None else self._runtime.still_running

    # --- the user's side

    async def send_audio(self, audio: AudioBuffer, *, rate: int | None = None, commit: bool = False) -> None:
        """Send what the microphone heard, pieces of any length.

        Args:
            audio: whole samples, of one channel. Bytes (also a bytearray, or a memoryview of bytes) are taken as they
                are: in the session's input format, or with `rate` as 16-bit little-endian PCM. The elements of other
                buffers (an array, a numpy array) are looked at: 16-bit integers, or floats from -1 to 1, are made the
                session's format.
            rate: samples per second of `audio`, which is resampled to the session's rate; pieces in a row are one
                sound, whose last millisecond is sent with what comes next, or with the commit. None: it has the
                session's rate.
            commit: end the user's turn with this piece (push-to-talk, with turn detection off).

        Raises:
            AudioError: `audio` is empty, ends within a sample, or is of a type or shape that is not taken; the message
                names it.
            SessionClosed: the conversation is over.
        """
        given = audio if isinstance(audio, bytes) and rate is None else read_user_audio(audio, rate, self._input_format)
        if isinstance(given, bytes) and not self._input_format.is_aligned(len(given)):
            raise AudioError(f"{len(given)} bytes are not a whole number of {self._input_format.type} samples")
        if not given and not commit:
            raise AudioError("there is no audio in an empty piece")
        wiring = self._open_runtime().wiring
        if isinstance(given, UserSound):
            await self._send_sound(given)
        elif given:
            await wiring.microphone.room()
            wiring.direct_audio.put(
                given if self._user_audio.idle else self._user_audio.rest(self.input_format) + given
            )
        if commit:
            await self.commit_audio()

    async def commit_audio(self) -> None:
        """End the user's turn: everything sent so far becomes an item. Returns once that is on the wire.

        The server does not respond by itself to this; ask with `respond`.
        """
        if not self._user_audio.idle:
            await self._send_rest()
        await self._post(AudioSent("commit"))
        await self._send_inline(InputAudioBufferCommit())

    async def clear_audio(self) -> None:
        """Forget what the user said since the last commit. Returns once that is on the wire."""
        self._user_audio.drop()
        await self._post(AudioSent("clear"))
        await self._send_inline(InputAudioBufferClear())

    async def send_message(self, message: UserInput, *, respond: bool = True) -> None:
        """Send a text, or a message with texts and images; the agent answers it unless `respond` is False.

        Raises:
            MessageError: the message has content that cannot be sent.
        """
        item = user_message(message)
        sendable(ConversationItemCreate(item))
        await self._write(SendMessage(item, respond))

    @discreet
    async def send_event(self, event: ClientEvent | Mapping[str, object]) -> None:
        """Send a client event of your own as it is, for what this class has no method for.

        The settings of a `session.update` count as if `update_settings` had been called; it is given an `event_id` if
        it has none.

        Raises:
            MessageError: it has no JSON form.
        """
        await self._write(SendRaw(sendable(RawClientEvent(event) if isinstance(event, Mapping) else event)))

    # --- the agent's side

    @discreet
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
                runs beside others. What its tools give goes to the handle alone (`ResponseOutcome.calls`).
            params: every other option of `response.create`; the arguments above are laid over it.

        Raises:
            MessageError: something of it has no JSON form.
            SettingsError: one of `tools` is no tool, or `params` asks for what the server does not take or says a
                thing twice.
        """
        wanted = ResponseParams() if params is None else params
        response_params(wanted, self._model.capabilities)
        own_tools = None if tools is None else response_tools(tools)
        if instructions is not None:
            wanted = evolve(wanted, instructions=instructions)
        if own_tools is not None:
            wanted = evolve(wanted, tools=tuple(tool.definition() for tool in own_tools))
        if metadata is not None:
            wanted = evolve(wanted, metadata=response_metadata(metadata))
        if out_of_band:
            wanted = evolve(wanted, conversation="none")
        response_params(wanted, self._model.capabilities)
        own = {tool.name: ToolSpec(tool.name, "function", tool, tool.on_interruption) for tool in own_tools or ()}
        runtime = self._open_runtime()
        handle_id, handle = runtime.handles.new(self._post)
        await self._write(Respond(handle_id, wanted, own if own_tools is not None else None))
        return handle

    async def interrupt(self) -> None:
        """Stop whatever the agent is saying, as if the user had spoken up."""
        await self._post(Interrupt())

    async def update_agent(self, agent: RealtimeAgent[T]) -> None:
        """Make another agent the current one. Responses that already run are still the old one's.

        Raises:
            SettingsError: it is no agent, or something of it has no JSON form.
            Exception: whatever the agent's own functions (its instructions, what is enabled) raise.
        """
        await self._write(UpdateAgent(await self._resolve(agent)))

    @discreet
    async def update_settings(self, settings: ModelSettings | None = None, /, **changes: object) -> None:
        """Change settings of the running session, as `model_settings` are written: what is left out stays as it is.

            await session.update_settings(turn_detection=None)  # push-to-talk from now on

        The event `settings_updated` tells that the server has confirmed the change, an `error` event that it refuses
        it. What was confirmed stays, whichever agent speaks: it is laid over the settings of the run and over a voice
        that an agent declares. Instructions, tools and prompts are an agent's own: `update_agent` changes them. A voice
        cannot change once the session has spoken: an `error` event says so, and the rest is changed.

        Args:
            settings: a mapping, or an object of settings.
            changes: the same by name, laid over `settings`.

        Raises:
            SettingsError: a setting is wrong, is none of the session's, or there is none.
        """
        changed = settings_change(settings, changes, self._model.capabilities)
        await self._write(UpdateSettings(changed))

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

    def __anext__(self) -> Coroutine[Any, Any, RealtimeSessionEvent]:
        """The next event.

        Raises:
            StopAsyncIteration: the session was closed, or the server closed it normally.
            TransportLost: the connection broke, or the server closed it for a reason.
            AuthenticationError, ModelNotFound: the server closed it because of the key or the model.
            SlowConsumer: events were not taken in time.
            SessionFailed: the engine itself failed.
        """
        if self._runtime is None or not self._runtime.opened:
            raise SessionNotOpen(NOT_OPEN)
        return self._runtime.wiring.events.take()

    @property
    def history(self) -> History:
        """The conversation so far, in the server's order: a live, read-only view."""
        return self._running_machine().history

    @property
    def model(self) -> RealtimeModel:
        """The model that this session talks to; add listeners to it."""
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
    def input_format(self) -> AudioFormat:
        """The format in which `send_audio` takes the user's audio: the one asked for, or what the server confirmed."""
        return self._input_format

    @property
    def output_format(self) -> AudioFormat:
        """The format of the agent's audio: the one asked for, or what the server confirmed."""
        return self._output_format

    @property
    def playback(self) -> RealtimePlaybackTracker:
        """Where to report what has been played, if the engine is not to compute it."""
        return self._playback

    @property
    def latency(self) -> SessionLatency:
        """What happened when: turns, metrics, the engine's own part; and where to tell what you know better.

        Raises:
            SessionNotOpen: nothing has happened yet.
        """
        if self._runtime is None:
            raise SessionNotOpen(NOT_OPEN)
        return SessionLatency(self._runtime.wiring.recorder)

    @property
    def mailboxes(self) -> tuple[MailboxStatistics, ...]:
        """How full every queue of the session is and has been."""
        return () if self._runtime is None else self._runtime.wiring.statistics()

    # --- inside

    async def _begin(self) -> SessionRuntime:
        if self._connecting is not None:
            raise SessionClosed("a session is opened once: make a new one with `runner.run()`")
        with trio.CancelScope() as self._connecting:
            usable_formats(self._base, self._model.capabilities)
            first_agent = await self._resolve(self._starting_agent)
            # An agent's own function may have shielded itself from the close.
            await trio.lowlevel.checkpoint_if_cancelled()
            self._runtime = self._prepare(first_agent)
            return self._runtime
        raise SessionClosed("the session was closed while it was being opened")

    def _prepare(self, first_agent: AgentSpec) -> SessionRuntime:
        capabilities = self._model.capabilities
        # Whoever attaches to a call joins a conversation whose audio takes another way.
        server_plays = capabilities.plays_audio_itself or self._model_config.call_id is not None
        rules = Rules(
            context=self._context,
            debounce_length=self._run_config.guardrails_settings.debounce_text_length,
            raw_events=self._run_config.raw_model_events,
            server_interrupts=capabilities.interrupts_on_speech,
            server_truncates=capabilities.truncates and not server_plays,
            server_plays=server_plays,
            waits=attrs.asdict(self._run_config.waits),
            max_tool_rounds=self._run_config.max_tool_rounds,
        )
        reported = self._model_config.playback_tracker is not None
        self._machine = Machine(rules, first_agent, PlaybackLedger(self._output_format, reported=reported))
        self._playback.bind(self._machine.audio_ms)
        with ExitStack() as unless_made:
            unless_made.callback(self._playback.release)
            runtime = SessionRuntime(self._deps(first_agent, self._machine))
            unless_made.pop_all()
        return runtime

    def _deps(self, first_agent: AgentSpec, machine: Machine) -> SessionDeps:
        return SessionDeps(
            model=self._model,
            model_config=self._model_config,
            machine=machine,
            first_agent=first_agent,
            context=self._context,
            guardrails=self._guardrails,
            tool_error_formatter=self._run_config.tool_error_formatter,
            playback=self._playback,
            input_format=self._input_format,
            use_formats=self._use_formats,
            frame_ms=self._run_config.audio_frame_ms,
            resolve=self._resolve,
            settings=self._base,
            latency_log=self._run_config.latency_log,
        )

    def _use_formats(self, formats: FormatsInUse) -> None:
        self._input_format, self._output_format = formats.input, formats.output

    async def _resolve(self, agent: RealtimeAgent[Any]) -> AgentSpec:
        if not isinstance(agent, RealtimeAgent):
            raise SettingsError(f"an agent is a RealtimeAgent, not {type(agent).__name__}")
        context = RunContext(context=self._context, agent=agent, usage=self.usage)
        spec = await resolve(agent, context, self._base)
        try:
            sendable(SessionUpdate(spec.session))
        except MessageError as error:
            raise SettingsError(f"the agent {spec.name!r}: its settings cannot be sent: {error}") from error
        return spec

    def _open_runtime(self) -> SessionRuntime:
        if self._runtime is None or not self._runtime.opened:
            raise SessionNotOpen(NOT_OPEN)
        if self._runtime.over.is_set():
            raise SessionClosed("the session is closed") from self._runtime.error
        return self._runtime

    async def _send_sound(self, sound: UserSound) -> None:
        """Send a sound of another kind than the session's, in parts: conversion takes time that others need too."""
        wiring = self._open_runtime().wiring
        for number, pcm in enumerate(sound.parts(self.input_format)):
            if number:
                await trio.lowlevel.checkpoint()
            await wiring.microphone.room()
            if piece := self._user_audio.encode(pcm, sound.rate, self.input_format):
                wiring.direct_audio.put(piece)

    async def _send_rest(self) -> None:
        """Send what was kept back of a sound that has ended."""
        wiring = self._open_runtime().wiring
        await wiring.microphone.room()
        if rest := self._user_audio.rest(self.input_format):
            wiring.direct_audio.put(rest)

    async def _write(self, command: Input) -> None:
        """Have something written, once the server has read most of what waits."""
        await trio.lowlevel.checkpoint_if_cancelled()
        await self._open_runtime().wiring.post(command)

    async def _post(self, command: Input) -> None:
        await self._open_runtime().wiring.inbox.put([command])

    async def _send_inline(self, event: ClientEvent) -> None:
        inline_event = InlineEvent(event)
        wiring = self._open_runtime().wiring
        await wiring.microphone.room()
        wiring.direct_audio.put(inline_event)
        await inline_event.wait()

    def _must_wait(self, call_id: str) -> None:
        self._open_runtime()
        if not isinstance(call_id, str) or not self._running_machine().waits_for_approval(call_id):
            raise ToolCallUnknown(f"no call {show(call_id)} is waiting for approval")

    def _running_machine(self) -> Machine:
        if self._machine is None:
            raise SessionNotOpen(NOT_OPEN)
        return self._machine

"""Wiring: the one place where the queues, the actors and the direct paths of a session are joined.

    application ─ send_audio ─▶ microphone ─ DirectAudio ─▶┐
                                    └──▶ audio-in pump ───▶│ outbound ─ DirectWrite ─▶ link
                                                           │     └──▶ writer of the connection
    application ─ commands ─▶ inbox ─▶ router ─ control ──▶┘
    link ─▶ reader of the connection ─ on_server_events ─▶ router ─▶ events ─▶ application
                                                           router ─▶ tools ─▶ tool executor ─▶ inbox
                                                                             └─▶ hooks ─▶ hook runner
                                                           router ─▶ checks ─▶ guardrail debouncer ─▶ inbox

Every arrow is fixed here, before the session begins; nothing is hung onto a queue or an actor later, but for the link
that `DirectWrite` is told when there is one.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import attrs
import trio

from engine.actors.audio_in import AudioInPump
from engine.actors.connection import Connection
from engine.actors.guardrails import GuardrailDebouncer, guardrails_of
from engine.actors.hooks import Hook, HookRunner, hooks_of
from engine.actors.router import Router
from engine.actors.tools import ToolExecutor
from engine.agents.agent import RealtimeAgent
from engine.agents.guardrail import OutputGuardrail
from engine.clock import now_ns, this_clock
from engine.core.agent_spec import AgentSpec
from engine.core.effects import CheckWork, FormatsInUse, ToolWork
from engine.core.inputs import Input
from engine.core.machine import Machine
from engine.errors import SlowConsumer
from engine.events import TurnMetrics
from engine.latency.metrics import metrics_of
from engine.latency.turns import TurnRecord
from engine.mailboxes import (
    INBOX_BATCHES,
    LONGEST_WRITE_MS,
    MICROPHONE_SECONDS,
    WAITING_HOOKS,
    WORK_BATCHES,
    Batch,
    DirectAudio,
    DirectWrite,
    EventQueue,
    IdleTimer,
    Inbox,
    Mailbox,
    MailboxStatistics,
    Microphone,
    Outbound,
)
from engine.mailboxes.playback_reports import RealtimePlaybackTracker
from engine.models.interface import RealtimeModel
from engine.recorder import Recorder
from engine.recorder.open_log import new_recorder
from engine.session.response_handle import HandleTable
from engine.session.threads import Threads
from engine.settings import LatencyLog, RealtimeModelConfig
from engine.wire.formats import AudioFormat
from engine.wire.session import Session

FLUSH_FACTOR = 1.25
"""Frame lengths that a partial frame of audio waits for the rest of it."""

PROBE_SECONDS = 1.0
"""How often a session that is at rest measures how late the event loop wakes it: at 20 us a time, a thousand sessions
in one process spend a fiftieth of a core on it. Under virtual time there is nothing to measure."""


@attrs.frozen(kw_only=True)
class SessionDeps:
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
    """The one that is asked for."""
    use_formats: Callable[[FormatsInUse], None]
    """Called with other formats once they are in use."""
    frame_ms: int
    resolve: Callable[[RealtimeAgent[object]], Awaitable[AgentSpec]]
    settings: Session
    """Those that the session is opened with."""
    latency_log: LatencyLog | None


@attrs.frozen(kw_only=True)
class Wiring:
    """The parts of one session, joined."""

    recorder: Recorder
    inbox: Inbox[Input]
    microphone: Microphone
    outbound: Outbound
    events: EventQueue
    tools: Mailbox[ToolWork]
    checks: Mailbox[CheckWork]
    hooks: Mailbox[Hook]
    direct_audio: DirectAudio
    router: Router
    connection: Connection
    audio_in: AudioInPump
    tool_executor: ToolExecutor
    guardrails: GuardrailDebouncer
    threads: tuple[Threads, Threads]
    """Of the tool executor and of the guardrail debouncer: neither waits for the other's functions."""

    def statistics(self) -> tuple[MailboxStatistics, ...]:
        """Return the counters of every queue."""
        wire, uplink = self.outbound.statistics()
        return (
            self.inbox.statistics(),
            wire,
            self.microphone.statistics(),
            uplink,
            self.events.statistics(),
            self.tools.statistics(),
            self.checks.statistics(),
            self.hooks.statistics(),
        )

    async def post(self, command: Input) -> None:
        """Hand the router what is to be written; wait while it, or the server, does not keep up.

        Raises:
            SessionClosed: the conversation is over.
        """
        while True:
            await self.outbound.wire_room()
            try:
                self.inbox.put_nowait([command])
            except trio.WouldBlock:
                await self.inbox.room()
            else:
                return

    def stop_input(self) -> None:
        """Take nothing more from the application; write what control has to say, and what has been begun."""
        self.inbox.close()
        self.microphone.close()
        self.outbound.close()

    def close(self) -> None:
        """Close every queue but the events; whoever waits for one of them is told."""
        self.router.playback.release()
        self.inbox.close()
        self.microphone.abandon()
        self.outbound.abandon()
        self.tools.close()
        self.checks.close()
        self.hooks.close()


def wire(deps: SessionDeps, handles: HandleTable) -> Wiring:
    """Make the parts of a session and join them.

    Raises:
        SettingsError: the latency log cannot be written.
    """

    def turn_over(turn: TurnRecord, now: int) -> None:
        event = TurnMetrics(context=deps.context, at_ns=now, turn=turn, metrics=metrics_of(turn))
        with suppress(SlowConsumer):  # the router is told so, too, and ends the session
            events.put([event])

    def written(batch: Batch) -> None:
        recorder.written(batch.events, now_ns(), batch.enqueued_at)
        for inline_event in batch.inline_events:
            inline_event.mark_sent()

    def use_formats(formats: FormatsInUse) -> None:
        microphone.use_frames(*_frame_sizes(formats.input, deps.frame_ms))
        deps.use_formats(formats)

    idle_timer = IdleTimer()
    recorder = new_recorder(
        deps.latency_log, deps.settings, type(deps.model).__name__, on_turn=turn_over, on_due=idle_timer.wake_by
    )
    waits = recorder.overhead.mailbox
    events = EventQueue(watch=recorder.taken, now=this_clock())
    inbox = Inbox[Input]("inbox", INBOX_BATCHES, waits("inbox").add)
    outbound = Outbound(waited=waits("wire").add)
    tools = Mailbox[ToolWork]("tools", WORK_BATCHES, waits("tools").add)
    checks = Mailbox[CheckWork]("checks", WORK_BATCHES, waits("checks").add)
    hooks = Mailbox[Hook]("hooks", WAITING_HOOKS)
    microphone = _microphone(deps)
    direct_write = DirectWrite(outbound, written)
    tool_threads, guardrail_threads = Threads(), Threads()
    router = Router(
        machine=deps.machine,
        model=deps.model,
        inbox=inbox,
        outbound=outbound,
        direct_write=direct_write,
        events=events,
        tools=tools,
        checks=checks,
        has_hooks=lambda spec: hooks_of(spec) is not None,
        has_guardrails=lambda spec: bool(guardrails_of(spec, deps.guardrails)),
        playback=deps.playback,
        resolve_handles=handles.apply,
        use_formats=use_formats,
        recorder=recorder,
        idle_timer=idle_timer,
        probe_seconds=PROBE_SECONDS if recorder.header.clock == "real" else math.inf,
    )
    direct_audio = DirectAudio(microphone, outbound, direct_write, router.drain_inbox)
    return Wiring(
        recorder=recorder,
        inbox=inbox,
        microphone=microphone,
        outbound=outbound,
        events=events,
        tools=tools,
        checks=checks,
        hooks=hooks,
        direct_audio=direct_audio,
        router=router,
        connection=Connection(
            model=deps.model,
            config=deps.model_config,
            on_server_events=router.on_server_events,
            inbox=inbox,
            outbound=outbound,
            direct_write=direct_write,
            written=written,
        ),
        audio_in=AudioInPump(microphone, outbound, direct_audio),
        tool_executor=ToolExecutor(
            work=tools,
            inbox=inbox,
            context=deps.context,
            usage=lambda: deps.machine.usage,
            resolve=deps.resolve,
            format_error=deps.tool_error_formatter,
            run_sync=tool_threads.run_sync,
            hooks=HookRunner(hooks, inbox, deps.context, lambda: deps.machine.usage),
        ),
        guardrails=GuardrailDebouncer(
            checks=checks,
            inbox=inbox,
            guardrails=deps.guardrails,
            context=deps.context,
            run_sync=guardrail_threads.run_sync,
        ),
        threads=(tool_threads, guardrail_threads),
    )


def _microphone(deps: SessionDeps) -> Microphone:
    capacity, frame, longest = _frame_sizes(deps.input_format, deps.frame_ms)
    return Microphone(capacity, frame, longest, flush_timeout=deps.frame_ms * FLUSH_FACTOR / 1000)


def _frame_sizes(audio: AudioFormat, frame_ms: int) -> tuple[int, int, int]:
    """Return how many bytes may wait, make a frame, and are written at most in one go."""
    return MICROPHONE_SECONDS * audio.bytes_per_second, audio.bytes_of(frame_ms), audio.bytes_of(LONGEST_WRITE_MS)

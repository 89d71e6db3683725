"""The harness that holds one call: a session, a caller, a player, and everybody who watches.

    the listener            reads the session's events to their end, and passes them on
      sender                sends the caller's voice, frame by frame
      player                says what has become audible
      recorder              writes sound that has become final
      this task             the caller

The call ends when the caller has nothing more to say, when somebody hangs up, when its time is over, or when the server
ends it. In each case the session is closed first and the listener reads what is left: nothing that happened is missing
from the record.

It is the same under real and under virtual time, and it marks what only the caller's end knows (when the caller really
spoke, when the agent was really heard) in the session's own record of latencies.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing, nullcontext
from datetime import datetime
from functools import partial
from typing import Any

import attrs
import trio

from engine.caller.call_events import CallBegan, CallEnded, CallEvent, CallNote, Tell
from engine.caller.caller import Caller, CallerActions
from engine.caller.output_format import OutputFormat
from engine.caller.player import Device, Player
from engine.caller.recording import Recording
from engine.caller.sender import FRAME_BY_FRAME, PacedSender, Pacing
from engine.caller.truth_marks import TruthMarks
from engine.caller.turn_taking import TurnTaking
from engine.clock import now_ns
from engine.errors import AudioError, EngineError, SessionClosed, SessionFailed
from engine.events import Audio, AudioEnd, AudioInterrupted, ToolApprovalRequired, UserSpeechStopped
from engine.session.session import RealtimeSession
from engine.wire.formats import PCM16
from engine.wire.units import NS_PER_S

RECORD_SECONDS = 0.5
RECORD_LATE_SECONDS = 1.0
"""How far writing stays behind: a frame of a microphone, or of a busy computer, may come a little late."""
NOT_APPROVED = "Nobody is there to approve this call."
Background = Callable[[], Awaitable[None]]


def no_recording(began_ns: int) -> None:
    """Return no recording: the sound of the call is not kept."""


@attrs.frozen(kw_only=True)
class CallOutcome:
    """How a call ended."""

    reason: str
    failure: EngineError | None = None
    """Why it broke off; None: it went well."""
    largest_drift_ns: int = 0
    """How much later than it should a frame of the caller's voice left, at worst."""


@attrs.define(kw_only=True)
class CallHarness:
    """Holds one call. Make it, then `run` it once."""

    session: RealtimeSession[Any]
    caller: Caller
    model_name: str
    """For the record of the call."""
    open_recording: Callable[[int], Recording | None] = no_recording
    """Gives the recording to fill; called with the moment of its first sample, once the connection stands."""
    watchers: Sequence[Tell] = ()
    """Told of every event, before anything is done because of it."""
    greets: bool = True
    """The agent speaks first."""
    approves: bool = False
    """Tool calls that need approval get it."""
    rejection_hint: str = ""
    """How a rejected tool call could have been approved, for the note about it."""
    device: Device | None = None
    on_open: Callable[[Player], None] | None = None
    background: Sequence[Background] = ()
    """Runs beside the call, and is cancelled with it."""
    pacing: Pacing = FRAME_BY_FRAME
    """Of the caller's voice."""
    time_limit: float = math.inf
    """Seconds after which the caller hangs up."""
    _turn_taking: TurnTaking = attrs.field(factory=TurnTaking, init=False)
    _conversation: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _connecting: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _reason: str = attrs.field(default="", init=False)
    _failure: EngineError | None = attrs.field(default=None, init=False)
    _largest_drift_ns: int = attrs.field(default=0, init=False)
    _opened: bool = attrs.field(default=False, init=False)
    _tells: tuple[Tell, ...] = attrs.field(default=(), init=False)

    def hang_up(self, reason: str) -> None:
        """End the call from outside, in good order. May be called at any time, from the same event loop."""
        self._reason = self._reason or reason
        self._conversation.cancel(reason=reason)
        if not self._opened:
            self._connecting.cancel(reason=reason)

    async def run(self) -> CallOutcome:
        """Hold the call.

        Raises:
            ConnectRefused: there is no connection, and nothing was written.
            Exception: whatever `open_recording` raises.
        """
        with self._connecting:
            try:
                async with self.session:
                    await self._hold()
            except SessionFailed as failed:
                self._failure = self._failure or failed
        return CallOutcome(
            reason=self._reason,
            failure=self._failure,
            largest_drift_ns=self._largest_drift_ns,
        )

    async def _hold(self) -> None:
        began_ns = now_ns()
        recording = self.open_recording(began_ns)
        self._opened = True
        marks = TruthMarks(self.session.latency.mark, began_ns)
        output_format = OutputFormat(self.session.output_format)
        self._tells = (output_format.on_event, *self.watchers, marks.on_event, self._turn_taking.on_event)
        player = Player(self._tell, recording, output_format=lambda: output_format.current, device=self.device)
        send = partial(self.session.send_audio, rate=PCM16.rate)
        sender = PacedSender(send, self._tell, recording, began_ns=began_ns, pacing=self.pacing)
        if self.on_open is not None:
            self.on_open(player)
        with nullcontext() if recording is None else closing(recording):
            self._tell(
                CallBegan(
                    at_ns=began_ns,
                    agent=self.session.agent.name,
                    model=self.model_name,
                    wall_clock=datetime.now().astimezone().isoformat(timespec="milliseconds"),
                    output_format=output_format.current,
                )
            )
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, player, sender)
                self._conversation.deadline = trio.current_time() + self.time_limit
                try:
                    with self._conversation:
                        await self._converse(player, sender, recording, began_ns)
                except* AudioError as group:  # a format of the server's that nothing can be resampled to
                    self._failure = next(error for error in group.exceptions if isinstance(error, AudioError))
                    self._reason = self._reason or str(self._failure)
                self._reason = self._reason or "the time was over"
                ended_ns = now_ns()
                if recording is not None:
                    recording.advance(ended_ns)
                player.finish()
                await self.session.close()
        self._largest_drift_ns = sender.largest_drift_ns
        self._tell(CallEnded(at_ns=ended_ns, reason=self._reason))

    async def _converse(self, player: Player, sender: PacedSender, recording: Recording | None, began_ns: int) -> None:
        actions = CallerActions(self.session, sender, recording, self._turn_taking, self._tell)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(player.run)
            if self.caller.speaks:
                nursery.start_soon(sender.run)
            if recording is not None:
                nursery.start_soon(_record, recording)
            for background in self.background:
                nursery.start_soon(background)
            try:
                if self.greets:
                    await self.session.respond()
                await self.caller.call(actions, began_ns, greeted=self.greets)
                self._reason = self._reason or "the caller hung up"
            except SessionClosed:
                await trio.sleep_forever()  # the listener knows why, and ends this
            nursery.cancel_scope.cancel(reason="the caller hung up")

    async def _listen(self, player: Player, sender: PacedSender) -> None:
        """Pass on every event, to the last one."""
        try:
            async for event in self.session:
                self._tell(event)
                match event:
                    case Audio() | AudioEnd() | AudioInterrupted():
                        player.on_event(event)
                    case UserSpeechStopped():
                        sender.relax()
                    case ToolApprovalRequired():
                        await self._decide(event)
        except EngineError as error:
            self._failure = error
            self._reason = self._reason or str(error)
        self._reason = self._reason or "the server hung up"
        self._conversation.cancel(reason=self._reason)

    async def _decide(self, event: ToolApprovalRequired) -> None:
        try:
            if self.approves:
                await self.session.approve_tool_call(event.call_id)
            else:
                text = f"{event.name} was not approved"
                self._tell(CallNote(at_ns=now_ns(), text=": ".join(filter(None, (text, self.rejection_hint)))))
                await self.session.reject_tool_call(event.call_id, rejection_message=NOT_APPROVED)
        except SessionClosed:
            return

    def _tell(self, event: CallEvent) -> None:
        for tell in self._tells:
            tell(event)


async def _record(recording: Recording) -> None:
    """Write what has become final, every now and then, until cancelled."""
    while True:
        await trio.sleep(RECORD_SECONDS)
        recording.advance(now_ns() - round(RECORD_LATE_SECONDS * NS_PER_S))

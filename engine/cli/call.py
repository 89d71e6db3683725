"""One call: a session, somebody who calls, a loudspeaker, and everybody who watches.

    the listener            reads the session's events to their end, and passes them on
      mouthpiece            sends the caller's voice, frame by frame
      loudspeaker           says what has become audible
      recorder              writes sound that has become final
      this task             the caller

The call ends when the caller has nothing more to say, when somebody hangs up, or when the far end does. In each case
the session is closed first and the listener reads what is left: nothing that happened is missing from the record.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

import attrs
import trio

from engine.caller.call_events import CallBegan, CallEnded, CallEvent, CallNote, Tell
from engine.caller.player import Device, Loudspeaker
from engine.caller.recording import Recording
from engine.caller.sender import Mouthpiece
from engine.caller.turn_taking import Floor
from engine.cli.call_folder import Archive
from engine.cli.caller import Caller
from engine.cli.line import Line
from engine.clock import NS, now_ns
from engine.errors import EngineError, SessionClosed, SessionFailed
from engine.events import Audio, AudioEnd, AudioInterrupted, Error, ToolApprovalRequired
from engine.session.session import RealtimeSession

RECORD_SECONDS = 0.5
RECORD_LATE_SECONDS = 1.0
"""How far writing stays behind: a frame of a microphone, or of a busy computer, may come a little late."""
NOT_APPROVED = "Nobody is there to approve this call."
Background = Callable[[], Awaitable[None]]


@attrs.frozen(kw_only=True)
class Outcome:
    """How a call ended."""

    reason: str
    failure: EngineError | None = None
    """Why it broke off; None: it went well."""
    error_code: str | None = None
    """The code of the last error that the far end reported."""


@attrs.define(kw_only=True)
class Call:
    """Holds one call. Make it, then `run` it once."""

    session: RealtimeSession[Any]
    caller: Caller
    archive: Archive
    model_name: str
    watchers: Sequence[Tell] = ()
    greets: bool = True
    """The agent speaks first."""
    approves: bool = False
    """Tool calls that need approval get it."""
    device: Device | None = None
    on_open: Callable[[Loudspeaker], None] | None = None
    background: Sequence[Background] = ()
    """Runs beside the call, and is cancelled with it."""
    _floor: Floor = attrs.field(factory=Floor, init=False)
    _conversation: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _connecting: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)
    _reason: str = attrs.field(default="", init=False)
    _failure: EngineError | None = attrs.field(default=None, init=False)
    _error_code: str | None = attrs.field(default=None, init=False)
    _loudspeaker: Loudspeaker | None = attrs.field(default=None, init=False)

    def hang_up(self, reason: str) -> None:
        """End the call from outside, in good order. May be called at any time, from the same event loop."""
        self._reason = self._reason or reason
        self._conversation.cancel(reason=reason)
        if self._loudspeaker is None:
            self._connecting.cancel(reason=reason)

    async def run(self) -> Outcome:
        """Hold the call.

        Raises:
            ConnectRefused: there is no connection, and nothing was written.
            CommandFailed: the files cannot be written.
        """
        with self._connecting:
            try:
                async with self.session:
                    await self._hold()
            except SessionFailed as failed:
                self._failure = failed
        return Outcome(reason=self._reason, failure=self._failure, error_code=self._error_code)

    async def _hold(self) -> None:
        began_ns = now_ns()
        recording = self.archive.open(began_ns)
        self._loudspeaker = Loudspeaker(self._tell, recording, device=self.device)
        if self.on_open is not None:
            self.on_open(self._loudspeaker)
        self._tell(
            CallBegan(
                at_ns=began_ns,
                agent=self.session.agent.name,
                model=self.model_name,
                wall_clock=datetime.now().astimezone().isoformat(timespec="milliseconds"),
            )
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._listen)
            with self._conversation:
                await self._converse(recording, began_ns)
            ended_ns = now_ns()
            recording.advance(ended_ns)
            self._loudspeaker.finish()
            await self.session.close()
        self._tell(CallEnded(at_ns=ended_ns, reason=self._reason))

    async def _converse(self, recording: Recording, began_ns: int) -> None:
        assert self._loudspeaker is not None
        mouthpiece = Mouthpiece(self.session.send_audio, self._tell, recording, began_ns=began_ns)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._loudspeaker.run)
            nursery.start_soon(_record, recording)
            if self.caller.speaks:
                nursery.start_soon(mouthpiece.run)
            for background in self.background:
                nursery.start_soon(background)
            line = Line(self.session, mouthpiece, recording, self._floor, self._tell)
            try:
                if self.greets:
                    await self.session.respond()
                await self.caller.call(line, began_ns, greeted=self.greets)
                self._reason = self._reason or "the caller hung up"
            except SessionClosed:
                await trio.sleep_forever()  # the listener knows why, and ends this
            nursery.cancel_scope.cancel(reason="the caller hung up")

    async def _listen(self) -> None:
        """Pass on every event, to the last one."""
        try:
            async for event in self.session:
                self._tell(event)
                match event:
                    case Audio() | AudioEnd() | AudioInterrupted():
                        assert self._loudspeaker is not None
                        self._loudspeaker.take(event)
                    case Error():
                        self._error_code = event.code or self._error_code
                    case ToolApprovalRequired():
                        await self._decide(event)
        except EngineError as error:
            self._failure = error
            self._reason = self._reason or str(error)
        self._reason = self._reason or "the far end hung up"
        self._conversation.cancel(reason=self._reason)

    async def _decide(self, event: ToolApprovalRequired) -> None:
        try:
            if self.approves:
                await self.session.approve_tool_call(event.call_id)
            else:
                self._tell(CallNote(at_ns=now_ns(), text=f"{event.name} was not approved: --approve allows such calls"))
                await self.session.reject_tool_call(event.call_id, rejection_message=NOT_APPROVED)
        except SessionClosed:
            return

    def _tell(self, event: CallEvent) -> None:
        for watcher in (self.archive.take, *self.watchers, self._floor.take):
            watcher(event)


async def _record(recording: Recording) -> None:
    while True:
        await trio.sleep(RECORD_SECONDS)
        recording.advance(now_ns() - round(RECORD_LATE_SECONDS * NS))

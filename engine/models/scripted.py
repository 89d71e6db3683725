"""A model that follows a script: for tests, of the engine and of applications built on it.

A script is a list of steps: `Expect` waits until the session has sent a matching event, `Say` sends events,
`Pause` lets time pass (virtual time, under `trio.testing.MockClock`), `Hang Up` ends the conversation. Settings are
confirmed as they are sent, unless the script says `session.updated` itself. What the session sends is kept in `sent`;
nothing here opens a socket.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import attrs
import trio

from engine.errors import TransportClosed, TransportLost
from engine.models.interface import ModelCapabilities, RealtimeModel
from engine.settings import RealtimeModelConfig
from engine.wire.client_events import ClientEvent, SessionUpdate
from engine.wire.server_events import ServerEvent, SessionUpdated


@attrs.frozen
class Expect:
    """Wait for a client event of this class (others before it are let by) for which `where` holds."""

    kind: type
    where: Callable[[ClientEvent], bool] | None = None

    def matches(self, event: ClientEvent) -> bool:
        """Whether `event` is the one."""
        return isinstance(event, self.kind) and (self.where is None or self.where(event))


@attrs.frozen
class Say:
    """Send events, as one batch: what one read from a socket would give."""

    events: Sequence[ServerEvent]


@attrs.frozen
class Pause:
    """Let `seconds` pass."""

    seconds: float


@attrs.frozen
class HangUp:
    """End the conversation: in good order with a close code, or by breaking the connection."""

    code: int | None = 1000
    reason: str = ""


Step = Expect | Say | Pause | HangUp


class ScriptedModel(RealtimeModel):
    """Plays one script for each connection, and remembers what was sent to it."""

    def __init__(self, script: Sequence[Step] = (), *, capabilities: ModelCapabilities | None = None) -> None:
        super().__init__()
        self.script = tuple(script)
        self.sent: list[ClientEvent] = []
        """Every event of every connection, in order."""
        self.finished = False
        """Whether the whole script has been played."""
        if capabilities is not None:
            self.capabilities = capabilities

    @asynccontextmanager
    async def connect(self, config: RealtimeModelConfig) -> AsyncIterator[_Script]:
        """Begin the script."""
        yield _Script(self)

    def unmet(self) -> str:
        """A sentence about a script that was not played to its end, for an assertion message."""
        return f"the script was {'' if self.finished else 'not '}played to its end; sent so far: {self.sent!r}"


class _Script:
    """One connection, playing the script as the session reads."""

    def __init__(self, model: ScriptedModel) -> None:
        self._model = model
        self._steps = list(reversed(model.script))
        self._unread: list[ClientEvent] = []
        said = [event for step in model.script if isinstance(step, Say) for event in step.events]
        self._confirms = not any(isinstance(event, SessionUpdated) for event in said)
        self._unconfirmed: list[SessionUpdated] = []
        self._pause_until: float | None = None
        self._arrived = trio.lowlevel.ParkingLot()
        self._closed = False

    async def receive(self) -> Sequence[ServerEvent]:
        await trio.lowlevel.checkpoint()
        while self._steps or self._unconfirmed:
            if self._unconfirmed:
                confirmed, self._unconfirmed = self._unconfirmed, []
                return confirmed
            step = self._steps.pop()
            if not isinstance(step, Expect):
                self._model.finished = not self._steps
            match step:
                case Say():
                    if step.events:
                        return step.events
                case Pause():
                    if not await self._paused(step):
                        self._steps.append(step)
                        continue
                case Expect():
                    if not await self._met(step):
                        self._steps.append(step)
                        continue
                case HangUp(code=None, reason=reason):
                    raise TransportLost(reason or "the script broke the connection")
                case HangUp(code=code, reason=reason):
                    assert code is not None
                    raise TransportClosed(code=code, reason=reason)
            self._model.finished = not self._steps
        while not self._unconfirmed:
            await self._arrived.park()
        return await self.receive()

    async def _paused(self, step: Pause) -> bool:
        """Let time pass. Returns whether all of it has: not if there are settings to confirm."""
        if self._pause_until is None:
            self._pause_until = trio.current_time() + step.seconds
        with trio.move_on_at(self._pause_until):
            while not self._unconfirmed:
                await self._arrived.park()
            return False
        self._pause_until = None
        return True

    async def _met(self, step: Expect) -> bool:
        """Wait for an event. Returns whether it has come: not if there are settings to confirm."""
        while not self._unconfirmed:
            while self._unread:
                if step.matches(self._unread.pop(0)):
                    return True
            await self._arrived.park()
        return False

    async def send(self, events: Sequence[ClientEvent]) -> None:
        await trio.lowlevel.checkpoint()
        self._model.sent.extend(events)
        self._unread.extend(events)
        if self._confirms:
            updates = [event for event in events if isinstance(event, SessionUpdate)]
            self._unconfirmed += [SessionUpdated(update.session) for update in updates]
        self._arrived.unpark_all()

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
        self._closed = True

"""The server over virtual time: a model that a session connects to, some way away, that follows a script.

Nothing here opens a socket or a thread, so a run under a mock clock takes milliseconds and is the same every time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

import attrs
import trio

from engine.errors import TransportClosed, TransportLost
from engine.models.interface import ModelCapabilities, RealtimeModel
from engine.settings import RealtimeModelConfig
from engine.wire.client_events import ClientEvent
from engine.wire.server_events import MalformedEvent, ServerEvent, UnknownEvent
from tests.support.fake_server.records import FarResponse
from tests.support.fake_server.server import Server

T = TypeVar("T")

# --- what a reply is made of


@attrs.frozen
class Talk:
    """Go on speaking: words, and milliseconds of audio."""

    words: int
    ms: int


@attrs.frozen
class Write:
    """Go on in writing."""

    words: int


@attrs.frozen
class NextItem:
    """End the item that is open."""


@attrs.frozen
class Call:
    """Call a tool."""

    name: str


@attrs.frozen
class Wait:
    """Think for so many milliseconds."""

    ms: int


ReplyStep = Talk | Write | NextItem | Call | Wait


@attrs.frozen
class Reply:
    """What the model does with one response."""

    steps: tuple[ReplyStep, ...] = (Talk(3, 300),)
    status: str = "completed"


# --- what else the server does


@attrs.frozen
class UserStarts:
    """The user begins to speak."""


@attrs.frozen
class UserStops:
    """The user stops."""


@attrs.frozen
class UserFades:
    """Nothing comes of what the user said: a cough (`stopped`), or a microphone that was muted."""

    stopped: bool


@attrs.frozen
class Silence:
    """The idle timeout has come."""


@attrs.frozen
class SaysOdd:
    """Something that no client knows, or that is no event at all."""

    malformed: bool


@attrs.frozen
class BreaksOff:
    """The connection ends: in good order with a code, or not."""

    code: int | None = None


FarMove = UserStarts | UserStops | UserFades | Silence | SaysOdd | BreaksOff


@attrs.frozen
class Later(Generic[T]):
    """Do something after so many milliseconds."""

    after_ms: int
    what: T


@attrs.frozen
class FarScript:
    """Everything that the server does by itself, and how far away it is."""

    replies: tuple[Reply, ...] = ()
    """One for each response, in order; any further ones are short and plain."""
    moves: tuple[Later[FarMove], ...] = ()
    up_ms: int = 0
    down_ms: int = 0
    waits: int = 0
    """Every so many-th write has to wait, as on a socket that is full; 1: each, 0: none."""


SHORT = Reply()


class ServerModel(RealtimeModel):
    """Connects sessions to a `Server`."""

    def __init__(
        self,
        far: Server,
        script: FarScript = FarScript(),
        *,
        capabilities: ModelCapabilities | None = None,
        on_sent: Callable[[ClientEvent], None] = lambda event: None,
        on_delivered: Callable[[ServerEvent], None] = lambda event: None,
    ) -> None:
        super().__init__()
        self.far = far
        self.script = script
        self.on_sent = on_sent
        self.on_delivered = on_delivered
        self.sent: list[ClientEvent] = []
        self.script_over = trio.Event()
        """The script's moves have been made, or nobody is there any more; replies may still go on."""
        self.goodbyes = 0
        self._link: _Link | None = None
        if capabilities is not None:
            self.capabilities = capabilities

    def everybody_is_silent(self) -> None:
        """A user who speaks stops."""
        if self.far.speaking is not None:
            self.far.user_stops()
            if self._link is not None:
                self._link.send_down()

    def traces(self) -> tuple[int, int, int]:
        """Changes when anything happens."""
        return len(self.sent), self.far.fresh_count, len(self.far.running())

    @asynccontextmanager
    async def connect(self, config: RealtimeModelConfig) -> AsyncIterator[_Link]:
        """One conversation."""
        link = self._link = _Link(self)
        failure: Exception | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.carry_up)
            nursery.start_soon(link.follow_script)
            nursery.start_soon(link.reply, nursery)
            try:
                yield link
            except Exception as error:
                failure = error
            nursery.cancel_scope.cancel(reason="the session has left the server")
        self.script_over.set()
        if failure is not None:
            raise failure


class _Link:
    """One connection. Implements `ModelConnection` and `SupportsSendNowait`."""

    def __init__(self, model: ServerModel) -> None:
        self._model = model
        self._far = model.far
        self._up: deque[tuple[float, ClientEvent]] = deque()
        self._down: deque[tuple[float, ServerEvent | TransportLost]] = deque()
        self._changed = trio.lowlevel.ParkingLot()
        self._answered = 0
        self._writes = 0
        self._heard_from = trio.Event()
        """The client has said how it wants the session to be."""

    # --- for the session

    async def receive(self) -> Sequence[ServerEvent]:
        await trio.lowlevel.checkpoint()
        while not self._down or self._down[0][0] > trio.current_time():
            with trio.move_on_at(self._down[0][0] if self._down else float("inf")):
                await self._changed.park()
        batch: list[ServerEvent] = []
        while self._down and self._down[0][0] <= trio.current_time():
            event = self._down[0][1]
            if isinstance(event, TransportLost):
                if not batch:
                    raise event
                break
            self._down.popleft()
            batch.append(event)
            self._model.on_delivered(event)
        return batch

    async def send(self, events: Sequence[ClientEvent]) -> None:
        await trio.lowlevel.checkpoint()
        self._take(events)

    can_send_nowait = True

    def send_nowait(self, events: Sequence[ClientEvent]) -> bool:
        self._writes += 1
        if self._model.script.waits and self._writes % self._model.script.waits == 0:
            return False
        self._take(events)
        return True

    def _take(self, events: Sequence[ClientEvent]) -> None:
        for event in events:
            self._model.sent.append(event)
            self._model.on_sent(event)
            self._up.append((trio.current_time() + self._model.script.up_ms / 1000, event))
        self._changed.unpark_all()

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
        self._model.goodbyes += 1

    # --- on the way, and at the server

    async def carry_up(self) -> None:
        while True:
            while not self._up:
                await self._changed.park()
            due, event = self._up[0]
            await trio.sleep_until(due)
            self._up.popleft()
            self._far.take(event)
            self._heard_from.set()
            self.send_down()

    async def follow_script(self) -> None:
        await self._heard_from.wait()
        for later in self._model.script.moves:
            await trio.sleep(later.after_ms / 1000)
            match later.what:
                case UserStarts():
                    self._far.user_starts()
                case UserStops():
                    self._far.user_stops()
                case UserFades(stopped=stopped):
                    self._far.hears_nothing_more(stopped=stopped)
                case Silence():
                    self._far.falls_silent()
                case SaysOdd(malformed=True):
                    self._far.say(MalformedEvent("no JSON", b"\xff\xfe"))
                case SaysOdd():
                    self._far.say(UnknownEvent("new.event", {"type": "new.event"}))
                case BreaksOff(code=code):
                    self.send_down()
                    lost = TransportLost("the connection broke") if code is None else TransportClosed(code=code)
                    self._down.append((self._due(), lost))
            self.send_down()
        self._model.script_over.set()

    async def reply(self, nursery: trio.Nursery) -> None:
        """Begin to answer whatever responses there are."""
        while True:
            while self._answered < len(self._far.responses):
                response = self._far.responses[self._answered]
                replies = self._model.script.replies
                reply = replies[self._answered] if self._answered < len(replies) else SHORT
                self._answered += 1
                nursery.start_soon(self._answer, response, reply)
            await self._changed.park()

    async def _answer(self, response: FarResponse, reply: Reply) -> None:
        await trio.sleep(0.01)
        for step in reply.steps:
            if not response.running:
                return
            self._take_step(response, step)
            self.send_down()
            await trio.sleep(step.ms / 1000 if isinstance(step, Wait) else 0.005)
        if response.running:
            self._far.ends(response, reply.status)
            self.send_down()

    def _take_step(self, response: FarResponse, step: ReplyStep) -> None:
        messages = [item for item in response.open_items() if item.kind == "message"]
        match step:
            case Talk(words=words, ms=ms) if not response.out_of_band:
                item = messages[-1] if messages else self._far.opens_message(response)
                self._far.speaks(response, item, words, ms)
            case Talk(words=words) | Write(words=words):
                item = messages[-1] if messages else self._far.opens_message(response, spoken=False)
                self._far.speaks(response, item, words, 0)
            case NextItem():
                for item in messages:
                    self._far.closes(response, item)
            case Call(name=name):
                self._far.closes(response, self._far.opens_call(response, name, "{}"))

    def _due(self) -> float:
        return trio.current_time() + self._model.script.down_ms / 1000

    def send_down(self) -> None:
        """Whatever the server has said sets out."""
        self._down.extend((self._due(), event) for event in self._far.out)
        self._far.out.clear()
        self._changed.unpark_all()

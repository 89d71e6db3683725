"""A session whose server's end is the other half of a socket pair, played by hand: the hot path and nothing else."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs
import trio
import trio.testing
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from engine import RealtimeAgent, RealtimeRunner, RealtimeSession
from engine.events import RealtimeSessionEvent
from engine.models.interface import RealtimeModel
from engine.models.wire_connection import WireConnection
from engine.settings import RealtimeModelConfig
from engine.transport.pipe import Pipe
from engine.transport.sansio import WebSocketTransport
from engine.wire.codec import encode_server
from engine.wire.items import Message
from engine.wire.server_events import (
    ConversationItemAdded,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    ServerEvent,
)
from tests.support.talk import begins, speaks

RESPONSE, ITEM = "response", "item"


def audio(number: int = 0, nbytes: int = 12_000) -> ServerEvent:
    """An audio delta of the size that the service sends: a quarter of a second."""
    sample = number.to_bytes(2, "little")
    return ResponseOutputAudioDelta(RESPONSE, ITEM, 0, 0, sample * (nbytes // 2), event_id=f"event_{number}")


def words(number: int = 0) -> ServerEvent:
    """A transcript delta."""
    return ResponseOutputAudioTranscriptDelta(
        RESPONSE, ITEM, 0, 0, "word ", obfuscation="x" * 11, event_id=f"event_{number}"
    )


def item(number: int) -> ServerEvent:
    """One more item of the conversation."""
    return ConversationItemAdded(
        item=Message(f"item_{number}", "assistant", (), "completed"), previous_item_id=None, event_id=f"event_{number}"
    )


def frames(*events: ServerEvent) -> bytes:
    """What the server writes to say that."""
    return b"".join(Frame(Opcode.TEXT, encode_server(event)).serialize(mask=False) for event in events)


@attrs.define
class Line:
    """One session, and the server's end of its socket."""

    session: RealtimeSession[Any]
    far: socket.socket
    taken: list[RealtimeSessionEvent] = attrs.field(factory=list)
    """What the application has got."""

    async def say(self, *events: ServerEvent) -> None:
        """Write events, as one write as far as the socket takes it."""
        await self.write(frames(*events))

    async def write(self, data: bytes) -> None:
        """Write bytes."""
        while data:
            try:
                data = data[self.far.send(data) :]
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self.far)

    async def until(self, count: int) -> None:
        """Until the application has got so many events."""
        while len(self.taken) < count:
            await trio.lowlevel.checkpoint()

    async def written(self) -> bytes:
        """What the session writes next."""
        await trio.lowlevel.wait_readable(self.far)
        return self.far.recv(2**20)

    async def application(self) -> None:
        """Takes every event."""
        async for event in self.session:
            self.taken.append(event)


class _OneEnd(RealtimeModel):
    def __init__(self, near: socket.socket) -> None:
        super().__init__()
        self._near = near

    @asynccontextmanager
    async def connect(self, config: RealtimeModelConfig) -> AsyncIterator[WireConnection]:
        core = ClientProtocol(parse_uri("ws://peer/"), state=State.OPEN, max_size=None)
        transport = WebSocketTransport(Pipe(self._near), core, close_timeout=0.01)
        try:
            yield WireConnection(transport)
        finally:
            await transport.aclose()


@asynccontextmanager
async def line(
    *, before: Sequence[ServerEvent] = (), config: Mapping[str, object] | None = None, read: bool = True
) -> AsyncIterator[Line]:
    """A session in the middle of a spoken response. Its settings are on the wire, and all of `before` has been taken.

    Args:
        before: what the server says before.
        config: of the run.
        read: let an application take the events.
    """
    near, far = socket.socketpair()
    far.setblocking(False)
    runner = RealtimeRunner(RealtimeAgent(name="Plain"), model=_OneEnd(near), config=dict(config or {}))
    async with await runner.run() as session, trio.open_nursery() as nursery:
        held = Line(session, far)
        await held.written()
        if read:
            nursery.start_soon(held.application)
            opening = [begins(RESPONSE), *speaks(RESPONSE, ITEM, "", 0), audio(), words()]
            await held.say(*before, *opening)
            while not (held.taken and held.taken[-1].type == "transcript_delta"):
                await trio.lowlevel.checkpoint()
        await trio.testing.wait_all_tasks_blocked()
        try:
            yield held
        finally:
            nursery.cancel_scope.cancel()
            far.close()  # nobody waits for its goodbye

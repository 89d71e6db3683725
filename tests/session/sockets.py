"""A session that talks over a real socket to a server which a test plays by hand, and may play badly."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio
from websockets.exceptions import ConnectionClosed, InvalidState, ProtocolError
from websockets.server import ServerProtocol

from engine import RealtimeAgent, RealtimeRunner, RealtimeSession
from engine.errors import EngineError
from engine.events import RealtimeSessionEvent
from engine.wire.codec import encode_server
from engine.wire.server_events import ServerEvent, SessionCreated
from engine.wire.session import Session
from tests.session.litter import no_litter
from tests.support.talk import begins, ends, falls_silent, speaks
from tests.transport.links import listening
from tests.transport.peer import Peer

Behaviour = Callable[[Peer], Awaitable[None]]

PATIENCE = 10
"""Seconds after which a test has failed. Nothing here takes a tenth of it."""

both_transports = pytest.mark.parametrize("transport", ["sansio", "trio-websocket"])

PLAIN: RealtimeAgent[Any] = RealtimeAgent(name="Plain", instructions="Be brief.")
REPLY_SECONDS = 1.0


def text_of(event: ServerEvent) -> str:
    return encode_server(event).decode()


def texts_of(events: Iterable[ServerEvent]) -> list[str]:
    return [text_of(event) for event in events]


CREATED = text_of(SessionCreated(Session(model="gpt-realtime")))


def reply(response_id: str = "reply", text: str = "here I am") -> list[str]:
    """A whole spoken response that nobody asked for, `REPLY_SECONDS` long."""
    item = f"item_of_{response_id}"
    return texts_of(
        [
            begins(response_id),
            *speaks(response_id, item, text, REPLY_SECONDS),
            *falls_silent(response_id, item, text),
            ends(response_id),
        ]
    )


async def greet(peer: Peer) -> None:
    """Open the session, as every server does."""
    await peer.accept()
    await peer.say(CREATED)


@asynccontextmanager
async def facing(
    behave: Behaviour,
    transport: str,
    *,
    agent: RealtimeAgent[Any] = PLAIN,
    config: dict[str, object] | None = None,
    **model_config: object,
) -> AsyncIterator[RealtimeSession[Any]]:
    """A session, not yet open, with a server that greets and then does as `behave` says. Nothing outlives it."""

    async def serve(stream: trio.SocketStream) -> None:
        peer = Peer(stream, ServerProtocol(max_size=None))
        try:
            await behave(peer)
        except (trio.BrokenResourceError, trio.ClosedResourceError, EOFError, ConnectionClosed):
            return
        except (InvalidState, ProtocolError):
            return

    with trio.fail_after(PATIENCE):
        async with no_litter(), listening(serve) as port:
            settings: dict[str, object] = {"close_timeout": 0.1, "connect_timeout": 5.0, **model_config}
            url = f"ws://127.0.0.1:{port}/v1/realtime"
            runner = RealtimeRunner(agent, config=config)
            yield await runner.run(model_config={"url": url, "transport": transport, **settings})


@attrs.frozen
class Heard:
    """What came out of a session until its end, and the end."""

    events: list[RealtimeSessionEvent]
    ending: EngineError | None

    def types(self) -> list[str]:
        return [event.type for event in self.events]

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.events if event.type == kind]

    def audio(self, response_id: str = "reply") -> bytes:
        return b"".join(event.data for event in self.of("audio") if event.response_id == response_id)

    def replied(self, response_id: str = "reply") -> bool:
        """The whole response came through, with one beginning and one end."""
        begun = [event for event in self.of("agent_start") if event.response_id == response_id]
        ended = [event for event in self.of("agent_end") if event.response_id == response_id]
        return (
            len(begun) == 1
            and [end.status for end in ended] == ["completed"]
            and self.audio(response_id) == b"\1\0" * round(24_000 * REPLY_SECONDS)
        )


async def listen(session: RealtimeSession[Any]) -> Heard:
    """Open the session and take every event until it ends by itself."""
    events: list[RealtimeSessionEvent] = []
    async with session:
        return await listen_on(session, events)


async def listen_on(session: RealtimeSession[Any], events: list[RealtimeSessionEvent] | None = None) -> Heard:
    """Take every event of an open session until it ends by itself."""
    events = [] if events is None else events
    try:
        async for event in session:
            events.append(event)
    except EngineError as error:
        return Heard(events, error)
    return Heard(events, None)

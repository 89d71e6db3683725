"""A client of the local model over a transport, inside trio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import orjson
import trio

from engine.local.conversation.replies import Responder
from engine.local.host import LocalHost
from engine.local.settings.options import LocalOptions
from engine.local.speech.parts import SpeechParts
from engine.transport.interface import Transport
from engine.transport.memory import memory_pair
from tests.local.driver import Json, append

FIXED = LocalOptions(unix_seconds=1_785_214_048)

PATIENCE_S = 10_000
"""Of virtual time: a conversation that hangs fails, instead of hanging the tests."""


class Caller:
    """Reads as events are wanted; remembers the raw messages."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.events: list[Json] = []
        self.raw: list[str | bytes] = []
        self._unseen: list[Json] = []

    async def send(self, *events: Json) -> None:
        await self.transport.send([orjson.dumps(event) for event in events])

    async def next(self) -> Json:
        """The next event."""
        while not self._unseen:
            arrived = await self.transport.receive()
            self.raw.extend(arrived)
            self._unseen.extend(orjson.loads(message) for message in arrived)
        event = self._unseen.pop(0)
        self.events.append(event)
        return event

    async def until(self, kind: str, where: Callable[[Json], bool] = lambda _: True) -> list[Json]:
        """Every event up to and with the next one of this type for which `where` holds."""
        seen = [await self.next()]
        while seen[-1]["type"] != kind or not where(seen[-1]):
            seen.append(await self.next())
        return seen

    async def drain(self) -> None:
        """Read for ever."""
        while True:
            await self.next()

    async def play(self, pcm: bytes, *, step_ms: int = 20) -> None:
        """Send audio at real time."""
        for at in range(0, len(pcm), step_ms * 48):
            await self.send(append(pcm[at : at + step_ms * 48]))
            await trio.sleep(step_ms / 1000)


@asynccontextmanager
async def call(
    options: LocalOptions = FIXED,
    *,
    responder: Responder | None = None,
    speech: SpeechParts | None = None,
    host: LocalHost | None = None,
) -> AsyncIterator[Caller]:
    """A conversation over memory. Leaving hangs up and waits until the server has noticed."""
    near, far = memory_pair()
    host = host or LocalHost(options, responder=responder, speech=speech)
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(host.converse, far))
            caller = Caller(near)
            await caller.until("session.created")
            yield caller
            await near.aclose()

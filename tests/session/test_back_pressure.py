"""A server that reads slowly: whoever sends waits, and everything that was accepted arrives, once and in order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from engine import RealtimeAgent, RealtimeRunner, RealtimeSession
from engine.core.inputs import Input
from engine.errors import EngineError
from engine.mailboxes import WIRE_EVENTS
from engine.mailboxes.outbound import MOST_WIRE
from engine.models.interface import ModelConnection, RealtimeModel
from engine.session.wiring import Wiring
from engine.settings import RealtimeModelConfig
from engine.wire.client_events import ClientEvent, ConversationItemCreate
from engine.wire.items import InputText, Message
from engine.wire.server_events import ServerEvent, SessionCreated
from engine.wire.session import Session
from tests.properties.broken import swapped

AGENT: RealtimeAgent[Any] = RealtimeAgent(name="A")


class SlowReader(RealtimeModel):
    """Takes one event every `seconds`, and says nothing."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.read: list[str] = []

    @asynccontextmanager
    async def connect(self, config: RealtimeModelConfig) -> AsyncIterator[ModelConnection]:
        yield self

    async def receive(self) -> Sequence[ServerEvent]:
        await trio.sleep_forever()
        return [SessionCreated(Session())]

    async def send(self, events: Sequence[ClientEvent]) -> None:
        for event in events:
            await trio.sleep(self.seconds)
            match event:
                case ConversationItemCreate(item=Message(content=(InputText(text),))):
                    self.read.append(text)

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


def talk(seconds: float, senders: int, each: int, size: int) -> tuple[list[str], list[str], EngineError | None]:
    """Have several tasks send messages in loops. Returns what was accepted, what was read, and what ended it."""
    model = SlowReader(seconds)
    accepted: list[str] = []

    async def send(session: RealtimeSession[Any], sender: int) -> None:
        for number in range(each):
            text = f"{sender} {number} {'x' * size}"
            await session.send_message(text, respond=False)
            accepted.append(text)

    async def main() -> None:
        session = await RealtimeRunner(AGENT, model=model).run(model_config={"close_timeout": 10_000})
        async with session, trio.open_nursery() as nursery:
            for sender in range(senders):
                nursery.start_soon(send, session, sender)

    error: EngineError | None = None
    try:
        trio.run(main, clock=MockClock(autojump_threshold=0))
    except* EngineError as group:
        error = next(iter(group.exceptions))  # type: ignore[assignment]
    return accepted, model.read, error


@settings(max_examples=6, deadline=None)
@given(
    st.sampled_from([0.001, 0.1]),
    st.sampled_from([(1, 1500), (3, 500), (1300, 1)]),
    st.sampled_from([1, 20_000]),
)
def test_what_was_accepted_arrives_once_and_in_order(seconds: float, load: tuple[int, int], size: int) -> None:
    senders, each = load
    accepted, read, error = talk(seconds, senders, each, size)
    assert error is None
    assert len(accepted) == senders * each
    assert sorted(read) == sorted(accepted)
    for sender in range(min(senders, 3)):
        own = [text for text in read if text.startswith(f"{sender} ")]
        assert own == [text for text in accepted if text.startswith(f"{sender} ")]


def test_a_sender_that_does_not_wait_would_be_noticed() -> None:
    async def at_once(self: Wiring, command: Input) -> None:
        await self.inbox.put([command])

    with swapped(Wiring, "post", at_once):
        accepted, read, error = talk(0.1, 1, (MOST_WIRE + 2) * WIRE_EVENTS, 1)
    assert error is not None
    assert len(read) < len(accepted)

"""A model of your own: anything that can speak the vocabulary of `engine.wire` can be the server of a session."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import trio

from engine import ModelCapabilities, RealtimeAgent, RealtimeModel, RealtimeModelConfig, RealtimeRunner
from engine.wire.client_events import ClientEvent, ConversationItemCreate, ResponseCreate
from engine.wire.items import InputText, Item, Message, OutputText
from engine.wire.response import Response
from engine.wire.server_events import (
    ConversationItemAdded,
    ConversationItemDone,
    ResponseCreated,
    ResponseDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    ServerEvent,
)


class ParrotModel(RealtimeModel):
    """Repeats what it is told."""

    capabilities = ModelCapabilities(truncates=False, announces_session=False, interrupts_on_speech=False)

    @asynccontextmanager
    async def connect(self, config: RealtimeModelConfig) -> "AsyncIterator[ParrotConnection]":
        yield ParrotConnection()


class ParrotConnection:
    """One conversation. The session calls `receive` from one task and `send` from another."""

    def __init__(self) -> None:
        self._say, self._said = trio.open_memory_channel[list[ServerEvent]](16)
        self._last = ""
        self._count = 0

    async def receive(self) -> Sequence[ServerEvent]:
        return await self._said.receive()

    async def send(self, events: Sequence[ClientEvent]) -> None:
        for event in events:
            match event:
                case ConversationItemCreate(item=Message(content=(InputText(text=text), *_)) as item):
                    self._last = text
                    await self._say.send([*enters(item)])
                case ResponseCreate(response=wanted):
                    self._count += 1
                    await self._say.send(self._response(wanted.metadata))

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()

    def _response(self, metadata: dict[str, str]) -> list[ServerEvent]:
        response_id, item_id = f"resp_{self._count}", f"item_{self._count}"
        response = Response(id=response_id, conversation_id="parrot", metadata=metadata)
        item = Message(item_id, "assistant", (OutputText(self._last),), "completed")
        return [
            ResponseCreated(response),
            ResponseOutputItemAdded(response_id, 0, Message(item_id, "assistant", (), "in_progress")),
            *enters(item),
            *(ResponseOutputTextDelta(response_id, item_id, 0, 0, word) for word in self._last.split()),
            ResponseOutputTextDone(response_id, item_id, 0, 0, self._last),
            ResponseOutputItemDone(response_id, 0, item),
            ResponseDone(Response(id=response_id, status="completed", conversation_id="parrot")),
        ]


def enters(item: Item) -> list[ServerEvent]:
    return [ConversationItemAdded(item=item), ConversationItemDone(item=item)]


async def main() -> None:
    agent: RealtimeAgent[None] = RealtimeAgent(name="Polly")
    session = await RealtimeRunner(agent, model=ParrotModel()).run()
    async with session:
        await session.send_message("Pieces of eight!")
        async for event in session:
            if event.type == "transcript_done":
                print("parrot:", event.transcript)
                break


if __name__ == "__main__":
    trio.run(main)

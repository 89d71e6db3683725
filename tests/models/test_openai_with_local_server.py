"""OpenAI's model and the embedded server, each written from the facts on its own, understand each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio

from engine.errors import AuthenticationError, ConnectRefused, ModelNotFound, SessionExpired
from engine.local.server import serve
from engine.local.settings.options import LocalOptions
from engine.models.interface import ModelConnection
from engine.models.openai import OpenAIRealtimeWebSocketModel
from engine.settings import RealtimeModelConfig
from engine.wire.client_events import ConversationItemCreate, ResponseCreate
from engine.wire.items import InputText, Message
from engine.wire.server_events import ErrorEvent, ResponseDone, ServerEvent, SessionCreated

every_transport = pytest.mark.parametrize("transport", ["sansio", "trio-websocket"])


@asynccontextmanager
async def conversation(options: LocalOptions, **config: object) -> AsyncIterator[ModelConnection]:
    async with trio.open_nursery() as nursery:
        served = await nursery.start(partial(serve, options=options))
        asked = RealtimeModelConfig(url=served.url, **config)  # type: ignore[arg-type]
        async with OpenAIRealtimeWebSocketModel().connect(asked) as connection:
            yield connection
        nursery.cancel_scope.cancel()


async def until(connection: ModelConnection, kind: type[ServerEvent]) -> list[ServerEvent]:
    events: list[ServerEvent] = []
    while not any(isinstance(event, kind) for event in events):
        events += await connection.receive()
    return events


@every_transport
async def test_a_turn(transport: str) -> None:
    async with conversation(LocalOptions(), transport=transport) as connection:
        assert isinstance((await until(connection, SessionCreated))[0], SessionCreated)
        hello = Message(id="item_mine", role="user", content=(InputText("hello"),))
        await connection.send([ConversationItemCreate(hello), ResponseCreate()])
        events = await until(connection, ResponseDone)
        assert not [event for event in events if isinstance(event, ErrorEvent)]


@every_transport
@pytest.mark.parametrize(
    ("options", "config", "refusal"),
    [
        (LocalOptions(api_keys=frozenset({"sk-right"})), {"api_key": "sk-wrong"}, AuthenticationError),
        (LocalOptions(api_keys=frozenset({"sk-right"})), {}, AuthenticationError),
        (
            LocalOptions(models=frozenset({"gpt-realtime"})),
            {"initial_model_settings": {"model": "gpt-5"}},
            ModelNotFound,
        ),
        (LocalOptions(refuse_beta=True), {"headers": {"OpenAI-Beta": "realtime=v1"}}, ConnectRefused),
    ],
)
async def test_a_refusal(
    transport: str, options: LocalOptions, config: dict[str, object], refusal: type[ConnectRefused]
) -> None:
    told: list[ConnectRefused] = []
    try:
        async with conversation(options, transport=transport, **config):
            raise AssertionError("connected")
    except* ConnectRefused as group:
        told += [error for error in group.exceptions if isinstance(error, ConnectRefused)]
    assert [type(error) for error in told] == [refusal]


@every_transport
async def test_an_expiry(transport: str) -> None:
    async with conversation(LocalOptions(session_seconds=0.05), transport=transport) as connection:
        with pytest.raises(SessionExpired):
            await until(connection, ResponseDone)

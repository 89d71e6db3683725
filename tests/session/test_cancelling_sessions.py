"""A session that is cut short at any step of its life, from the first to the last, leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from engine import RealtimeAgent, RealtimeRunner, RealtimeSession, function_tool
from engine.agents.guardrail import GuardrailFunctionOutput, output_guardrail
from engine.agents.hooks import RealtimeAgentHooks
from engine.local.server import serve
from engine.local.settings.latencies import Latencies
from engine.local.settings.options import LocalOptions
from engine.models.interface import RealtimeModel
from engine.models.local import LocalModel
from engine.settings import RealtimeModelConfig
from tests.support.cancel import cancel_at_every_step

CLOSE_TIMEOUT = 0.2
CUTS = 7
"""Over sockets a run takes real time, and is cut in so many places between its first step and its last."""


def virtual() -> MockClock:
    return MockClock(autojump_threshold=0)


class Watchful(RealtimeAgentHooks[Any]):
    async def on_start(self, ctx: Any, agent: Any) -> None:
        await trio.lowlevel.checkpoint()


@output_guardrail
async def lenient(ctx: Any, agent: Any, text: str) -> GuardrailFunctionOutput:
    await trio.lowlevel.checkpoint()
    return GuardrailFunctionOutput()


@function_tool
async def get_order_status(order_number: str) -> dict[str, str]:
    """Look up an order."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.lowlevel.checkpoint)
    return {"status": "on its way"}


async def instructions(ctx: Any, agent: Any) -> str:
    await trio.lowlevel.checkpoint()
    return "Be brief."


AGENT: RealtimeAgent[Any] = RealtimeAgent(
    name="A",
    instructions=instructions,
    tools=[get_order_status],
    output_guardrails=[lenient],
    hooks=Watchful(),
)
OPTIONS = LocalOptions(latencies=Latencies.none(), audio_delta_ms=(1000,))


async def converse(session: RealtimeSession[Any]) -> None:
    """A turn with a tool, an interruption in the middle of the answer, and what a microphone does."""
    await session.send_message("Where is order 4821?")
    await session.send_audio(b"\0\0" * 480)
    handle = None
    async for event in session:
        if event.type == "audio" and handle is None:
            await session.interrupt()
            handle = await session.respond()
        if event.type == "agent_end" and event.status == "completed" and handle is not None:
            break
    await session.commit_audio()


async def by_block(model: RealtimeModel | None, config: RealtimeModelConfig) -> None:
    async with await RealtimeRunner(AGENT, model=model).run(model_config=config) as session:
        await converse(session)


async def by_enter(model: RealtimeModel | None, config: RealtimeModelConfig) -> None:
    session = await RealtimeRunner(AGENT, model=model).run(model_config=config)
    try:
        await session.enter()
        await converse(session)
    finally:
        await session.close()


@pytest.mark.parametrize("way", [by_block, by_enter])
def test_in_memory(way: Callable[..., Any]) -> None:
    program = partial(way, LocalModel(OPTIONS), RealtimeModelConfig(close_timeout=CLOSE_TIMEOUT))
    last = cancel_at_every_step(program, clock=virtual, within=2 * CLOSE_TIMEOUT + 2)
    assert last > 100


@pytest.mark.parametrize(("way", "transport"), [(by_block, "sansio"), (by_enter, "trio-websocket")])
def test_over_a_socket(way: Callable[..., Any], transport: str) -> None:
    """Server and all: the server is cut short in the same moment, and may wait its two seconds for a goodbye."""

    async def program() -> None:
        async with trio.open_nursery() as nursery:
            served = await nursery.start(partial(serve, options=OPTIONS))
            await way(None, RealtimeModelConfig(url=served.url, transport=transport, close_timeout=CLOSE_TIMEOUT))
            nursery.cancel_scope.cancel()

    last = cancel_at_every_step(program, within=20, at_most=CUTS)
    assert last > 100

"""Opening a session: what can go wrong before it stands, who may interfere, and that nothing stays behind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from engine import RealtimeAgent, RealtimeRunner, RealtimeSession, ScriptedModel, function_tool
from engine.errors import ConnectRefused, SessionClosed, SessionFailed, SessionNotOpen, SettingsError
from engine.models.interface import ModelConnection
from engine.models.scripted import Expect, Say
from engine.settings import RealtimeModelConfig
from engine.wire.client_events import ResponseCreate
from tests.session.litter import no_litter
from tests.support.talk import begins, calls, ends

Way = Callable[[RealtimeSession[Any]], Awaitable[None]]


async def by_block(session: RealtimeSession[Any]) -> None:
    async with session:
        pass


async def by_enter(session: RealtimeSession[Any]) -> None:
    await session.enter()
    await session.close()


both_ways = pytest.mark.parametrize("way", [by_block, by_enter])


class Model(ScriptedModel):
    """Takes a second to connect, and then may fail."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.error = error
        self.left = 0

    @asynccontextmanager
    async def connect(self, config: RealtimeModelConfig) -> AsyncIterator[ModelConnection]:
        try:
            await trio.sleep(1)
            if self.error is not None:
                raise self.error
            async with super().connect(config) as link:
                yield link
        finally:
            self.left += 1


async def session_of(model: Model, **about: Any) -> RealtimeSession[Any]:
    agent: RealtimeAgent[Any] = RealtimeAgent(name="Plain", **about)
    return await RealtimeRunner(agent, model=model).run()


@both_ways
@pytest.mark.parametrize(
    ("error", "told"),
    [(ConnectRefused("nobody is there"), ConnectRefused), (KeyError("secrets"), SessionFailed)],
    ids=["refused", "broken"],
)
async def test_a_model_that_cannot_connect(
    way: Way, error: Exception, told: type[Exception], autojump_clock: MockClock
) -> None:
    model = Model(error)
    async with no_litter():
        session = await session_of(model)
        with pytest.raises(told, match=str(error)):
            await way(session)
        assert model.left == 1
        with pytest.raises(SessionNotOpen):
            await session.interrupt()
        with pytest.raises(SessionNotOpen):
            await session.__anext__()
        with pytest.raises(SessionClosed):
            await way(session)
        await session.close()


@both_ways
async def test_instructions_that_raise(way: Way, autojump_clock: MockClock) -> None:
    def instructions(ctx: Any, agent: Any) -> str:
        raise LookupError("no such customer")

    model = Model()
    async with no_litter():
        with pytest.raises(LookupError, match="no such customer"):
            await way(await session_of(model, instructions=instructions))
    assert model.left == 0


@both_ways
async def test_a_tool_that_cannot_tell_whether_it_is_enabled(way: Way, autojump_clock: MockClock) -> None:
    async def unsure(ctx: Any, agent: Any) -> bool:
        raise LookupError("no such customer")

    async with no_litter():
        with pytest.raises(LookupError, match="no such customer"):
            await way(await session_of(Model(), tools=[function_tool(_add, is_enabled=unsure)]))


def _add(a: int, b: int) -> int:
    return a + b


@both_ways
async def test_a_handoff_to_nothing(way: Way, autojump_clock: MockClock) -> None:
    agents: list[Any] = []
    session = await session_of(Model(), handoffs=agents)
    agents.append("billing")
    async with no_litter():
        with pytest.raises(SettingsError, match="handoffs: expected a RealtimeAgent or a Handoff, got str"):
            await way(session)


@both_ways
async def test_a_session_is_opened_once(way: Way, autojump_clock: MockClock) -> None:
    outcomes: list[str] = []

    async def open_it() -> None:
        try:
            await way(session)
        except SessionClosed:
            outcomes.append("refused")
        else:
            outcomes.append("opened")

    async with no_litter():
        session = await session_of(Model())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(open_it)
            nursery.start_soon(open_it)
    assert sorted(outcomes) == ["opened", "refused"]


# --- interfering


async def slow_instructions(ctx: Any, agent: Any) -> str:
    await trio.sleep(1)
    return "Be brief."


@both_ways
@pytest.mark.parametrize("at", [0.5, 1.5], ids=["while the agent is asked", "while it connects"])
async def test_closed_while_it_is_opened(way: Way, at: float, autojump_clock: MockClock) -> None:
    model = Model()
    async with no_litter():
        session = await session_of(model, instructions=slow_instructions)
        async with trio.open_nursery() as nursery:

            async def open_it() -> None:
                with pytest.raises(SessionClosed):
                    await way(session)
                assert trio.current_time() - begun == at

            begun = trio.current_time()
            nursery.start_soon(open_it)
            await trio.sleep(at)
            await session.close()
            assert trio.current_time() - begun == at
    assert model.left == (at > 1)


@both_ways
@pytest.mark.parametrize("after", [0.5, 1.5, 1.999_999_999])
async def test_cancelled_while_it_is_opened(way: Way, after: float, autojump_clock: MockClock) -> None:
    model = Model()
    async with no_litter():
        session = await session_of(model, instructions=slow_instructions)
        with trio.move_on_after(after) as patience:
            await way(session)
        assert patience.cancelled_caught
    assert model.left == (after > 1)


async def test_cancelled_in_the_moment_in_which_it_stands(autojump_clock: MockClock) -> None:
    """`enter` is cancelled after the session has begun and before its caller hears of it."""
    opened = []

    class Instant(ScriptedModel):
        @asynccontextmanager
        async def connect(self, config: RealtimeModelConfig) -> AsyncIterator[ModelConnection]:
            async with super().connect(config) as link:
                opened.append(link)
                patience.cancel()
                yield link
                opened.remove(link)

    session = await RealtimeRunner(RealtimeAgent(name="Plain"), model=Instant()).run()
    async with no_litter():
        with trio.CancelScope() as patience:
            await session.enter()
        assert patience.cancelled_caught
        assert not opened


# --- what a session takes along

CALLER: ContextVar[str] = ContextVar("CALLER")


@both_ways
async def test_tools_see_the_context_variables_of_whoever_opened_the_session(
    way: Way, autojump_clock: MockClock
) -> None:
    @function_tool
    async def who() -> str:
        return CALLER.get("nobody")

    script = [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *calls("r1", ("c1", "who", "{}")), ends("r1")]),
    ]
    agent: RealtimeAgent[Any] = RealtimeAgent(name="Who", tools=[who])
    session = await RealtimeRunner(agent, model=ScriptedModel(script)).run()
    CALLER.set("Ada")
    if way is by_block:
        async with session:
            assert await _output(session) == "Ada"
    else:
        await session.enter()
        assert await _output(session) == "Ada"
        await session.close()


async def _output(session: RealtimeSession[Any]) -> str:
    await session.send_message("who is there?")
    async for event in session:
        if event.type == "tool_end":
            return event.output
    raise AssertionError


async def test_a_close_that_the_agents_own_function_shields_itself_from_is_not_lost(autojump_clock: MockClock) -> None:
    async def instructions(context: Any, agent: Any) -> str:
        with trio.CancelScope(shield=True):
            await trio.sleep(10)
        return "Be brief."

    async with no_litter():
        agent: RealtimeAgent[Any] = RealtimeAgent(name="A", instructions=instructions)
        session = await RealtimeRunner(agent, model=ScriptedModel([])).run()
        async with trio.open_nursery() as nursery:

            async def close() -> None:
                await trio.sleep(1)
                await session.close()

            nursery.start_soon(close)
            with pytest.raises(SessionClosed, match="while it was being opened"):
                await session.enter()

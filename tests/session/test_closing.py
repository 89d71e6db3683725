"""Closing a session: from anywhere, at any moment, any number of times, and within its deadline."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from engine import RealtimeAgent, RealtimeRunner, RealtimeSession, ScriptedModel
from engine.agents.guardrail import GuardrailFunctionOutput, output_guardrail
from engine.agents.hooks import RealtimeAgentHooks
from engine.agents.tool import function_tool
from engine.errors import EngineError, SessionClosed, TransportLost
from engine.events import RealtimeSessionEvent
from engine.models.interface import ModelConnection, RealtimeModel
from engine.models.scripted import Expect, HangUp, Say
from engine.session.response_handle import ResponseHandle
from engine.settings import RealtimeModelConfig
from engine.wire.client_events import ClientEvent, ConversationItemCreate, InputAudioBufferCommit, ResponseCreate
from engine.wire.items import Message
from engine.wire.server_events import ServerEvent, SessionCreated
from engine.wire.session import Session
from tests.session.litter import no_litter
from tests.support.talk import begins, calls, ends, falls_silent, speaks

PLAIN: RealtimeAgent[Any] = RealtimeAgent(name="Plain", instructions="Be brief.")
CLOSE_TIMEOUT = 5.0
SPEAKING = [
    Expect(ResponseCreate),
    Say([begins("r1", "req_1"), *speaks("r1", "a", "a long story", 10)]),
]


async def session_with(model: RealtimeModel, agent: RealtimeAgent[Any] = PLAIN) -> RealtimeSession[Any]:
    return await RealtimeRunner(agent, model=model).run()


async def read(session: RealtimeSession[Any], events: list[RealtimeSessionEvent]) -> None:
    async for event in session:
        events.append(event)


async def for_ever(function: Callable[[], Awaitable[Any]], results: list[Any] | None = None) -> None:
    while True:
        result = await function()
        if results is not None:
            results.append(result)


def types(events: Sequence[RealtimeSessionEvent]) -> list[str]:
    return [event.type for event in events]


# --- from where, and how often


async def test_another_task_closes(autojump_clock: MockClock) -> None:
    events: list[RealtimeSessionEvent] = []
    async with no_litter():
        session = await session_with(ScriptedModel(SPEAKING))
        async with session, trio.open_nursery() as nursery:
            nursery.start_soon(read, session, events)
            await session.send_message("tell me a story")
            await trio.sleep(1)
            await session.close()
    assert types(events)[-2:] == ["agent_end", "turn_metrics"]
    assert events[-2].reason == "session_closed"  # type: ignore[union-attr]


async def test_the_reader_closes(autojump_clock: MockClock) -> None:
    async with no_litter():
        session = await session_with(ScriptedModel(SPEAKING))
        async with session:
            await session.send_message("tell me a story")
            seen = []
            async for event in session:
                seen.append(event.type)
                if event.type == "audio":
                    await session.close()
    assert seen.count("audio") == 1, "audio that was not taken yet will not be played by anybody"
    assert seen[-2:] == ["agent_end", "turn_metrics"]


async def test_several_close_at_once(autojump_clock: MockClock) -> None:
    async with no_litter():
        session = await session_with(ScriptedModel(SPEAKING))
        async with session, trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(session.close)
        await session.close()


async def test_closed_before_it_was_ever_opened(autojump_clock: MockClock) -> None:
    session = await session_with(ScriptedModel(SPEAKING))
    await session.close()
    async with no_litter(), session:
        await session.send_message("it still opens")


@pytest.mark.parametrize("code", [1000, 1011, None])
async def test_closed_after_the_server_left(code: int | None, autojump_clock: MockClock) -> None:
    async with no_litter():
        session = await session_with(ScriptedModel([Expect(ResponseCreate), HangUp(code)]))
        async with session:
            await session.respond()
            await trio.sleep(1)
            await session.close()
            with pytest.raises(SessionClosed):
                await session.interrupt()


async def test_what_was_said_before_closing_is_sent(autojump_clock: MockClock) -> None:
    model = ScriptedModel()
    async with await session_with(model) as session:
        await session.send_message("goodbye")
    assert isinstance(model.sent[-1], ResponseCreate)
    said = [event.item for event in model.sent if isinstance(event, ConversationItemCreate)]
    assert [type(item) for item in said] == [Message]


# --- the body fails


class Mine(Exception):
    pass


async def test_an_error_in_the_block_leaves_as_it_is(autojump_clock: MockClock) -> None:
    error = Mine()
    async with no_litter():
        with pytest.raises(Mine) as told:
            async with await session_with(ScriptedModel(SPEAKING)):
                raise error
    assert told.value is error


async def test_an_error_in_a_block_that_is_cancelled_is_not_lost(autojump_clock: MockClock) -> None:
    async def body() -> None:
        async with await session_with(ScriptedModel(SPEAKING)):
            try:
                await trio.sleep_forever()
            finally:
                raise Mine

    async with no_litter():
        with pytest.raises(Mine), trio.move_on_after(1):
            await body()


@pytest.mark.parametrize("after", [0, 0.5])
async def test_a_cancelled_block(after: float, autojump_clock: MockClock) -> None:
    events: list[RealtimeSessionEvent] = []
    async with no_litter():
        with trio.move_on_after(after) as patience:
            async with await session_with(ScriptedModel(SPEAKING)) as session:
                await session.send_message("tell me a story")
                await read(session, events)
        assert patience.cancelled_caught
    assert trio.current_time() < 2


async def test_a_block_that_is_cancelled_while_it_closes(autojump_clock: MockClock) -> None:
    async with no_litter():
        session = await session_with(Deaf())
        with trio.move_on_after(2) as patience:
            async with session:
                pass
        assert patience.cancel_called
    assert trio.current_time() <= CLOSE_TIMEOUT + 1


# --- a server that does not play along


class Deaf(RealtimeModel):
    """Takes nothing, says nothing, and answers no goodbye. Cancelling it takes the time that a transport may take."""

    def __init__(self, takes: int = 0) -> None:
        super().__init__()
        self.takes = takes

    @asynccontextmanager
    async def connect(self, config: RealtimeModelConfig) -> AsyncIterator[ModelConnection]:
        try:
            yield self
        finally:
            with trio.move_on_after(0.5, shield=True):
                await trio.sleep_forever()

    async def receive(self) -> Sequence[ServerEvent]:
        await trio.sleep_forever()
        return [SessionCreated(Session())]

    async def send(self, events: Sequence[ClientEvent]) -> None:
        self.takes -= len(events)
        if self.takes < 0:
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        await trio.sleep_forever()


async def by_block(session: RealtimeSession[Any]) -> None:
    async with session:
        await session.send_message("is anybody there?")


async def by_close(session: RealtimeSession[Any]) -> None:
    await session.enter()
    await session.send_message("is anybody there?")
    await session.close()
    assert trio.current_time() <= CLOSE_TIMEOUT
    await trio.sleep(0.5)
    assert not session.still_running


@pytest.mark.parametrize("way", [by_block, by_close])
@pytest.mark.parametrize("takes", [0, 100], ids=["does not read", "does not say goodbye"])
async def test_a_server_that_holds_on(
    way: Callable[[RealtimeSession[Any]], Awaitable[None]], takes: int, autojump_clock: MockClock
) -> None:
    async with no_litter():
        await way(await session_with(Deaf(takes)))
    assert trio.current_time() <= CLOSE_TIMEOUT + 0.5


async def test_waiting_for_a_server_that_does_not_read_ends_with_the_session(autojump_clock: MockClock) -> None:
    async with no_litter(), await session_with(Deaf()) as session, trio.open_nursery() as nursery:

        async def commit() -> None:
            with pytest.raises(SessionClosed):
                await session.commit_audio()

        async def speak() -> None:
            with pytest.raises(SessionClosed):
                await for_ever(partial(session.send_audio, b"\0\0" * 24_000))

        async def wait() -> None:
            assert (await handle.done()).status == "superseded"

        handle = await session.respond()
        nursery.start_soon(commit)
        nursery.start_soon(speak)
        nursery.start_soon(wait)
        await trio.sleep(1)
        await session.close()


class Broken(Deaf):
    """Breaks when something is committed."""

    async def send(self, events: Sequence[ClientEvent]) -> None:
        if any(isinstance(event, InputAudioBufferCommit) for event in events):
            raise TransportLost("it broke while writing")
        await trio.lowlevel.checkpoint()


async def test_a_commit_that_breaks_the_connection(autojump_clock: MockClock) -> None:
    async with no_litter(), await session_with(Broken()) as session:
        with pytest.raises(SessionClosed):
            await session.commit_audio()
        with pytest.raises(TransportLost, match="while writing"):
            await session.__anext__()


async def test_a_wish_that_comes_too_late_is_settled(autojump_clock: MockClock) -> None:
    """Handed over in the very moment in which the session ends: nobody will look at it, yet nobody waits for ever."""
    async with no_litter():
        async with await session_with(ScriptedModel()) as session, trio.open_nursery() as nursery:
            nursery.start_soon(session.close)
            await trio.lowlevel.checkpoint()
            handles: list[ResponseHandle] = []
            with pytest.raises(SessionClosed):
                await for_ever(session.respond, handles)
        assert handles
        for handle in handles:
            assert (await handle.done()).status == "superseded"
            assert await handle.created() is None


# --- from inside


class Closer:
    """Application code that closes the session it runs in."""

    def __init__(self) -> None:
        self.session: RealtimeSession[Any] | None = None
        self.returned = False

    async def __call__(self) -> None:
        assert self.session is not None
        await self.session.close()
        self.returned = True


def closing_tool(close: Closer) -> RealtimeAgent[Any]:
    @function_tool
    async def hang_up() -> str:
        await close()
        return "bye"

    return RealtimeAgent(name="A", tools=[hang_up])


def closing_tool_in_a_thread(close: Closer) -> RealtimeAgent[Any]:
    @function_tool
    def hang_up() -> str:
        trio.from_thread.run(close)
        return "bye"

    return RealtimeAgent(name="A", tools=[hang_up])


def closing_tool_with_children(close: Closer) -> RealtimeAgent[Any]:
    @function_tool
    async def hang_up() -> str:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(close)
            nursery.start_soon(close)
        return "bye"

    return RealtimeAgent(name="A", tools=[hang_up])


def closing_guardrail(close: Closer) -> RealtimeAgent[Any]:
    @output_guardrail
    async def enough(ctx: Any, agent: Any, text: str) -> GuardrailFunctionOutput:
        await close()
        return GuardrailFunctionOutput()

    return RealtimeAgent(name="A", output_guardrails=[enough])


def closing_hook(close: Closer) -> RealtimeAgent[Any]:
    class Hooks(RealtimeAgentHooks[Any]):
        async def on_end(self, ctx: Any, agent: Any, output: str) -> None:
            await close()

    return RealtimeAgent(name="A", hooks=Hooks())


@pytest.mark.parametrize(
    "make",
    [closing_tool, closing_tool_in_a_thread, closing_tool_with_children, closing_guardrail, closing_hook],
)
async def test_application_code_may_close_the_session_it_runs_in(
    make: Callable[[Closer], RealtimeAgent[Any]],
) -> None:
    """The session ends; what it runs ends with it, in the middle of its call to `close` if that is where it is."""
    close = Closer()
    script = [
        Expect(ResponseCreate),
        Say(
            [
                begins("r1", "req_1"),
                *speaks("r1", "a", "goodbye", 0.1),
                *falls_silent("r1", "a", "goodbye"),
                *calls("r1", ("c1", "hang_up", "{}")),
                ends("r1"),
            ]
        ),
    ]
    with trio.fail_after(5):
        async with no_litter():
            close.session = await session_with(ScriptedModel(script), make(close))
            async with close.session as session:
                await session.send_message("goodbye")
                events: list[RealtimeSessionEvent] = []
                await read(session, events)
    assert types(events).count("agent_end") == 1
    assert "error" not in types(events)


async def test_a_tool_that_defends_itself_against_the_end_it_asked_for(autojump_clock: MockClock) -> None:
    close = Closer()

    @function_tool
    async def hang_up() -> str:
        with trio.CancelScope(shield=True):
            await close()
        return "bye"

    script = [Expect(ResponseCreate), Say([begins("r1", "req_1"), *calls("r1", ("c1", "hang_up", "{}")), ends("r1")])]
    async with no_litter():
        agent: RealtimeAgent[Any] = RealtimeAgent(name="A", tools=[hang_up])
        close.session = await session_with(ScriptedModel(script), agent)
        async with close.session as session:
            await session.send_message("goodbye")
            await read(session, [])
    assert close.returned
    assert trio.current_time() == CLOSE_TIMEOUT


async def test_a_model_that_fails_when_it_is_left(autojump_clock: MockClock) -> None:
    class Fragile(ScriptedModel):
        @asynccontextmanager
        async def connect(self, config: RealtimeModelConfig) -> AsyncIterator[ModelConnection]:
            async with super().connect(config) as link:
                yield link
            raise OSError("the line crackled")

    async with no_litter():
        with pytest.raises(EngineError, match="the line crackled"):
            async with await session_with(Fragile()):
                pass

"""Tools that raise what nobody raises, return what nobody can send, or never return: the model always gets its one
output, the conversation goes on, and nothing is left."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import pytest
import trio
from trio.testing import MockClock

from engine import RealtimeAgent, RealtimeRunner, RealtimeSession, ScriptedModel, function_tool
from engine.errors import BadArguments, SessionClosed, SlowConsumer, TransportLost
from engine.models.scripted import Expect, Pause, Say
from engine.wire.client_events import ResponseCreate
from tests.session.litter import no_litter
from tests.session.someone_elses_end import someone_elses_cancellation
from tests.session.test_application import Told, say_hello, talk, tool_script
from tests.support.talk import begins, calls, ends, falls_silent, speaks


class Unspeakable(Exception):
    """Cannot even say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


def raises_in_children() -> ExceptionGroup[Exception]:
    return ExceptionGroup("children", [ValueError("out of cheese"), ExceptionGroup("more", [KeyError("milk")])])


STRANGE_ERRORS: dict[str, tuple[Callable[[], BaseException], str]] = {
    "an error": (lambda: ValueError("out of cheese"), "out of cheese"),
    "no words": (ValueError, "ValueError"),
    "unspeakable": (Unspeakable, "Unspeakable"),
    "half a pair of surrogates": (lambda: ValueError("\ud83d cheese"), "? cheese"),
    "a group": (raises_in_children, "out of cheese; 'milk'"),
    "a group with the end of the program": (
        lambda: BaseExceptionGroup("all at once", [SystemExit(2), ValueError("x")]),
        "SystemExit(2)",
    ),
    "the end of the program": (lambda: SystemExit(2), "SystemExit(2)"),
    "a cancellation of asyncio's": (asyncio.CancelledError, "CancelledError"),
    "the closing of a coroutine": (GeneratorExit, "GeneratorExit"),
    "somebody else's cancellation": (someone_elses_cancellation, "Cancelled"),
    "a group with somebody else's cancellation": (
        lambda: BaseExceptionGroup("all at once", [someone_elses_cancellation(), ValueError("x")]),
        "Cancelled",
    ),
    "the end of an iteration": (StopAsyncIteration, "StopAsyncIteration"),
    "the end of a channel": (trio.EndOfChannel, "EndOfChannel"),
    "too deep": (lambda: RecursionError("too deep"), "too deep"),
    "the engine's own end": (lambda: SessionClosed("the session is closed"), "the session is closed"),
    "the engine's own loss": (lambda: TransportLost("it broke"), "it broke"),
    "the engine's own complaint": (lambda: SlowConsumer("wake up"), "wake up"),
    "the engine's own refusal": (lambda: BadArguments("no such day"), "no such day"),
}


def call_once(tool: Any, *, goes_on: bool = True) -> Told:
    agent: RealtimeAgent[Any] = RealtimeAgent(name="A", tools=[tool])
    told = talk(agent, tool_script(("c1", tool.name, "{}")), say_hello)
    assert told.outputs().keys() == {"c1"}
    assert told.outputs()["c1"] == told.one("tool_end").output
    assert told.types().count("agent_end") == (2 if goes_on else 1)
    return told


@pytest.mark.parametrize("name", STRANGE_ERRORS)
@pytest.mark.parametrize("threaded", [False, True], ids=["async", "in a thread"])
def test_whatever_a_tool_raises_is_told_to_the_model(name: str, threaded: bool) -> None:
    make, words = STRANGE_ERRORS[name]

    async def do_it() -> str:
        raise make()

    def do_it_in_a_thread() -> str:
        raise make()

    told = call_once(function_tool(do_it_in_a_thread if threaded else do_it))
    assert told.one("tool_end").outcome == "error"
    assert words in told.one("tool_end").output
    assert told.types().count("error") == (0 if "refusal" in name else 1)


def test_a_formatter_that_fails_too_leaves_the_usual_words() -> None:
    def worse(ctx: Any, error: Exception) -> str:
        raise Unspeakable

    @function_tool(failure_error_function=worse)
    async def fail() -> str:
        raise ValueError("out of cheese")

    told = call_once(fail)
    assert "out of cheese" in told.one("tool_end").output
    assert told.types().count("error") == 2


# --- results


def _endless() -> Any:
    yield from iter(int, 1)


def _knot() -> list[Any]:
    knot: list[Any] = []
    knot.append(knot)
    return knot


def _deep() -> list[Any]:
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    return deep


class Sour:
    """Its own idea of JSON fails."""

    def model_dump(self, mode: str) -> NoReturn:
        raise Unspeakable


@pytest.mark.parametrize(
    "make",
    [object, lambda: b"bytes", _endless, _knot, _deep, lambda: open, lambda: 2**70, lambda: {object(): 1}, Sour],
    ids=["object", "bytes", "generator", "knot", "deep", "function", "too big a number", "odd keys", "sour"],
)
def test_a_result_without_a_json_form_is_an_error_that_the_model_can_read(make: Callable[[], object]) -> None:
    @function_tool
    async def opaque() -> object:
        return make()

    told = call_once(opaque)
    assert told.one("tool_end").outcome == "error"
    assert "opaque" in told.one("tool_end").output


@pytest.mark.parametrize(
    ("result", "output"),
    [("\ud83d!", "?!"), (float("nan"), "null"), ("", ""), (None, "null"), ("x" * 20_000_000, "x" * 20_000_000)],
    ids=["half a pair of surrogates", "nan", "nothing", "None", "20 MB"],
)
def test_odd_results(result: object, output: str) -> None:
    @function_tool
    async def odd() -> object:
        return result

    assert call_once(odd).outputs()["c1"] == output


# --- tools that do not end


def test_a_tool_that_takes_its_cancellation_for_an_answer() -> None:
    @function_tool(timeout=1)
    async def stubborn() -> str:
        try:
            await trio.sleep_forever()
        except trio.Cancelled:
            return "I had nearly finished"
        raise AssertionError

    told = call_once(stubborn)
    assert told.one("tool_end").output == "I had nearly finished"


@function_tool(on_interruption="cancel")
async def messy() -> str:
    """Fails when it is cleaned up, in a child task."""

    async def child() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise OSError("the drawer is stuck")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(child)
        nursery.start_soon(trio.sleep_forever)
    raise AssertionError


def test_a_tool_that_fails_as_it_is_interrupted() -> None:
    script = [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *calls("r1", ("c1", "messy", "{}")), ends("r1")]),
        Expect(ResponseCreate),
        Say([begins("r2", "req_2"), *speaks("r2", "a", "yes", 0.1), *falls_silent("r2", "a", "yes"), ends("r2")]),
    ]

    async def program(session: RealtimeSession[Any]) -> None:
        await session.send_message("hello")
        await trio.sleep(1)
        await session.interrupt()
        await session.send_message("are you still there?")

    agent: RealtimeAgent[Any] = RealtimeAgent(name="A", tools=[messy])
    told = talk(agent, script, program)
    assert told.one("tool_end").outcome == "cancelled"
    assert told.types().count("agent_end") == 2


async def _while_it_runs(tool: Any, program: Callable[[RealtimeSession[Any]], Awaitable[None]]) -> list[str]:
    """Open a session in which the model calls the tool, and run `program` once it has started."""
    model = ScriptedModel(tool_script(("c1", tool.name, "{}")))
    agent: RealtimeAgent[Any] = RealtimeAgent(name="A", tools=[tool])
    seen = []
    async with no_litter(), await RealtimeRunner(agent, model=model).run() as session:
        await session.send_message("hello")
        async for event in session:
            seen.append(event.type)
            if event.type == "tool_start":
                await program(session)
    return seen


async def test_closing_while_a_tool_hangs(autojump_clock: MockClock) -> None:
    @function_tool
    async def hang() -> str:
        await trio.sleep_forever()
        return ""

    seen = await _while_it_runs(hang, RealtimeSession.close)
    assert seen.count("tool_end") == 1
    assert trio.current_time() == 0


async def test_closing_while_a_tool_is_messy(autojump_clock: MockClock) -> None:
    seen = await _while_it_runs(messy, RealtimeSession.close)
    assert seen.count("tool_end") == 1
    assert "error" not in seen


async def test_closing_while_a_thread_is_blocked_for_ever() -> None:
    """In real time: the thread goes on, the session does not wait for it."""
    released = threading.Event()
    ended = threading.Event()

    @function_tool
    def block() -> str:
        released.wait()
        ended.set()
        return ""

    try:
        with trio.fail_after(4):
            seen = await _while_it_runs(block, RealtimeSession.close)
    finally:
        released.set()
    assert seen.count("tool_end") == 1
    assert await trio.to_thread.run_sync(ended.wait, 10)


async def test_a_thread_that_is_blocked_for_ever_times_out() -> None:
    released = threading.Event()

    @function_tool(timeout=0.01)
    def block() -> str:
        released.wait()
        return ""

    told = []
    script = [*tool_script(("c1", "block", "{}"))]
    try:
        with trio.fail_after(4):
            agent: RealtimeAgent[Any] = RealtimeAgent(name="A", tools=[block])
            async with await RealtimeRunner(agent, model=ScriptedModel(script)).run() as session:
                await session.send_message("hello")
                async for event in session:
                    told.append(event)
                    if event.type == "agent_end" and event.response_id == "r2":
                        break
    finally:
        released.set()
    [end] = [event for event in told if event.type == "tool_end"]
    assert end.outcome == "timeout"


def test_a_tool_that_hangs_holds_nothing_else_up() -> None:
    """Another call of the same reply ends, the user is heard, and the model answers something else meanwhile."""

    @function_tool
    async def hang() -> str:
        await trio.sleep_forever()
        return ""

    @function_tool
    async def quick() -> str:
        return "done"

    script = [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *calls("r1", ("c1", "hang", "{}"), ("c2", "quick", "{}")), ends("r1")]),
        Expect(ResponseCreate),
        Say([begins("r2", "req_2"), *speaks("r2", "a", "yes", 0.1), *falls_silent("r2", "a", "yes"), ends("r2")]),
        Pause(1),
    ]

    async def program(session: RealtimeSession[Any]) -> None:
        await session.send_message("do two things")
        await trio.sleep(1)
        await session.send_message("are you still there?")

    agent: RealtimeAgent[Any] = RealtimeAgent(name="A", tools=[hang, quick])
    told = talk(agent, script, program)
    assert told.outputs() == {"c2": "done"}
    ends_of = {event.call_id: event.outcome for event in told.events if event.type == "tool_end"}
    assert ends_of == {"c1": "cancelled", "c2": "result"}
    assert told.types().count("agent_end") == 2


def test_sys_exit_is_what_it_looks_like() -> None:
    """What argument parsers do, inside of a tool."""

    @function_tool
    def parse() -> str:
        sys.exit("usage: parse FILE")

    assert "usage: parse FILE" in call_once(parse).one("tool_end").output

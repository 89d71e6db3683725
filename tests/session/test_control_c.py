"""Ctrl-C: wherever it strikes, and whichever callback raises what it raises, the program's main task gets it, by itself
and in no group, and the session is closed, whether it was opened by a block or by `enter`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

import engine
from engine import RealtimeAgent, RealtimeRunner, RealtimeSession, ScriptedModel, realtime_handoff
from engine.agents.callbacks import is_async
from engine.agents.guardrail import output_guardrail, tool_input_guardrail, tool_output_guardrail
from engine.agents.hooks import RealtimeAgentHooks
from engine.agents.tool import FunctionTool
from engine.errors import SessionClosed
from engine.models.scripted import Expect, Pause, Say, Step
from engine.wire.client_events import ResponseCreate
from tests.support.talk import begins, calls, ends, falls_silent, speaks

ENGINE = str(Path(engine.__file__).parent)
STRIDE = 61
"""Of the calls in a session, every so many is struck."""

Opening = Callable[[RealtimeSession[Any]], Awaitable[None]]


async def hold(session: RealtimeSession[Any]) -> None:
    await session.send_message("hello")
    ended = 0
    async for event in session:
        if event.type == "audio":
            await session.send_audio(bytes(960))
        ended += event.type == "agent_end"
        if ended == 2:
            await trio.sleep(1)
            return


async def by_block(session: RealtimeSession[Any]) -> None:
    async with session:
        await hold(session)


async def by_enter(session: RealtimeSession[Any]) -> None:
    await session.enter()
    await hold(session)


each_opening = pytest.mark.parametrize("opening", [by_block, by_enter], ids=["block", "enter"])


def stop(*about: Any) -> Any:
    raise KeyboardInterrupt


async def stop_soon(*about: Any) -> Any:
    await trio.lowlevel.checkpoint()
    raise KeyboardInterrupt


async def stop_in_a_child(*about: Any) -> Any:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stop_soon)


def once(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which does nothing when it is called again: a second Ctrl-C is another story."""
    calls_made: list[None] = []

    async def wait(*about: Any) -> Any:
        calls_made.append(None)
        return await function() if len(calls_made) == 1 else None

    def at_once(*about: Any) -> Any:
        calls_made.append(None)
        return function() if len(calls_made) == 1 else None

    return wait if is_async(function) else at_once


async def seen(*about: Any) -> str:
    return "seen"


async def out_of_cheese(*about: Any) -> str:
    raise ValueError("out of cheese")


def calling(does: Callable[..., Any] = seen, **given: Any) -> RealtimeAgent[Any]:
    """An agent with the tool that is called."""
    return RealtimeAgent(name="A", tools=[FunctionTool(name="look", on_invoke_tool=does, **given)])


def hooked(name: str, function: Any) -> RealtimeAgent[Any]:
    hooks = type("Hooks", (RealtimeAgentHooks,), {name: staticmethod(function)})()
    return attrs.evolve(calling(), hooks=hooks)


CALLBACKS: dict[str, Callable[[Any], RealtimeAgent[Any]]] = {
    "tool": calling,
    "approval": lambda f: calling(needs_approval=f),
    "tool input guardrail": lambda f: calling(tool_input_guardrails=[tool_input_guardrail(f)]),
    "tool output guardrail": lambda f: calling(tool_output_guardrails=[tool_output_guardrail(f)]),
    "formatter": lambda f: calling(out_of_cheese, failure_error_function=f),
    "output guardrail": lambda f: attrs.evolve(calling(), output_guardrails=[output_guardrail(f)]),
    "handoff": lambda f: RealtimeAgent(
        name="A", handoffs=[realtime_handoff(RealtimeAgent(name="B"), tool_name_override="look", on_handoff=f)]
    ),
    **{name: partial(hooked, name) for name in ("on_start", "on_end", "on_tool_start", "on_tool_end")},
}


def script() -> list[Step]:
    """A reply that is heard in full and a call, and another reply."""
    return [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *speaks("r1", "a", "hello there", 1), *falls_silent("r1", "a", "hello there")]),
        Say([*calls("r1", ("c1", "look", "{}")), ends("r1")]),
        Expect(ResponseCreate),
        Say([begins("r2", "req_2"), *speaks("r2", "b", "so it is", 1), *falls_silent("r2", "b", "so it is")]),
        Say([ends("r2")]),
        Pause(60),
    ]


def converse(agent: RealtimeAgent[Any], opening: Opening, *, listener: Callable[..., None] | None = None) -> bool:
    """Hold the conversation until it is stopped from within. Return whether the session is closed then."""
    closed: list[bool] = []

    async def main() -> None:
        model = ScriptedModel(script())
        if listener is not None:
            model.add_listener(listener)
        session = await RealtimeRunner(agent, model=model).run()
        try:
            await opening(session)
        finally:
            with trio.CancelScope(shield=True):
                await session.close()
            try:
                session.history  # noqa: B018
                await session.interrupt()
            except SessionClosed:
                closed.append(True)

    with pytest.raises(KeyboardInterrupt):
        trio.run(main, clock=MockClock(autojump_threshold=0))
    return closed == [True]


@each_opening
@pytest.mark.parametrize("raised", [stop_soon, stop_in_a_child], ids=["alone", "in a group"])
@pytest.mark.parametrize("callback", CALLBACKS)
def test_a_callback_that_raises_it_stops_the_program(callback: str, raised: Any, opening: Opening) -> None:
    assert converse(CALLBACKS[callback](once(raised)), opening)


@each_opening
@pytest.mark.parametrize("callback", ["tool", "approval", "formatter", "handoff", "on_start"])
def test_so_does_a_function_that_does_not_wait(callback: str, opening: Opening) -> None:
    assert converse(CALLBACKS[callback](once(stop)), opening)


@each_opening
def test_so_does_a_listener(opening: Opening) -> None:
    assert converse(calling(), opening, listener=once(stop))


# --- the key itself


@contextmanager
def struck(at: int) -> Iterator[list[int]]:
    """Press Ctrl-C at the n-th call of a function of the engine's. Yields a list with how many there were."""
    count = [0]

    def watch(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(ENGINE):
            count[0] += 1
            if count[0] == at:
                sys.setprofile(None)
                signal.raise_signal(signal.SIGINT)

    sys.setprofile(watch)
    try:
        yield count
    finally:
        sys.setprofile(None)


def press(opening: Opening, at: int) -> int:
    """Hold a conversation and press Ctrl-C at the n-th call. Returns how many calls there were."""

    async def main() -> None:
        session = await RealtimeRunner(calling(), model=ScriptedModel(script())).run()
        with trio.fail_after(20):
            await opening(session)

    with struck(at) as count:
        trio.run(main, clock=MockClock(autojump_threshold=0))
    return count[0]


# Struck between the making of a coroutine and its first step, Python warns that it was never awaited.
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@each_opening
def test_wherever_the_key_strikes_the_program_stops_and_trio_is_well(opening: Opening) -> None:
    struck_at = 0
    for at in range(1, press(opening, 0), STRIDE):
        try:
            calls_made = press(opening, at)
        except KeyboardInterrupt:
            struck_at = at
        else:
            assert calls_made < at, "nobody was told"  # the conversation was over before
    assert struck_at > 10 * STRIDE

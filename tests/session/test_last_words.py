"""The end of a session that goes wrong at its end: nobody is left waiting, and nothing of it goes unseen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from engine import RealtimeAgent, RealtimeRunner, RealtimeSession, ScriptedModel, function_tool
from engine.actors.audio_in import AudioInPump
from engine.actors.connection import Connection
from engine.actors.guardrails import GuardrailDebouncer
from engine.actors.router import Router
from engine.actors.tools import ToolExecutor
from engine.errors import EngineError, SessionClosed, SessionFailed
from engine.models.scripted import Expect, Pause, Say, Step
from engine.recorder import Recorder
from engine.session.response_handle import HandleTable
from engine.session.still_running import StillRunning
from engine.wire.client_events import ResponseCreate
from tests.properties.broken import swapped
from tests.session.someone_elses_end import someone_elses_cancellation
from tests.support.talk import begins, calls, ends, speaks

SPEAKING: list[Step] = [
    Expect(ResponseCreate),
    Say([begins("r1", "req_1"), *speaks("r1", "a", "a long story", 10)]),
    Pause(1000),
]
DEADLINE = 5.0


async def session_of(script: Sequence[Step], agent: RealtimeAgent[Any] | None = None) -> RealtimeSession[Any]:
    return await RealtimeRunner(agent or RealtimeAgent(name="A"), model=ScriptedModel(script)).run()


class Waiting:
    """All that an application may wait for of a session, and how each wait ended."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    async def wait(self, session: RealtimeSession[Any], nursery: trio.Nursery) -> None:
        handle = await session.respond()
        for name, what in {
            "iterating": lambda: _iterate(session),
            "begun": handle.created,
            "done": handle.done,
            "sending": lambda: _send(session),
        }.items():
            nursery.start_soon(self._one, name, what)
        await trio.testing.wait_all_tasks_blocked()

    async def _one(self, name: str, what: Callable[[], Awaitable[object]]) -> None:
        with suppress(EngineError):
            await what()
        self.ended.append(name)

    def nobody_is_left(self) -> bool:
        return sorted(self.ended) == ["begun", "done", "iterating", "sending"]


async def _iterate(session: RealtimeSession[Any]) -> None:
    async for _ in session:
        await trio.sleep(0.01)


async def _send(session: RealtimeSession[Any]) -> None:
    while True:
        await session.send_audio(bytes(960))
        await trio.sleep(0.02)


# --- an error while it ends

LAST_WORDS = [(Router, "conclude"), (HandleTable, "resolve_rest"), (Recorder, "end")]


def failing(*about: Any) -> None:
    raise ZeroDivisionError("at the end")


@given(
    st.lists(st.sampled_from(LAST_WORDS), min_size=1, unique=True),
    st.sampled_from(["close", "block", "enter"]),
)
def test_a_last_word_that_fails_leaves_nobody_waiting(words: list[tuple[type, str]], way: str) -> None:
    waiting = Waiting()
    if (HandleTable, "resolve_rest") in words and (Router, "conclude") in words:
        words = words[:1]  # together they are the one word that handles wait for

    async def in_a_block(session: RealtimeSession[Any], nursery: trio.Nursery) -> None:
        async with session:
            await waiting.wait(session, nursery)
            if way == "close":
                await session.close()

    async def main() -> None:
        session = await session_of(SPEAKING)
        with trio.fail_after(100):
            async with trio.open_nursery() as nursery:
                if way == "enter":
                    await session.enter()
                    await waiting.wait(session, nursery)
                    await session.close()
                else:
                    with pytest.raises(SessionFailed, match=r"ZeroDivisionError\('at the end'\)"):
                        await in_a_block(session, nursery)

    swaps: list[AbstractContextManager[None]] = [swapped(owner, name, failing) for owner, name in words]
    for swap in swaps:
        swap.__enter__()
    try:
        trio.run(main, clock=MockClock(autojump_threshold=0))
    finally:
        for swap in reversed(swaps):
            swap.__exit__(None, None, None)
    assert waiting.nobody_is_left()


# --- an actor that ends before its session

ACTORS: list[tuple[type, str]] = [
    (AudioInPump, "audio-in pump"),
    (ToolExecutor, "tool executor"),
    (GuardrailDebouncer, "guardrail debouncer"),
    (Connection, "model connection"),
]


@pytest.mark.parametrize(("actor", "name"), ACTORS)
@pytest.mark.parametrize("how", ["returns", "is cancelled by somebody else", "fails"])
def test_an_actor_that_ends_early_ends_the_session_at_once(actor: type, name: str, how: str) -> None:
    waiting = Waiting()
    over: list[float] = []

    async def end(*about: Any) -> None:
        await trio.sleep(1)
        if how == "fails":
            raise ZeroDivisionError
        if how != "returns":
            raise someone_elses_cancellation()

    async def main() -> None:
        session = await session_of(SPEAKING)

        async def converse(nursery: trio.Nursery) -> None:
            async with session:
                await waiting.wait(session, nursery)
                with pytest.raises(SessionClosed):
                    await _send(session)
                over.append(trio.current_time())

        words = {"returns": name, "fails": "ZeroDivisionError"}.get(how, f"Cancelled|{name}")
        with trio.fail_after(100):
            async with trio.open_nursery() as nursery:
                with pytest.raises(SessionFailed, match=words):
                    await converse(nursery)

    with swapped(actor, "_write" if actor is Connection else "run", end):
        trio.run(main, clock=MockClock(autojump_threshold=0))
    assert waiting.nobody_is_left()
    assert over[0] <= 1.1


# --- a tool that cannot be stopped


@pytest.mark.parametrize("way", ["close", "block", "enter"])
def test_close_returns_at_its_deadline_and_says_what_goes_on(way: str) -> None:
    waiting = Waiting()
    closed: list[tuple[float, StillRunning]] = []

    @function_tool
    async def dawdle() -> str:
        with trio.CancelScope(shield=True):
            await trio.sleep(60)
        return "at last"

    script = [
        Say([begins("r0"), *calls("r0", ("c1", "dawdle", "{}")), ends("r0")]),
        Pause(1000),
    ]

    async def close(session: RealtimeSession[Any]) -> None:
        begun = trio.current_time()
        closed.append((trio.current_time() - begun, await session.close()))
        closed[-1] = (trio.current_time() - begun, closed[-1][1])

    async def main() -> None:
        session = await session_of(script, RealtimeAgent(name="A", tools=[dawdle]))
        async with trio.open_nursery() as nursery:
            if way == "enter":
                await session.enter()
                await waiting.wait(session, nursery)
                await close(session)
            else:
                async with session:
                    await waiting.wait(session, nursery)
                    await close(session)
                    await trio.sleep(1)
                    assert waiting.nobody_is_left()
                    assert session.still_running.tasks == ("tool dawdle",)
                assert not session.still_running
        if way == "enter":
            await trio.sleep(60)
            assert not session.still_running

    trio.run(main, clock=MockClock(autojump_threshold=0))
    ((took, left),) = closed
    assert took <= DEADLINE
    assert left == StillRunning(tasks=("tool dawdle",))
    assert "tool dawdle" in str(left)
    assert "async with" in str(left)
    assert waiting.nobody_is_left()

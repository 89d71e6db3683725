"""Whose turn it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
import trio.testing

from engine.caller.call_events import CallEvent, PlaybackBegan, PlaybackEnded
from engine.caller.turn_taking import PATIENCE_AT_WORK_SECONDS, PATIENCE_SECONDS, TurnTaking
from engine.events import (
    AgentEnd,
    AgentStart,
    Audio,
    HistoryAdded,
    HistoryUpdated,
    ToolEnd,
    ToolStart,
    UserSpeechStarted,
    UserSpeechStopped,
)
from engine.history import ToolCall

NOBODY = object()


def event(kind: Callable[..., CallEvent], at: float, **fields: Any) -> CallEvent:
    return kind(context=None, at_ns=int(at * 1e9), **fields)


def start(at: float, response: str = "r") -> CallEvent:
    return event(AgentStart, at, agent=NOBODY, response_id=response)


def end(at: float, response: str = "r") -> CallEvent:
    return event(AgentEnd, at, agent=NOBODY, response_id=response, status="completed")


def audio(at: float, item: str = "i") -> CallEvent:
    return event(Audio, at, response_id="r", item_id=item, content_index=0, data=b"\0\0")


def call(status: str = "in_progress", output: str | None = None) -> ToolCall:
    return ToolCall(item_id="t", status=status, name="look", call_id="c", arguments="", output=output)  # type: ignore[arg-type]


def tool_end(at: float, outcome: str = "result") -> CallEvent:
    fields = {"agent": NOBODY, "tool": None, "name": "look", "call_id": "c", "arguments": ""}
    return event(ToolEnd, at, output="", outcome=outcome, **fields)


def tool_start(at: float) -> CallEvent:
    return event(ToolStart, at, agent=NOBODY, tool=None, name="look", call_id="c", arguments="")


def began(at: float, item: str = "i") -> CallEvent:
    return PlaybackBegan(at_ns=int(at * 1e9), response_id="r", item_id=item)


def ended(at: float, item: str = "i") -> CallEvent:
    return PlaybackEnded(at_ns=int(at * 1e9), response_id="r", item_id=item, played_ms=0, interrupted=False)


async def waits(wait: Callable[[], Awaitable[bool]], turns: TurnTaking, events: list[CallEvent]) -> list[int]:
    """After how many of `events` the wait was over; nothing if it never was."""
    over: list[int] = []
    taken = 0

    async def note() -> None:
        assert await wait()
        over.append(taken)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(note)
        await trio.testing.wait_all_tasks_blocked()
        for taken, each in enumerate(events, 1):  # noqa: B007 - `note` reads it
            turns.on_event(each)
            await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    return over


ANSWER = [start(1), audio(1.1), began(1.1), end(1.5), ended(3)]
TOOL = [
    start(1),
    event(HistoryAdded, 1, item=call()),
    end(1.1),
    tool_start(1.2),
    tool_end(1.3),
    event(HistoryUpdated, 1.3, item=call("completed", "42"), history=()),
    start(1.4, "s"),
    end(1.5, "s"),
]


@pytest.mark.parametrize(
    ("events", "over"),
    [
        (ANSWER, [5]),
        ([start(1), end(1.5)], [2]),
        (TOOL, [8]),
        ([start(1), end(1.1), tool_start(1.1), tool_end(1.2, "cancelled")], [2]),
        (
            [
                start(1),
                event(HistoryAdded, 1, item=call()),
                end(1.1),
                event(HistoryUpdated, 1.2, item=call("incomplete"), history=()),
            ],
            [4],
        ),
        ([start(0.4), end(0.5)], []),
        ([event(UserSpeechStarted, 0.5, item_id="u", audio_start_ms=0), start(0.9), end(0.95)], []),
        (
            [
                event(UserSpeechStarted, 0.5, item_id="u", audio_start_ms=0),
                start(0.9),
                end(0.95),
                event(UserSpeechStopped, 1.0, item_id="u", audio_end_ms=0),
                start(1.1, "s"),
                end(1.2, "s"),
            ],
            [6],
        ),
    ],
    ids=[
        "heard to the end",
        "text only",
        "a tool and the answer to it",
        "a tool that was cancelled is owed no answer",
        "a call that was never finished",
        "an answer to something else",
        "while the user speaks nothing is an answer",
        "the user went on speaking: the second answer counts",
    ],
)  # fmt: skip
async def test_when_the_agent_has_finished(events: list[CallEvent], over: list[int]) -> None:
    turns = TurnTaking()
    assert await waits(lambda: turns.agent_finished(int(0.5e9)), turns, events) == over


async def test_interrupting_waits_until_the_agent_has_been_audible(autojump_clock: trio.testing.MockClock) -> None:
    turns = TurnTaking()
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def agent() -> None:
            for each in (start(0), audio(0)):
                turns.on_event(each)
            await trio.sleep(0.3)
            turns.on_event(began(0.3))

        assert await turns.agent_audible(0, 2.0)
        assert trio.current_time() == pytest.approx(2.3)


async def test_an_answer_that_ends_early_is_not_waited_for(autojump_clock: trio.testing.MockClock) -> None:
    turns = TurnTaking()
    for each in (start(0), audio(0), began(0), end(0)):
        turns.on_event(each)
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def agent() -> None:
            await trio.sleep(1)
            turns.on_event(ended(1))

        assert not await turns.agent_audible(0, 2.0)
        assert trio.current_time() == 1


async def test_an_answer_without_sound_is_not_waited_for() -> None:
    turns = TurnTaking()
    for each in (start(1), end(1)):
        turns.on_event(each)
    assert not await turns.agent_audible(0, 2.0)


async def test_patience_ends(autojump_clock: trio.testing.MockClock) -> None:
    turns = TurnTaking()
    assert not await turns.agent_finished(0)
    assert trio.current_time() == PATIENCE_SECONDS
    turns.on_event(start(21))
    assert not await turns.agent_finished(0)
    assert trio.current_time() == PATIENCE_SECONDS + PATIENCE_AT_WORK_SECONDS


async def test_nobody_loses_patience_with_somebody_who_speaks(autojump_clock: trio.testing.MockClock) -> None:
    turns = TurnTaking()
    for each in (start(0), audio(0), began(0), end(0)):
        turns.on_event(each)
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def agent() -> None:
            await trio.sleep(500)
            turns.on_event(ended(500))

        assert await turns.agent_finished(0)
        assert trio.current_time() == 500

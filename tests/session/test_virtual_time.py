"""A ten-minute call through the scripted model, under virtual time: over in a moment, and the same events each run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import attrs
import trio
from trio.testing import MockClock

from engine import RealtimeAgent, RealtimeRunner, ScriptedModel, function_tool
from engine.events import RealtimeSessionEvent
from engine.models.scripted import Expect, HangUp, Pause, Say, Step
from engine.wire.client_events import ResponseCreate
from tests.support.talk import begins, calls, ends, falls_silent, speaks, user_starts, user_stops

TURNS = 60
TURN_SECONDS = 10.0


@function_tool
async def look_up(turn: int) -> str:
    """Look something up."""
    await trio.sleep(0.8)
    return f"turn {turn}"


def script() -> Iterator[Step]:
    """Sixty spoken turns; every third calls a tool, every fourth answer is interrupted."""
    asked = 0
    for turn in range(TURNS):
        user, answer, response = f"user_{turn}", f"answer_{turn}", f"response_{turn}"
        yield Say([user_starts(user)])
        yield Pause(1.5)
        yield Say([*user_stops(user), begins(response)])
        if turn % 3 == 0:
            asked += 1
            yield Say([*calls(response, (f"call_{turn}", "look_up", f'{{"turn": {turn}}}')), ends(response)])
            yield Expect(ResponseCreate)
            response = f"reply_{turn}"
            yield Say([begins(response, f"req_{asked}")])
        yield Pause(0.3)
        yield Say(speaks(response, answer, "This is what I have found for you", 6.0))
        if turn % 4:
            yield Say([*falls_silent(response, answer, "This is what I have found for you"), ends(response)])
        yield Pause(TURN_SECONDS - 1.8 - (0.8 if turn % 3 == 0 else 0))
        if turn % 4 == 0:
            yield Say([user_starts(f"interruption_{turn}"), ends(response, "cancelled", "turn_detected")])
            yield Say([*user_stops(f"interruption_{turn}")])
    yield HangUp()


def call() -> tuple[list[RealtimeSessionEvent], float]:
    events: list[RealtimeSessionEvent] = []
    lasted = []
    agent: RealtimeAgent[Any] = RealtimeAgent(name="Clerk", tools=[look_up])

    async def main() -> None:
        begun = trio.current_time()
        session = await RealtimeRunner(agent, model=ScriptedModel(list(script()))).run()
        async with session:
            async for event in session:
                events.append(event)
        lasted.append(trio.current_time() - begun)

    trio.run(main, clock=MockClock(autojump_threshold=0))
    return events, lasted[0]


def plain(event: RealtimeSessionEvent) -> dict[str, object]:
    fields = attrs.asdict(event, recurse=False, filter=lambda field, _: field.name not in ("history", "agent", "tool"))
    return {"type": event.type, **fields}


def test_ten_minutes_pass_in_a_moment_and_are_the_same_each_time() -> None:
    begun = time.process_time()
    first, lasted = call()
    spent = time.process_time() - begun
    again, _ = call()
    assert round(lasted) == TURNS * TURN_SECONDS
    # Seconds of CPU: a fifteenth of a second where it was written.
    assert spent < 1
    origin, other = first[0].at_ns, again[0].at_ns
    assert [attrs.evolve(event, at_ns=event.at_ns - origin) for event in first if event.type == "audio"] == [
        attrs.evolve(event, at_ns=event.at_ns - other) for event in again if event.type == "audio"
    ]
    shown = [{**plain(event), "at_ns": event.at_ns - origin} for event in first]
    assert shown == [{**plain(event), "at_ns": event.at_ns - other} for event in again]
    assert sum(event.type == "audio_interrupted" for event in first) >= TURNS // 4
    assert sum(event.type == "tool_end" for event in first) == TURNS // 3

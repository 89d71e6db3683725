"""A model that calls a tool in every reply."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from engine import RealtimeAgent, RealtimeRunner, ScriptedModel, function_tool
from engine.errors import ToolRoundsExceeded
from engine.models.scripted import Expect, HangUp, Pause, Say, Step
from engine.wire.client_events import ConversationItemCreate, ResponseCreate
from engine.wire.items import FunctionCallOutput
from tests.support.talk import begins, calls, ends

EAGER = 30


@function_tool
async def look_again() -> str:
    """Look."""
    return "nothing yet"


@pytest.mark.parametrize(
    ("config", "rounds"), [({}, 12), ({"max_tool_rounds": 3}, 3), ({"max_tool_rounds": None}, EAGER)]
)
def test_it_is_not_asked_for_ever(config: dict[str, Any], rounds: int) -> None:
    script: list[Step] = []
    for at in range(EAGER):
        called = calls(f"r{at}", (f"c{at}", "look_again", "{}"))
        script += [Expect(ResponseCreate), Say([begins(f"r{at}", f"req_{at + 1}"), *called, ends(f"r{at}")])]
    model = ScriptedModel([*script, Pause(60), HangUp()])
    agent: RealtimeAgent[Any] = RealtimeAgent(name="Clerk", tools=[look_again])
    events: list[Any] = []

    async def main() -> None:
        session = await RealtimeRunner(agent, model=model, config=config).run()
        async with session:
            await session.send_message("is it there?")
            with trio.move_on_after(5):
                async for event in session:
                    events.append(event)

    trio.run(main, clock=MockClock(autojump_threshold=0))
    outputs = [event for event in model.sent if isinstance(event, ConversationItemCreate)]
    assert len([event for event in outputs if isinstance(event.item, FunctionCallOutput)]) == min(rounds + 1, EAGER)
    errors = [(type(event.error), event.code) for event in events if event.type == "error"]
    assert errors == ([(ToolRoundsExceeded, "tool_rounds_exceeded")] if rounds < EAGER else [])

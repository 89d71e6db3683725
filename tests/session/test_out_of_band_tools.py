"""Tools that out-of-band responses call, in whole sessions: their results go to the handle and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import trio

from engine import (
    RealtimeAgent,
    RealtimeSession,
    ResponseOutcome,
    ResponseToolCall,
    function_tool,
    realtime_handoff,
)
from engine.models.scripted import Expect, Pause, Say, Step
from engine.wire.client_events import ConversationItemCreate, ResponseCreate, SessionUpdate
from engine.wire.items import FunctionCall
from engine.wire.response import Response
from engine.wire.server_events import ResponseCreated, ResponseDone, ResponseOutputItemDone
from tests.session.test_application import Told, talk


@function_tool
async def note_order(item: str) -> dict[str, str]:
    """Note what was ordered."""
    await trio.sleep(2)
    return {"noted": item}


@function_tool(timeout=3)
async def hopeless() -> None:
    """Never come to an end."""
    await trio.sleep_forever()


@function_tool(on_interruption="cancel")
async def endless() -> None:
    """Go on until somebody says stop."""
    await trio.sleep_forever()


@function_tool(needs_approval=True)
async def pay(amount: int) -> str:
    """Pay."""
    return f"{amount} paid"


def beside(*made: tuple[str, str], labelled: bool = True) -> list[Step]:
    """A response out of band, which calls tools and is over at once."""
    metadata = {"engine_request": "req_1"} if labelled else None
    items = [
        FunctionCall(f"i{at}", name, f"c{at}", arguments, "completed") for at, (name, arguments) in enumerate(made)
    ]
    return [
        Expect(ResponseCreate),
        Say(
            [
                ResponseCreated(Response("r", "in_progress", metadata=metadata)),
                *(ResponseOutputItemDone("r", at, item) for at, item in enumerate(items)),
                ResponseDone(Response("r", "completed", output=tuple(items), metadata=metadata)),
            ]
        ),
        Pause(10),
    ]


def listen(agent: RealtimeAgent[Any], script: Sequence[Step]) -> tuple[Told, ResponseOutcome, float, list[Any]]:
    """Ask out of band, and wait for the outcome: what was told, the outcome, the seconds that took, the history."""
    found: list[Any] = []

    async def program(session: RealtimeSession[Any]) -> None:
        began = trio.current_time()
        handle = await session.respond(out_of_band=True)
        outcome = await handle.done()
        found.extend((outcome, trio.current_time() - began, list(session.history)))

    told = talk(agent, script, program)
    outcome, seconds, history = found
    return told, outcome, seconds, history


@pytest.mark.parametrize("labelled", [True, False])
def test_results_go_to_the_handle(labelled: bool) -> None:
    agent: RealtimeAgent[Any] = RealtimeAgent(name="Clerk", tools=[note_order])
    script = beside(("note_order", '{"item": "pizza"}'), ("unknown", "{}"), labelled=labelled)
    told, outcome, seconds, history = listen(agent, script)
    assert outcome.status == "completed"
    noted, unknown = outcome.calls
    assert noted == ResponseToolCall("note_order", "c0", '{"item": "pizza"}', '{"noted":"pizza"}', "result")
    assert unknown.outcome == "error"
    assert seconds == pytest.approx(2)
    assert not [event for event in told.sent if isinstance(event, ConversationItemCreate)]
    assert len([event for event in told.sent if isinstance(event, ResponseCreate)]) == 1
    assert told.types().count("tool_start") == 1
    assert told.types().count("tool_end") == 2
    assert not history


def test_the_handle_waits_no_longer_than_the_tools_may_take() -> None:
    agent: RealtimeAgent[Any] = RealtimeAgent(name="Clerk", tools=[hopeless])
    _, outcome, seconds, _ = listen(agent, beside(("hopeless", "{}")))
    assert [call.outcome for call in outcome.calls] == ["timeout"]
    assert seconds == pytest.approx(3)


def test_a_handoff_is_not_even_begun() -> None:
    begun: list[str] = []

    async def on_handoff(ctx: Any) -> None:
        begun.append("handoff")

    other: RealtimeAgent[Any] = RealtimeAgent(name="Other")
    handoff = realtime_handoff(other, tool_name_override="go", on_handoff=on_handoff)
    agent: RealtimeAgent[Any] = RealtimeAgent(name="Clerk", handoffs=[handoff])
    told, outcome, _, _ = listen(agent, beside(("go", "{}")))
    assert [call.outcome for call in outcome.calls] == ["rejected"]
    assert not begun
    assert "handoff" not in told.types()
    assert len([event for event in told.sent if isinstance(event, SessionUpdate)]) == 1


def test_cancelling_the_handle_ends_the_wait() -> None:
    agent: RealtimeAgent[Any] = RealtimeAgent(name="Clerk", tools=[endless, pay])
    outcomes: list[ResponseOutcome] = []

    async def program(session: RealtimeSession[Any]) -> None:
        handle = await session.respond(out_of_band=True)
        await trio.sleep(5)
        assert handle.status == "in_progress"
        await handle.cancel()
        outcomes.append(await handle.done())

    told = talk(agent, beside(("endless", "{}"), ("pay", '{"amount": 5}')), program)
    assert [call.outcome for call in outcomes[0].calls] == ["cancelled", "cancelled"]
    assert told.one("tool_approval_required").call_id == "c1"


def test_the_end_of_the_session_ends_the_wait() -> None:
    agent: RealtimeAgent[Any] = RealtimeAgent(name="Clerk", tools=[endless])
    outcomes: list[ResponseOutcome] = []

    async def program(session: RealtimeSession[Any]) -> None:
        handle = await session.respond(out_of_band=True)
        await trio.sleep(5)
        await session.close()
        outcomes.append(await handle.done())

    talk(agent, beside(("endless", "{}")), program)
    assert [(outcomes[0].status, call.outcome) for call in outcomes[0].calls] == [("completed", "cancelled")]


def test_a_call_that_is_approved_is_waited_for() -> None:
    agent: RealtimeAgent[Any] = RealtimeAgent(name="Clerk", tools=[pay])
    outcomes: list[ResponseOutcome] = []

    async def program(session: RealtimeSession[Any]) -> None:
        handle = await session.respond(out_of_band=True)
        await trio.sleep(1)
        await session.approve_tool_call("c0")
        outcomes.append(await handle.done())

    talk(agent, beside(("pay", '{"amount": 5}')), program)
    assert [call.output for call in outcomes[0].calls] == ["5 paid"]

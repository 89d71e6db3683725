"""Handoffs that cannot be made: the model is told, the old agent stays, and the conversation goes on.

What goes wrong before the session stands is in test_opening.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
import trio

from engine import RealtimeAgent, RealtimeSession, realtime_handoff
from engine.agents.agent import Handoff
from engine.errors import SettingsError
from engine.models.scripted import Expect, Pause, Say
from engine.wire.client_events import ResponseCreate, SessionUpdate
from tests.session.someone_elses_end import someone_elses_cancellation
from tests.session.test_application import Told, say_hello, talk
from tests.session.test_misbehaving_tools import Unspeakable
from tests.support.talk import begins, calls, ends, falls_silent, speaks


def raising(make: Callable[[], BaseException]) -> Callable[..., str]:
    def function(*about: Any) -> str:
        raise make()

    return function


@attrs.frozen
class Target:
    """What the handoff leads to."""

    agent: RealtimeAgent[Any]
    how: Callable[[RealtimeAgent[Any]], Handoff[Any]] = realtime_handoff


BAD_TARGETS: dict[str, tuple[Target, str]] = {
    "a callback that raises": (
        Target(RealtimeAgent(name="Back"), lambda agent: realtime_handoff(agent, on_handoff=raising(ValueError))),
        "ValueError",
    ),
    "a callback that exits": (
        Target(
            RealtimeAgent(name="Back"),
            lambda agent: realtime_handoff(agent, on_handoff=raising(lambda: SystemExit(2))),
        ),
        "SystemExit",
    ),
    "a callback that lets somebody else's cancellation out": (
        Target(
            RealtimeAgent(name="Back"),
            lambda agent: realtime_handoff(agent, on_handoff=raising(someone_elses_cancellation)),
        ),
        "Cancelled",
    ),
    "instructions that raise": (
        Target(RealtimeAgent(name="Back", instructions=raising(Unspeakable))),
        "Unspeakable",
    ),
    "instructions that are no text": (
        Target(RealtimeAgent(name="Back", instructions=lambda ctx, agent: 5)),  # type: ignore[arg-type,return-value]
        "has to return text",
    ),
    "instructions that cannot be sent": (
        Target(RealtimeAgent(name="Back", instructions=lambda ctx, agent: "\ud800")),
        "cannot be sent",
    ),
    "a tool that cannot tell whether it is enabled": (
        Target(
            RealtimeAgent(
                name="Back",
                handoffs=[realtime_handoff(RealtimeAgent(name="X"), is_enabled=raising(ValueError))],  # type: ignore[arg-type]
            )
        ),
        "ValueError",
    ),
}


def hand_over(target: Target) -> Told:
    front: RealtimeAgent[Any] = RealtimeAgent(name="Front", handoffs=[target.how(target.agent)])
    script = [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *calls("r1", ("c1", "transfer_to_back", "{}")), ends("r1")]),
        Expect(ResponseCreate),
        Say([begins("r2", "req_2"), *speaks("r2", "a", "sorry", 0.1), *falls_silent("r2", "a", "sorry"), ends("r2")]),
    ]
    return talk(front, script, say_hello)


@pytest.mark.parametrize("name", BAD_TARGETS)
def test_a_handoff_that_fails(name: str) -> None:
    target, words = BAD_TARGETS[name]
    told = hand_over(target)
    assert told.one("tool_end").outcome == "error"
    assert words in told.outputs()["c1"]
    assert told.types().count("error") == 1
    assert "handoff" not in told.types()
    assert len([event for event in told.sent if isinstance(event, SessionUpdate)]) == 1
    assert [event.agent.name for event in told.events if event.type == "agent_start"] == ["Front", "Front"]


def test_a_handoff_to_what_is_no_agent_any_more() -> None:
    """Agents are kept by reference: their list of handoffs may be spoiled after the session has begun."""
    back: RealtimeAgent[Any] = RealtimeAgent(name="Back")
    back.handoffs.append("nobody")  # type: ignore[arg-type]
    told = hand_over(Target(back))
    assert told.one("tool_end").outcome == "error"
    assert "expected a RealtimeAgent or a Handoff, got str" in told.outputs()["c1"]


def test_a_handoff_that_hangs_leaves_the_old_agent_in_charge() -> None:
    async def for_ever(ctx: Any, agent: Any) -> str:
        await trio.sleep_forever()
        return ""

    front: RealtimeAgent[Any] = RealtimeAgent(
        name="Front", handoffs=[RealtimeAgent(name="Back", instructions=for_ever)]
    )
    script = [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *calls("r1", ("c1", "transfer_to_back", "{}")), ends("r1")]),
        Expect(ResponseCreate),
        Say([begins("r2", "req_2"), ends("r2")]),
        Pause(1),
    ]

    async def program(session: RealtimeSession[Any]) -> None:
        await session.send_message("get me somebody else")
        await trio.sleep(1)
        await session.send_message("hello?")

    told = talk(front, script, program)
    assert [event.agent.name for event in told.events if event.type == "agent_start"] == ["Front", "Front"]
    assert told.one("tool_end").outcome == "cancelled"


def test_an_agent_that_cannot_take_over_by_hand() -> None:
    async def program(session: RealtimeSession[Any]) -> None:
        for target, _ in (BAD_TARGETS["instructions that raise"], BAD_TARGETS["instructions that are no text"]):
            with pytest.raises((Unspeakable, SettingsError)):
                await session.update_agent(target.agent)
        with pytest.raises(SettingsError, match="'Back': its settings cannot be sent"):
            await session.update_agent(BAD_TARGETS["instructions that cannot be sent"][0].agent)
        assert session.agent.name == "Front"

    told = talk(RealtimeAgent(name="Front"), [Expect(SessionUpdate)], program)
    assert "handoff" not in told.types()

"""The beginning and the end of a session."""

from __future__ import annotations

from engine.core.inputs import Connected, Disconnected, Interrupt, Respond, SendMessage, TimePassed
from engine.core.tool_call_steps import SESSION_OVER
from engine.errors import TransportLost
from engine.events import AgentEnd, ToolEnd
from engine.wire.response import ResponseParams
from tests.core.driving import AGENT, Driven
from tests.support.talk import begins, calls, speaks, typed

BESIDE = ResponseParams(conversation="none")


def test_no_agent_is_told_before_the_connection_stands() -> None:
    d = Driven(opened=False)
    assert not d.wire
    d.tell(Connected(AGENT))
    assert len(d.wire) == 1


# --- the end


def in_the_middle() -> Driven:
    d = Driven().tell(Respond(1))
    d.tell(begins("r", "req_1"), *speaks("r", "a", "a story", 1), *calls("r", ("c", "tool", "{}")))
    d.tell(Respond(2), Respond(3, BESIDE))
    return d


def test_everything_that_began_gets_its_end() -> None:
    d = in_the_middle().forget().tell(Disconnected(None))
    (end,) = d.seen(AgentEnd)
    assert (end.status, end.reason) == ("cancelled", "session_closed")
    (call,) = d.seen(ToolEnd)
    assert (call.outcome, call.output) == ("cancelled", SESSION_OVER)
    assert not d.wire
    statuses = {effect.handle_id: (effect.status, effect.error) for effect in d.handles}
    assert statuses == {1: ("cancelled", None), 2: ("superseded", None), 3: ("superseded", None)}


def test_a_lost_connection_is_everybodys_error() -> None:
    lost = TransportLost("gone")
    d = in_the_middle().forget().tell(Disconnected(lost))
    assert d.seen(AgentEnd)[0].reason == "connection_lost"
    assert {effect.handle_id: effect.error for effect in d.handles} == {1: lost, 2: lost, 3: lost}


def test_after_the_end_there_is_nothing() -> None:
    d = in_the_middle().tell(Disconnected(None)).forget()
    d.tell(Disconnected(None), TimePassed(), begins("late"), Interrupt(), SendMessage(typed("m", "x")))
    assert not d.events
    assert not d.wire
    assert d.machine.wake_at() is None

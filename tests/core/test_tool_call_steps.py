"""The steps of a tool call: started, approved, answered, each once."""

from __future__ import annotations

import attrs
import pytest

from engine.core.agent_spec import AgentSpec, ToolSpec
from engine.core.effects import AnswerApproval, CancelCall, StartCall
from engine.core.inputs import ApprovalNeeded, DecideCall, Interrupt, Respond, ToolDone, ToolRunning, UpdateAgent
from engine.errors import ToolTimeout
from engine.events import Error, ToolApprovalRequired, ToolEnd, ToolStart
from engine.wire.client_events import ConversationItemCreate, ResponseCreate
from engine.wire.items import FunctionCall, FunctionCallOutput
from engine.wire.response import Response, ResponseParams
from engine.wire.server_events import ResponseDone, ResponseOutputItemDone, ServerEvent, SessionUpdated
from engine.wire.session import Session
from tests.core.driving import AGENT, OTHER, TOOL, Driven
from tests.support.talk import begins, calls, ends


def calling(*names: str) -> Driven:
    """A response that has called tools and is over."""
    d = Driven().tell(begins("r"), *calls("r", *((f"c{at}", name, "{}") for at, name in enumerate(names))), ends("r"))
    return d.forget()


# --- starting


def test_an_unknown_tool_is_started_as_unknown() -> None:
    d = Driven().tell(begins("r"), *calls("r", ("c", "nothing_like_it", "{}")))
    assert d.tools[1] == StartCall("c", "nothing_like_it", "{}", None, AGENT)


def test_the_tools_of_one_response_are_its_own() -> None:
    d = Driven(OTHER)
    d.tell(Respond(1, ResponseParams(), {"mine": TOOL}))
    d.tell(begins("r", "req_1"), *calls("r", ("c", "mine", "{}")))
    assert d.tools[1].tool is TOOL


# --- ending


def test_a_call_runs_and_ends_once() -> None:
    d = calling("tool").tell(ToolRunning("c0"), ToolRunning("c0"), ToolDone("c0", "result", "42"))
    d.tell(ToolDone("c0", "error", "again"), ToolRunning("c0"))
    assert [event.call_id for event in d.seen(ToolStart)] == ["c0"]
    assert [(event.outcome, event.output) for event in d.seen(ToolEnd)] == [("result", "42")]
    assert [event.item for event in d.sent(ConversationItemCreate)] == [d.sent(ConversationItemCreate)[0].item]
    assert len(d.sent(ResponseCreate)) == 1
    assert d.seen(ToolEnd)[0].tool == "the tool"


def test_parallel_calls_are_answered_once_after_the_last() -> None:
    d = calling("tool", "tool", "tool")
    for call_id in ("c2", "c0"):
        d.tell(ToolDone(call_id, "result", "x"))
        assert not d.sent(ResponseCreate)
    d.tell(ToolDone("c1", "result", "x"))
    assert [type(event) for event in d.wire] == [ConversationItemCreate] * 3 + [ResponseCreate]


def test_outputs_before_the_end_of_the_response_wait_for_it() -> None:
    d = Driven().tell(begins("r"), *calls("r", ("c", "tool", "{}")), ToolDone("c", "result", "x"))
    assert not d.sent(ResponseCreate)
    d.tell(ends("r"))
    assert len(d.sent(ResponseCreate)) == 1


def test_what_went_wrong_is_told_to_the_application_too() -> None:
    error = ToolTimeout("too slow")
    d = calling("tool").tell(ToolDone("c0", "timeout", "too slow", error=error))
    assert [event.error for event in d.seen(Error)] == [error]
    assert d.seen(ToolEnd)[0].outcome == "timeout"


def test_an_output_is_an_item_of_its_own() -> None:
    d = calling("tool").tell(ToolDone("c0", "result", "42"))
    item = d.sent(ConversationItemCreate)[0].item
    assert isinstance(item, FunctionCallOutput)
    assert (item.call_id, item.output) == ("c0", "42")


# --- approval


def test_an_approval_is_asked_for() -> None:
    d = calling("tool").tell(ApprovalNeeded("c0"))
    assert [event.call_id for event in d.seen(ToolApprovalRequired)] == ["c0"]
    assert d.machine.waits_for_approval("c0")
    d.tell(DecideCall("c0", approved=True))
    assert not d.machine.waits_for_approval("c0")


@pytest.mark.parametrize("approved", [True, False])
def test_a_standing_answer_is_given_at_once(approved: bool) -> None:
    d = calling("tool", "tool").tell(ApprovalNeeded("c0"))
    d.tell(DecideCall("c0", approved, always=True, message="rule")).forget()
    d.tell(ApprovalNeeded("c1"))
    assert d.tools == [AnswerApproval("c1", approved, "rule")]
    assert not d.events


def test_a_call_that_is_over_needs_no_approval() -> None:
    d = calling("stoppable").tell(Interrupt()).forget()
    d.tell(ApprovalNeeded("c0"))
    assert d.tools == [CancelCall("c0")]


def test_a_decision_reaches_the_executor_once() -> None:
    d = Driven().tell(begins("r"), *calls("r", ("c", "tool", "{}")), ApprovalNeeded("c")).forget()
    d.tell(DecideCall("c", approved=False, message="no"), DecideCall("c", approved=True))
    assert d.tools == [AnswerApproval("c", approved=False, message="no")]


def test_a_decision_about_nothing_is_nothing() -> None:
    assert not Driven().tell(DecideCall("c", approved=True)).tools


# --- only calls that are complete


def told(way: str, call: FunctionCall) -> ServerEvent:
    if way == "item":
        return ResponseOutputItemDone("r", 0, call)
    return ResponseDone(Response("r", "completed", output=(call,), conversation_id="conv"))


@pytest.mark.parametrize("way", ["item", "end"])
@pytest.mark.parametrize("status", [None, "completed", "incomplete", "in_progress", "failed", "", "done"])
def test_only_calls_that_are_complete_are_run(way: str, status: str | None) -> None:
    d = Driven().tell(begins("r"), told(way, FunctionCall("i", "tool", "c", "{}", status)))
    started = [work.call_id for work in d.tools if isinstance(work, StartCall)]
    assert started == (["c"] if status in (None, "completed") else [])


def test_a_call_that_is_complete_only_at_the_end_is_run_then() -> None:
    d = Driven().tell(begins("r"), told("item", FunctionCall("i", "tool", "c", "", "in_progress")))
    d.tell(told("end", FunctionCall("i", "tool", "c", '{"a": 1}', "completed")))
    assert [work.arguments for work in d.tools if isinstance(work, StartCall)] == ['{"a": 1}']


# --- standing answers


SHARED = ToolSpec("tool", "function", "shared")
FRONT = AgentSpec("front", "front", Session(), {"tool": SHARED})
TWIN = AgentSpec("front", "another front", Session(), {"tool": SHARED})
REPLACED = attrs.evolve(FRONT, tools={"tool": ToolSpec("tool", "function", "another")})
RENAMED = attrs.evolve(FRONT, tools={"tool": attrs.evolve(SHARED, name="tool")})


@pytest.mark.parametrize(("agent", "holds"), [(FRONT, True), (RENAMED, True), (TWIN, False), (REPLACED, False)])
@pytest.mark.parametrize("approved", [True, False])
def test_a_standing_answer_is_about_one_tool_of_one_agent(agent: AgentSpec, holds: bool, approved: bool) -> None:
    d = Driven(FRONT).tell(begins("r"), *calls("r", ("c0", "tool", "{}")), ApprovalNeeded("c0"))
    d.tell(DecideCall("c0", approved, always=True), ToolDone("c0", "result", "x"), UpdateAgent(agent))
    d.tell(SessionUpdated(agent.session), SessionUpdated(agent.session), ends("r")).forget()
    d.tell(begins("s", "req_1"), *calls("s", ("c1", "tool", "{}")), ApprovalNeeded("c1"))
    answers = [work for work in d.tools if isinstance(work, AnswerApproval)]
    assert answers == ([AnswerApproval("c1", approved)] if holds else [])
    assert len(d.seen(ToolApprovalRequired)) == (not holds)

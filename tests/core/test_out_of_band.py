"""Out-of-band responses that call tools: the conversation has nothing of it, and the handle has all of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.agent_spec import AgentSpec, ToolSpec
from engine.core.effects import CancelCall, HandleDone, ResponseToolCall, StartCall
from engine.core.inputs import (
    ApprovalNeeded,
    CancelHandle,
    DecideCall,
    Disconnected,
    GuardrailVerdict,
    Input,
    Interrupt,
    Respond,
    TimePassed,
    ToolDone,
    ToolRunning,
)
from engine.core.tool_call_steps import CANCELLED_OUTPUT, OUT_OF_BAND_HANDOFF, SESSION_OVER, STOPPED_OUTPUT
from engine.errors import TransportLost
from engine.events import GuardrailResult, Handoff, ToolApprovalRequired, ToolEnd, ToolStart
from engine.wire.client_events import ConversationItemCreate, ResponseCreate, SessionUpdate
from engine.wire.items import FunctionCall
from engine.wire.response import Response, ResponseParams
from engine.wire.server_events import (
    ErrorEvent,
    ResponseCreated,
    ResponseDone,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputItemDone,
    ServerEvent,
)
from engine.wire.server_session import ErrorDetail
from engine.wire.session import Session
from tests.core.driving import AGENT, STOPPABLE, TOOL, Driven
from tests.support.talk import begins, ends, user_starts
from tests.support.talk import calls as calls_of_the_conversation

PARAMS = ResponseParams(conversation="none")
NEXT = AgentSpec("back", "back", Session(instructions="back"))
AGENT_THAT_HANDS_OVER = AgentSpec(
    "front", "front", Session(), {"tool": TOOL, "go": ToolSpec("go", "handoff", "the handoff")}
)


def created(response_id: str = "side", token: str | None = "req_1", conversation: str | None = None) -> ServerEvent:
    metadata = {"engine_request": token} if token else None
    return ResponseCreated(Response(response_id, "in_progress", metadata=metadata, conversation_id=conversation))


def over(response_id: str = "side", status: str = "completed", *output: FunctionCall) -> ServerEvent:
    return ResponseDone(Response(response_id, status, output=output))


def item(call_id: str, name: str = "tool", status: str | None = "completed") -> FunctionCall:
    return FunctionCall(f"item_{call_id}", name, call_id, "{}", status)


def calls(*made: tuple[str, str], response_id: str = "side") -> list[ServerEvent]:
    return [ResponseOutputItemDone(response_id, at, item(*one)) for at, one in enumerate(made)]


def asked(agent: AgentSpec = AGENT) -> Driven:
    """A response that was asked for out of band has begun."""
    return Driven(agent).tell(Respond(7, PARAMS), created()).forget()


def outcome(d: Driven) -> HandleDone | None:
    """How the handle was told that its response ended."""
    found = [handle for handle in d.handles if isinstance(handle, HandleDone)]
    assert len(found) <= 1
    return found[0] if found else None


# --- nothing of it is the conversation's


@given(order=st.permutations(["end", "c0", "c1", "c2"]), told_again=st.booleans())
def test_the_handle_gets_the_calls_once_they_and_the_response_have_ended(order: list[str], told_again: bool) -> None:
    names = ("c0", "c1", "c2")
    d = asked().tell(*calls(*((name, "tool") for name in names)))
    for at, what in enumerate(order):
        assert outcome(d) is None
        if what == "end":
            d.tell(over("side", "completed", *(item(name) for name in names) if told_again else ()))
        else:
            d.tell(ToolRunning(what), ToolDone(what, "result", f"result {at} of {what}"))
    end = outcome(d)
    assert end is not None
    assert (end.handle_id, end.status) == (7, "completed")
    results = {name: f"result {order.index(name)} of {name}" for name in names}
    assert end.calls == tuple(ResponseToolCall("tool", name, "{}", results[name], "result") for name in names)
    assert not d.wire
    assert not list(d.machine.history)
    assert len(d.seen(ToolStart)) == len(d.seen(ToolEnd)) == len(names)
    assert d.machine.wake_at() is None


def test_calls_that_only_the_end_of_the_response_tells_are_waited_for_too() -> None:
    d = asked().tell(over("side", "completed", item("c")))
    assert outcome(d) is None
    d.tell(ToolDone("c", "error", "no"))
    end = outcome(d)
    assert end is not None
    assert end.calls == (ResponseToolCall("tool", "c", "{}", "no", "error"),)


def test_a_response_without_calls_ends_by_itself() -> None:
    end = outcome(asked().tell(over()))
    assert end is not None
    assert end.calls == ()


def test_the_conversation_goes_on_meanwhile() -> None:
    d = Driven().tell(begins("r"), *calls_of_the_conversation("r", ("mine", "tool", "{}")))
    d.tell(Respond(7, PARAMS), created(), *calls(("c", "tool"))).forget()
    d.tell(ends("r"), over(), ToolDone("c", "result", "beside"))
    assert not d.wire
    d.tell(ToolDone("mine", "result", "in the conversation"))
    assert [type(event) for event in d.wire] == [ConversationItemCreate, ResponseCreate]


@pytest.mark.parametrize("told_by_arguments", [True, False])
def test_a_handoff_changes_nothing(told_by_arguments: bool) -> None:
    d = asked(AGENT_THAT_HANDS_OVER)
    if told_by_arguments:
        d.tell(ResponseFunctionCallArgumentsDone("side", "item_c", 0, "c", "go", "{}"))
    d.tell(*calls(("c", "go")), over())
    d.tell(ToolDone("c", "result", "done", next_agent=NEXT))
    assert not d.seen(Handoff)
    assert not d.sent(SessionUpdate)
    assert not [work for work in d.tools if isinstance(work, StartCall)]
    assert d.machine.agent is AGENT_THAT_HANDS_OVER
    assert [(event.outcome, event.output) for event in d.seen(ToolEnd)] == [("rejected", OUT_OF_BAND_HANDOFF)]
    end = outcome(d)
    assert end is not None
    assert end.calls == (ResponseToolCall("go", "c", "{}", OUT_OF_BAND_HANDOFF, "rejected"),)


def test_a_call_waits_for_approval_as_any_other() -> None:
    d = asked().tell(*calls(("c", "tool")), over(), ApprovalNeeded("c"))
    assert [event.call_id for event in d.seen(ToolApprovalRequired)] == ["c"]
    assert d.machine.waits_for_approval("c")
    d.tell(DecideCall("c", approved=False, message="no"), ToolDone("c", "rejected", "no"))
    end = outcome(d)
    assert end is not None
    assert [(call.outcome, call.output) for call in end.calls] == [("rejected", "no")]


# --- who may stop it


@pytest.mark.parametrize("interruption", [Interrupt(), user_starts()])
def test_who_interrupts_the_conversation_leaves_it_alone(interruption: Input) -> None:
    d = asked().tell(*calls(("c", "stoppable")), interruption)
    assert not d.seen(ToolEnd)
    assert not [work for work in d.tools if isinstance(work, CancelCall)]
    d.tell(over(), ToolDone("c", "result", "42"))
    end = outcome(d)
    assert end is not None
    assert [call.output for call in end.calls] == ["42"]


@pytest.mark.parametrize("ended", [True, False])
def test_cancelling_the_handle_stops_the_tools_that_allow_it(ended: bool) -> None:
    d = asked().tell(*calls(("s", "stoppable"), ("t", "tool"), ("w", "tool")), ApprovalNeeded("w"))
    d.tell(*([over()] if ended else []), CancelHandle(7))
    assert [(event.call_id, event.output) for event in d.seen(ToolEnd)] == [
        ("s", STOPPED_OUTPUT),
        ("w", STOPPED_OUTPUT),
    ]
    assert [work.call_id for work in d.tools if isinstance(work, CancelCall)] == ["s", "w"]
    d.tell(*([] if ended else [over("side", "cancelled")]))
    assert outcome(d) is None
    d.tell(ToolDone("t", "result", "42"))
    end = outcome(d)
    assert end is not None
    assert end.status == ("completed" if ended else "cancelled")
    assert [call.outcome for call in end.calls] == ["cancelled", "result", "cancelled"]


def test_another_handle_stops_nothing_of_it() -> None:
    d = asked().tell(*calls(("s", "stoppable")), over(), CancelHandle(8))
    assert not d.seen(ToolEnd)


def test_a_call_that_turns_up_after_the_cancelling_is_not_run() -> None:
    d = asked().tell(CancelHandle(7), *calls(("c", "tool")), over("side", "cancelled"))
    assert not [work for work in d.tools if isinstance(work, StartCall)]
    end = outcome(d)
    assert end is not None
    assert (end.status, end.calls) == ("cancelled", ())


def test_a_guardrail_that_stops_it_stops_its_tools() -> None:
    d = asked().tell(*calls(("s", "stoppable")))
    d.tell(GuardrailVerdict("side", "bad", (GuardrailResult(guardrail=None, name="polite"),)))
    assert [event.outcome for event in d.seen(ToolEnd)] == ["cancelled"]
    assert not d.sent(ConversationItemCreate)


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("error", [None, TransportLost("gone")])
def test_the_end_of_the_session_is_the_end_of_it(ended: bool, error: TransportLost | None) -> None:
    d = asked().tell(*calls(("c", "tool")), *([over()] if ended else []), Disconnected(error))
    end = outcome(d)
    assert end is not None
    assert [(call.outcome, call.output) for call in end.calls] == [("cancelled", SESSION_OVER)]
    assert end.status == ("completed" if ended else "cancelled")
    assert not d.wire


# --- how it is known


def unlabelled(d: Driven) -> Driven:
    """The server says nothing of who asked for the response that begins, and calls a tool in it."""
    return d.tell(created(token=None), *calls(("c", "tool")), over(), ToolDone("c", "result", "42"))


def test_the_only_response_that_was_asked_for_is_the_one_that_begins() -> None:
    d = unlabelled(Driven().tell(Respond(7, PARAMS)).forget())
    assert not d.wire
    end = outcome(d)
    assert end is not None
    assert [call.output for call in end.calls] == ["42"]


def test_a_response_without_a_conversation_is_outside_where_this_server_names_them() -> None:
    d = Driven().tell(begins("r"), ends("r"), Respond(6), Respond(7, PARAMS)).forget()
    unlabelled(d)
    assert not d.wire
    end = outcome(d)
    assert end is not None
    assert end.handle_id == 7
    d.tell(begins("s"))
    assert [handle.handle_id for handle in d.handles] == [7, 7, 6]


def test_a_response_after_an_error_without_a_name_is_that_of_the_request_behind() -> None:
    unclear = ErrorEvent(ErrorDetail("invalid_request_error", "this cannot be read", "bad_request"))
    d = Driven().tell(Respond(7, PARAMS), unclear).tell(at_ms=2000)  # it is asked for again, without a mark
    d.tell(created("first", token=None), over("first"), Respond(8, PARAMS), unclear, at_ms=2001)
    d.tell(Respond(9), at_ms=3000).forget()
    d.tell(TimePassed(), at_ms=4001)  # 8 is asked for again, behind 9
    d.tell(unclear, created("second", token=None), over("second"))
    end = outcome(d)
    assert end is not None
    assert end.handle_id == 8


def test_a_response_of_somebody_else_is_outside_where_this_server_names_conversations() -> None:
    d = unlabelled(Driven().tell(begins("r"), ends("r")).forget())
    assert not d.wire
    assert not d.handles


def test_a_server_that_never_names_conversations_has_one() -> None:
    d = unlabelled(Driven())
    assert [type(event) for event in d.wire] == [ConversationItemCreate, ResponseCreate]


# --- beside it, a response of the conversation


def test_the_handle_of_a_response_of_the_conversation_lists_its_calls_as_they_are_then() -> None:
    d = Driven().tell(Respond(7), begins("r", "req_1"))
    d.tell(*calls_of_the_conversation("r", ("c0", "tool", "{}"), ("c1", "stoppable", '{"a": 1}')))
    d.tell(ToolDone("c0", "result", "42"), ends("r"))
    end = outcome(d)
    assert end is not None
    assert end.calls == (
        ResponseToolCall("tool", "c0", "{}", "42", "result"),
        ResponseToolCall(STOPPABLE.name, "c1", '{"a": 1}', None, None),
    )
    d.tell(Interrupt())
    assert d.seen(ToolEnd)[-1].output == CANCELLED_OUTPUT

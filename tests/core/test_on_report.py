"""What the tool executor and the guardrails have to say."""

from __future__ import annotations

import pytest

from engine.core.effects import AnswerApproval, CancelCall
from engine.core.inputs import (
    ApprovalNeeded,
    DecideCall,
    Fault,
    Interrupt,
    Respond,
    SendMessage,
    ToolDone,
    ToolRunning,
    Verdict,
)
from engine.core.on_report import MOST_TRIPS_IN_A_ROW, SECOND_HANDOFF
from engine.errors import EngineError, ToolTimeout
from engine.events import Error, GuardrailResult, GuardrailTripped, ToolApprovalRequired, ToolEnd, ToolStart
from engine.wire.client_events import (
    ConversationItemCreate,
    ResponseCancel,
    ResponseCreate,
    SessionUpdate,
)
from engine.wire.items import FunctionCallOutput, Message
from engine.wire.response import Response, ResponseParams
from engine.wire.server_events import InputAudioBufferCommitted, ResponseCreated
from tests.core.driving import OTHER, Driven
from tests.support.talk import begins, calls, ends, speaks, typed

TRIPPED = (GuardrailResult(guardrail=None, name="polite"),)


def calling(*names: str) -> Driven:
    """A response that has called tools and is over."""
    d = Driven().tell(begins("r"), *calls("r", *((f"c{at}", name, "{}") for at, name in enumerate(names))), ends("r"))
    return d.forget()


# --- calls


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


def test_a_report_of_an_unknown_call_is_nothing() -> None:
    d = Driven().tell(ToolDone("x", "result", "?"), ToolRunning("x"))
    assert not d.events
    assert not d.wire


# --- approvals


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


# --- handoffs


def test_settings_go_out_before_the_output_and_the_output_before_the_request() -> None:
    d = calling("tool").tell(ToolDone("c0", "result", "to back", next_agent=OTHER))
    assert [type(event) for event in d.wire] == [SessionUpdate, ConversationItemCreate, ResponseCreate]
    assert d.seen(ToolEnd)[0].agent == "front"
    d.tell(begins("s", "req_1"))
    assert d.events[-1].agent == "back"  # type: ignore[union-attr]


def test_of_two_handoffs_in_one_response_the_first_counts() -> None:
    d = calling("tool", "tool")
    d.tell(ToolDone("c1", "result", "to back", next_agent=OTHER))
    d.tell(ToolDone("c0", "result", "to back too", next_agent=OTHER))
    assert len(d.sent(SessionUpdate)) == 1
    ended = {event.call_id: (event.outcome, event.output) for event in d.seen(ToolEnd)}
    assert ended == {"c1": ("result", "to back"), "c0": ("rejected", SECOND_HANDOFF)}
    outputs = [event.item.output for event in d.sent(ConversationItemCreate) if event.item.type != "message"]
    assert outputs == ["to back", SECOND_HANDOFF]


# --- guardrails


def saying(seconds: float = 1.0) -> Driven:
    return Driven().tell(begins("r"), *speaks("r", "a", "bad words", seconds)).forget()


def trip(response_id: str = "r") -> Verdict:
    return Verdict(response_id, "bad words", TRIPPED)


def test_a_tripped_guardrail_stops_the_response_and_tells_the_model() -> None:
    d = saying().tell(trip())
    assert d.types()[:3] == ["guardrail_tripped", "discard", "audio_interrupted"]
    (event,) = d.seen(GuardrailTripped)
    assert (event.response_id, event.message, event.guardrail_results) == ("r", "bad words", TRIPPED)
    assert [type(sent) for sent in d.wire] == [ResponseCancel, ConversationItemCreate]
    note = d.sent(ConversationItemCreate)[0].item
    assert isinstance(note, Message)
    assert note.role == "system"
    d.tell(ends("r", "cancelled"))
    assert len(d.sent(ResponseCreate)) == 1


def test_a_response_trips_once() -> None:
    assert len(saying().tell(trip(), trip()).seen(GuardrailTripped)) == 1


@pytest.mark.parametrize("verdict", [Verdict("r", "fine", ()), trip("unknown")])
def test_a_verdict_may_mean_nothing(verdict: Verdict) -> None:
    assert not saying().tell(verdict).events


def test_a_verdict_on_what_was_interrupted_comes_too_late() -> None:
    assert not saying().tell(Interrupt(), trip()).seen(GuardrailTripped)


def test_a_response_may_trip_after_its_end_while_it_still_plays() -> None:
    d = saying(5)
    d.take_audio(at_ms=0)
    d.tell(ends("r")).forget().tell(trip(), at_ms=100)
    assert "audio_interrupted" in d.types()
    assert not d.sent(ResponseCancel)


def test_a_model_that_does_not_listen_is_not_asked_for_ever() -> None:
    d = Driven()
    for at in range(MOST_TRIPS_IN_A_ROW + 2):
        response = f"r{at}"
        d.tell(begins(response, f"req_{at}"), *speaks(response, f"a{at}", "bad", 0.1), trip(response))
        d.tell(ends(response, "cancelled"))
    assert len(d.sent(ResponseCreate)) == MOST_TRIPS_IN_A_ROW
    assert len(d.seen(GuardrailTripped)) == MOST_TRIPS_IN_A_ROW + 2


@pytest.mark.parametrize("spoken", [True, False])
def test_a_turn_of_the_users_ends_a_row_of_trips(spoken: bool) -> None:
    d = Driven()
    for at in range(MOST_TRIPS_IN_A_ROW + 2):
        if spoken:
            d.tell(InputAudioBufferCommitted(item_id=f"u{at}"))
        else:
            d.tell(SendMessage(typed(f"m{at}", "hello"), respond=False))
        d.tell(begins(f"r{at}", f"req_{at}"), trip(f"r{at}"), ends(f"r{at}", "cancelled"))
    assert len(d.sent(ResponseCreate)) == MOST_TRIPS_IN_A_ROW + 2


def test_an_out_of_band_response_that_trips_is_stopped_alone() -> None:
    d = saying().tell(Respond(1, ResponseParams(conversation="none")))
    d.tell(ResponseCreated(Response("side", "in_progress", metadata={"engine_request": "req_1"}))).forget()
    d.tell(trip("side"))
    assert [event.response_id for event in d.sent(ResponseCancel)] == ["side"]
    assert not d.sent(ConversationItemCreate)
    assert "audio_interrupted" not in d.types()


def test_a_fault_of_the_applications_functions_is_an_error_event() -> None:
    error = EngineError("a hook failed")
    assert [event.error for event in Driven().tell(Fault(error)).seen(Error)] == [error]


def test_an_output_is_an_item_of_its_own() -> None:
    d = calling("tool").tell(ToolDone("c0", "result", "42"))
    item = d.sent(ConversationItemCreate)[0].item
    assert isinstance(item, FunctionCallOutput)
    assert (item.call_id, item.output) == ("c0", "42")

"""A response from its beginning to its end: who speaks, what it has read, how it ended."""

from __future__ import annotations

import pytest

from engine.core.effects import CheckText, HandleCreated, HandleDone, HookEnd, HookStart
from engine.core.inputs import Interrupt, Respond, SendMessage
from engine.core.state import REMEMBERED_RESPONSES
from engine.errors import ResponseFailed
from engine.events import AgentEnd, AgentStart, Error, UsageReported
from engine.wire.client_events import ResponseCancel, ResponseCreate
from engine.wire.items import Message, OutputAudio
from engine.wire.response import Response, ResponseError, StatusDetails, Usage
from engine.wire.server_events import (
    ResponseContentPartAdded,
    ResponseCreated,
    ResponseDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemAdded,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    SessionUpdated,
)
from engine.wire.session import Audio as SessionAudio
from engine.wire.session import AudioInput, ServerVad, Session
from tests.core.driving import AGENT, Driven
from tests.support.talk import begins, ends, speaks, typed, user_starts, user_stops

# --- beginning


def test_a_response_begins_once() -> None:
    d = Driven().tell(begins("r"), begins("r"))
    assert d.types() == ["agent_start"]
    assert d.seen(AgentStart)[0].agent == "front"
    assert d.tools == [HookStart(AGENT)]


@pytest.mark.parametrize(
    "first",
    [
        ResponseOutputItemAdded("r", 0, Message("a", "assistant", ())),
        ResponseContentPartAdded("r", "a", 0, 0, OutputAudio("")),
        ResponseOutputAudioDelta("r", "a", 0, 0, b"\0\0"),
        ResponseOutputTextDelta("r", "a", 0, 0, "hi"),
        ResponseDone(Response("r", "completed")),
    ],
    ids=lambda event: type(event).__name__,
)
def test_a_response_whose_beginning_was_left_out_begins_with_whatever_comes_first(first: object) -> None:
    d = Driven().tell(first)  # type: ignore[arg-type]
    assert d.types()[0] == "agent_start"
    d.tell(ends("r"))
    assert d.types().count("agent_start") == d.types().count("agent_end") == 1


def test_an_event_without_a_response_is_an_error_if_none_runs() -> None:
    d = Driven().tell(*[ResponseOutputTextDelta("", "a", 0, 0, "hi")] * 3)
    assert [event.code for event in d.seen(Error)] == ["unplaced_event"]
    assert len(d.events) == 1


def test_a_response_that_was_asked_for_tells_its_handle() -> None:
    d = Driven().tell(Respond(7))
    d.tell(begins("r", "req_1"))
    assert d.handles == [HandleCreated(7, "r")]


def test_a_cancelled_request_is_cancelled_as_it_turns_up() -> None:
    d = Driven().tell(Respond(7), Interrupt())
    d.tell(begins("r", "req_1"))
    assert d.types() == ["agent_start", "discard", "audio_interrupted"]
    assert [event.response_id for event in d.sent(ResponseCancel)] == ["r"]


# --- what began without having read something


def test_a_response_of_the_servers_own_that_has_not_read_a_message_does_not_answer_it() -> None:
    d = Driven().tell(begins("busy"), SendMessage(typed("m", "hello")))
    d.tell(ends("busy"), begins("own"))
    d.tell(ends("own"))
    assert len(d.sent(ResponseCreate)) == 1


def test_a_message_that_two_responses_in_a_row_have_not_read_is_still_answered() -> None:
    vad = ServerVad(create_response=True, interrupt_response=False)
    d = Driven().tell(SessionUpdated(Session(audio=SessionAudio(input=AudioInput(turn_detection=vad)))))
    d.tell(SendMessage(typed("m", "hello")), SendMessage(typed("n", "are you there?")))
    d.tell(begins("r", "req_1"), user_starts(), ends("r"), *user_stops(), begins("own"), ends("own"))
    assert len(d.sent(ResponseCreate)) == 2


def test_a_response_that_was_asked_for_has_read_what_was_sent_before() -> None:
    d = Driven().tell(SendMessage(typed("m", "hello")))
    d.tell(begins("r", "req_1"), ends("r"))
    assert len(d.sent(ResponseCreate)) == 1


# --- what the guardrails read


def test_text_goes_to_the_guardrails_in_steps_and_at_the_end() -> None:
    d = Driven(debounce_length=10).tell(begins("r"), *speaks("r", "a", "four five six", 0.1))
    assert d.checks == [CheckText("r", AGENT, "four five ", final=False)]
    d.tell(ends("r"))
    assert d.checks[1:] == [CheckText("r", AGENT, "four five six ", final=True)]


@pytest.mark.parametrize("done", [ResponseOutputTextDone, ResponseOutputAudioTranscriptDone])
def test_text_that_comes_as_a_whole_is_read_too(done: type) -> None:
    d = Driven().tell(begins("r"), done("r", "a", 0, 0, "all at once"), ends("r"))
    assert d.checks == [CheckText("r", AGENT, "all at once", final=True)]


def test_text_that_deltas_have_told_in_part_is_read_once() -> None:
    d = Driven().tell(begins("r"), ResponseOutputTextDelta("r", "a", 0, 0, "all "))
    d.tell(ResponseOutputTextDone("r", "a", 0, 0, "all of it"), ends("r"))
    assert d.checks == [CheckText("r", AGENT, "all of it", final=True)]


def test_nothing_of_an_interrupted_response_is_checked() -> None:
    d = Driven().tell(begins("r"), *speaks("r", "a", "one", 0.1), Interrupt()).forget()
    d.tell(ResponseOutputTextDone("r", "b", 0, 0, "unheard"), ends("r", "cancelled"))
    assert not d.checks


# --- ending


@pytest.mark.parametrize(
    ("status", "details", "reason"),
    [
        ("completed", None, None),
        (None, None, None),
        ("cancelled", StatusDetails("cancelled", "turn_detected"), "turn_detected"),
        ("incomplete", StatusDetails("incomplete", "max_output_tokens"), "max_output_tokens"),
        ("failed", StatusDetails("failed", error=ResponseError("server_error", "rate", "slow down")), "rate"),
        ("failed", None, None),
    ],
)
def test_the_end_says_how_and_why(status: str | None, details: StatusDetails | None, reason: str | None) -> None:
    d = Driven().tell(Respond(1))
    d.tell(begins("r", "req_1"), ResponseDone(Response("r", status, details, usage=Usage(3, 2, 1))))
    (end,) = d.seen(AgentEnd)
    assert (end.status, end.reason, end.usage) == (status or "completed", reason, Usage(3, 2, 1))
    assert end.error == (details.error if details else None)
    outcome = d.handles[-1]
    assert isinstance(outcome, HandleDone)
    assert outcome.status == end.status
    assert isinstance(outcome.error, ResponseFailed) is (status == "failed")


def test_usage_is_added_up() -> None:
    d = Driven()
    for response_id in ("r", "s"):
        d.tell(begins(response_id), ends(response_id, usage=Usage(3, 2, 1)))
    assert [event.total.total_tokens for event in d.seen(UsageReported)] == [3, 6]
    assert d.machine.usage.total_tokens == 6


def test_hooks_are_told_what_was_said() -> None:
    d = Driven().tell(begins("r"), *speaks("r", "a", "one two", 0.1), ends("r"))
    assert d.tools[-1] == HookEnd(AGENT, "one two ")


def test_a_response_ends_once() -> None:
    d = Driven().tell(begins("r"), ends("r"), ends("r"))
    assert d.types() == ["agent_start", "agent_end"]


# --- memory


def test_only_so_many_ended_responses_are_remembered() -> None:
    d = Driven()
    for at in range(3 * REMEMBERED_RESPONSES):
        d.tell(begins(f"r{at}"), ends(f"r{at}")).forget()
    assert len(d.machine._state.responses) == REMEMBERED_RESPONSES


def test_a_running_response_is_never_forgotten() -> None:
    d = Driven().tell(ResponseCreated(Response("first", "in_progress", conversation_id="c")))
    for at in range(2 * REMEMBERED_RESPONSES):
        d.tell(begins(f"r{at}"), ends(f"r{at}"))
    d.forget().tell(ends("first"))
    assert d.types() == ["agent_end"]

"""A response from its beginning to its end, event by event."""

from __future__ import annotations

import pytest

from engine.core.effects import CheckText, HandleCreated, HandleDone, HookEnd, HookStart, StartCall
from engine.core.inputs import Interrupt, Opened, Respond, SendMessage
from engine.core.state import REMEMBERED_RESPONSES
from engine.errors import ResponseFailed
from engine.events import AgentEnd, AgentStart, Audio, AudioEnd, TranscriptDelta, TranscriptDone, UsageReported
from engine.wire.client_events import ResponseCancel, ResponseCreate
from engine.wire.items import FunctionCall, Message, OutputAudio, OutputText
from engine.wire.response import Response, ResponseError, ResponseParams, StatusDetails, Usage
from engine.wire.server_events import (
    ResponseContentPartAdded,
    ResponseCreated,
    ResponseDone,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    SessionUpdated,
)
from engine.wire.session import Audio as SessionAudio
from engine.wire.session import AudioInput, ServerVad, Session
from tests.core.driving import AGENT, OTHER, TOOL, Driven
from tests.support.talk import begins, calls, ends, falls_silent, speaks, typed, user_starts, user_stops

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


def test_an_event_without_a_response_belongs_to_none() -> None:
    assert Driven().tell(ResponseOutputTextDelta("", "a", 0, 0, "hi")).types() == []


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


def test_a_response_of_the_far_ends_own_that_has_not_read_a_message_does_not_answer_it() -> None:
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


# --- speaking


def test_audio_and_words_in_order() -> None:
    d = Driven().tell(begins("r"), *speaks("r", "a", "one two", 0.5), *falls_silent("r", "a", "one two"), ends("r"))
    assert [event.data for event in d.seen(Audio)] == [b"\1\0" * 6000] * 2
    assert [event.delta for event in d.seen(TranscriptDelta)] == ["one ", "two "]
    assert [event.transcript for event in d.seen(TranscriptDone)] == ["one two"]
    assert len(d.seen(AudioEnd)) == 1
    assert d.types().index("audio_end") < d.types().index("agent_end")


def test_audio_that_comes_after_its_end_is_still_delivered() -> None:
    d = Driven().tell(begins("r"), *speaks("r", "a", "one", 0.5))
    d.tell(ResponseOutputAudioDone("r", "a", 0, 0), ResponseOutputAudioDelta("r", "a", 0, 0, b"\2\0"))
    assert not d.seen(AudioEnd)
    d.tell(*falls_silent("r", "a", "one"))
    assert d.seen(Audio)[-1].data == b"\2\0"
    assert len(d.seen(AudioEnd)) == 1


def test_audio_that_never_ends_ends_with_its_response() -> None:
    d = Driven().tell(begins("r"), *speaks("r", "a", "one", 0.5), ends("r", "incomplete", "max_output_tokens"))
    assert len(d.seen(AudioEnd)) == 1


def test_empty_audio_is_no_audio() -> None:
    assert "audio" not in Driven().tell(begins("r"), ResponseOutputAudioDelta("r", "a", 0, 0, b"")).types()


def test_late_events_of_an_ended_response_are_dropped() -> None:
    d = Driven().tell(begins("r"), ends("r")).forget()
    d.tell(*speaks("r", "a", "late", 0.2), ends("r"))
    assert [kind for kind in d.types() if kind != "history_added"] == []


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


# --- calling tools


def test_a_call_starts_as_soon_as_its_arguments_are_whole_and_only_once() -> None:
    call = FunctionCall("f", "tool", "c", '{"a": 1}', "completed")
    d = Driven().tell(begins("r"), ResponseFunctionCallArgumentsDone("r", "f", 0, "c", "tool", '{"a": 1}'))
    assert d.tools[1:] == [StartCall("c", "tool", '{"a": 1}', TOOL, AGENT)]
    d.tell(ResponseOutputItemDone("r", 0, call), ResponseDone(Response("r", "completed", output=(call,))))
    assert len([work for work in d.tools if isinstance(work, StartCall)]) == 1


@pytest.mark.parametrize("arguments", ['{"a": ', "", "[]", "5"])
def test_arguments_that_are_not_whole_wait_for_the_end_of_the_item(arguments: str) -> None:
    d = Driven().tell(begins("r"), ResponseFunctionCallArgumentsDone("r", "f", 0, "c", "tool", arguments))
    assert not [work for work in d.tools if isinstance(work, StartCall)]
    d.tell(ResponseOutputItemDone("r", 0, FunctionCall("f", "tool", "c", arguments, "completed")))
    assert len([work for work in d.tools if isinstance(work, StartCall)]) == 1


def test_a_call_without_a_name_waits_for_the_end_of_the_item() -> None:
    d = Driven().tell(begins("r"), ResponseFunctionCallArgumentsDone("r", "f", 0, "c", None, "{}"))
    assert not [work for work in d.tools if isinstance(work, StartCall)]


@pytest.mark.parametrize("status", ["cancelled", "incomplete"])
def test_a_call_that_was_cut_off_is_not_run(status: str) -> None:
    call = FunctionCall("f", "tool", "c", '{"a":', "incomplete")
    d = Driven().tell(begins("r"), ResponseOutputItemDone("r", 0, call))
    d.tell(ResponseDone(Response("r", status, output=(call,))))
    assert not [work for work in d.tools if isinstance(work, StartCall)]


def test_a_call_that_only_the_end_of_the_response_tells_is_run() -> None:
    call = FunctionCall("f", "tool", "c", "{}", "completed")
    d = Driven().tell(begins("r"), ResponseDone(Response("r", "completed", output=(call,))))
    assert [work.call_id for work in d.tools if isinstance(work, StartCall)] == ["c"]


def test_an_unknown_tool_is_started_as_unknown() -> None:
    d = Driven().tell(begins("r"), *calls("r", ("c", "nothing_like_it", "{}")))
    assert d.tools[1] == StartCall("c", "nothing_like_it", "{}", None, AGENT)


def test_the_tools_of_one_response_are_its_own() -> None:
    d = Driven(OTHER)
    d.tell(Respond(1, ResponseParams(), {"mine": TOOL}))
    d.tell(begins("r", "req_1"), *calls("r", ("c", "mine", "{}")))
    assert d.tools[1].tool is TOOL


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


def test_text_items_need_no_audio() -> None:
    item = Message("a", "assistant", (OutputText("hi"),), "completed")
    d = Driven().tell(begins("r"), ResponseContentPartAdded("r", "a", 0, 0, OutputText("")))
    d.tell(ResponseOutputTextDelta("r", "a", 0, 0, "hi"), ResponseOutputItemDone("r", 0, item), ends("r"))
    assert d.types() == ["agent_start", "transcript_delta", "agent_end"]


def test_no_agent_is_told_before_the_connection_stands() -> None:
    d = Driven(opened=False)
    assert not d.wire
    d.tell(Opened(AGENT))
    assert len(d.wire) == 1

"""What a response says and calls, event by event."""

from __future__ import annotations

import pytest

from engine.core.effects import StartCall
from engine.events import Audio, AudioEnd, TranscriptDelta, TranscriptDone
from engine.wire.items import FunctionCall, Message, OutputText
from engine.wire.response import Response
from engine.wire.server_events import (
    ResponseContentPartAdded,
    ResponseDone,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
)
from tests.core.driving import AGENT, TOOL, Driven
from tests.support.talk import begins, ends, falls_silent, speaks

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


def test_text_items_need_no_audio() -> None:
    item = Message("a", "assistant", (OutputText("hi"),), "completed")
    d = Driven().tell(begins("r"), ResponseContentPartAdded("r", "a", 0, 0, OutputText("")))
    d.tell(ResponseOutputTextDelta("r", "a", 0, 0, "hi"), ResponseOutputItemDone("r", 0, item), ends("r"))
    assert d.types() == [
        "agent_start", "history_added", "transcript_delta", "transcript_done", "history_updated", "agent_end"
    ]  # fmt: skip


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

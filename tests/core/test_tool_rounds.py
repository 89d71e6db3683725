"""How many replies in a row the model is asked for because its calls have outputs."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.effects import HandleDone
from engine.core.in_a_row import InARow
from engine.core.inputs import Input, Respond, SendMessage, SendRaw, ToolDone, UpdateAgent
from engine.errors import ToolRoundsExceeded
from engine.events import Error
from engine.wire.client_events import ConversationItemCreate, RawClientEvent, ResponseCreate
from engine.wire.items import InputAudio, Message
from engine.wire.response import ResponseParams
from engine.wire.server_events import (
    ConversationItemAdded,
    ConversationItemInputAudioTranscriptionCompleted,
    InputAudioBufferCommitted,
)
from tests.core.driving import OTHER, Driven
from tests.support.talk import begins, calls, ends, typed, user_starts, user_stops


def rounds(d: Driven, count: int, first: int = 0) -> Driven:
    """So many responses in a row that call a tool; each begins as the one that was asked for last."""
    for at in range(first, first + count):
        asked = [each for each in d.sent(ResponseCreate) if each.response.conversation != "none"]
        token = str(asked[-1].event_id) if asked else None
        d.tell(begins(f"r{at}", token), *calls(f"r{at}", (f"c{at}", "tool", "{}")), ends(f"r{at}"))
        d.tell(ToolDone(f"c{at}", "result", "again"))
    return d


@given(most=st.integers(1, 5), more=st.integers(1, 4))
def test_the_model_is_asked_so_often_and_no_more(most: int, more: int) -> None:
    d = rounds(Driven(max_tool_rounds=most), most + more)
    assert len(d.sent(ResponseCreate)) == most
    assert len(d.sent(ConversationItemCreate)) == most + more
    (error,) = d.seen(Error)
    assert (type(error.error), error.code) == (ToolRoundsExceeded, "tool_rounds_exceeded")
    assert "max_tool_rounds" in str(error.error)
    assert d.machine.wake_at() is None


def test_there_may_be_no_bound() -> None:
    d = rounds(Driven(max_tool_rounds=None), 100)
    assert len(d.sent(ResponseCreate)) == 100
    assert not d.seen(Error)


def test_parallel_calls_are_one_round() -> None:
    d = Driven(max_tool_rounds=1).tell(begins("r"))
    d.tell(*calls("r", *((f"c{at}", "tool", "{}") for at in range(5))), ends("r"))
    d.tell(*(ToolDone(f"c{at}", "result", "x") for at in range(5)))
    assert len(d.sent(ResponseCreate)) == 1
    assert not d.seen(Error)


def spoken(item_id: str) -> Message:
    return Message(item_id, "user", (InputAudio(),), "completed")


TAKES_PART: dict[str, Sequence[Input]] = {
    "speaks": [user_starts("u"), *user_stops("u")],
    "speech is committed": [InputAudioBufferCommitted(item_id="u")],
    "is only heard to begin": [user_starts("u")],
    "is only transcribed": [ConversationItemInputAudioTranscriptionCompleted("u", 0, "hello")],
    "has only an item": [ConversationItemAdded(item=spoken("u"))],
    "message": [SendMessage(typed("m", "hello"))],
    "respond": [Respond(1)],
    "raw request": [SendRaw(RawClientEvent({"type": "response.create"}))],
    "another agent": [UpdateAgent(OTHER)],
}


@pytest.mark.parametrize("what", TAKES_PART)
def test_whoever_takes_part_begins_a_new_row(what: str) -> None:
    d = rounds(Driven(max_tool_rounds=2), 2).tell(*TAKES_PART[what])
    assert d.machine._state.tool_rounds.count == 0
    assert not d.seen(Error)


NO_PART: dict[str, Sequence[Input]] = {
    "remark": [SendMessage(typed("m", "by the way"), respond=False)],
    "a remark that is confirmed": [ConversationItemAdded(item=typed("m", "by the way"))],
    "beside the conversation": [Respond(1, ResponseParams(conversation="none"))],
    "any raw event": [SendRaw(RawClientEvent({"type": "conversation.item.create"}))],
}


@pytest.mark.parametrize("what", NO_PART)
def test_what_asks_for_nothing_does_not(what: str) -> None:
    d = rounds(Driven(max_tool_rounds=2), 2).tell(*NO_PART[what])
    rounds(d, 1, first=2)
    assert [event.code for event in d.seen(Error)] == ["tool_rounds_exceeded"]


def test_the_conversation_goes_on_when_it_is_asked_to() -> None:
    d = rounds(Driven(max_tool_rounds=1), 2).forget()
    d.tell(Respond(1))
    (request,) = d.sent(ResponseCreate)
    d.tell(begins("s", str(request.event_id)), ends("s"))
    assert [(handle.handle_id, handle.status) for handle in d.handles if isinstance(handle, HandleDone)] == [
        (1, "completed")
    ]
    rounds(d, 1, first=10)
    assert len(d.sent(ResponseCreate)) == 2


def test_a_request_that_waits_is_sent_although_the_bound_is_reached() -> None:
    d = rounds(Driven(max_tool_rounds=1), 1)
    d.tell(begins("r", "req_1"), *calls("r", ("c", "tool", "{}")), Respond(1))
    d.tell(ToolDone("c", "result", "again"), ends("r"))
    assert len(d.sent(ResponseCreate)) == 2
    assert not d.seen(Error)


@given(most=st.none() | st.integers(1, 5), steps=st.lists(st.booleans(), max_size=20))
def test_a_row(most: int | None, steps: list[bool]) -> None:
    row, count = InARow(), 0
    for again in steps:
        if again:
            count += 1
            assert row.once_more(most) is (most is None or count <= most)
            assert row.just_exceeded(most) is (most is not None and count == most + 1)
        else:
            row.end()
            count = 0

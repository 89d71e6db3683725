"""What the application asks for."""

from __future__ import annotations

import pytest

from engine.core.effects import HandleDone
from engine.core.inputs import CancelHandle, Interrupt, Respond, SendMessage, SendRaw
from engine.wire.client_events import ConversationItemCreate, RawClientEvent, ResponseCancel, ResponseCreate
from engine.wire.items import InputText, Message
from engine.wire.response import Response, ResponseParams
from engine.wire.server_events import ResponseCreated
from engine.wire.struct import UNSET
from tests.core.driving import Driven
from tests.support.talk import begins, ends, speaks, typed, user_starts

BESIDE = ResponseParams(conversation="none")


def unnamed(text: str) -> Message:
    return Message(UNSET, "user", (InputText(text),))


# --- messages


def test_a_message_gets_an_id_and_a_reply() -> None:
    d = Driven().tell(SendMessage(unnamed("hello")), SendMessage(unnamed("again")))
    items = [event.item for event in d.sent(ConversationItemCreate)]
    ids = [item.id for item in items]
    assert len(set(ids)) == 2
    assert all(isinstance(item_id, str) and len(item_id) <= 32 for item_id in ids)
    assert len(d.sent(ResponseCreate)) == 1


def test_an_id_of_the_applications_own_is_kept() -> None:
    d = Driven().tell(SendMessage(typed("mine", "hello")))
    assert d.sent(ConversationItemCreate)[0].item.id == "mine"


def test_a_message_may_want_no_reply() -> None:
    assert not Driven().tell(SendMessage(unnamed("by the way"), respond=False)).sent(ResponseCreate)


def test_a_raw_event_goes_out_as_it_is() -> None:
    raw = RawClientEvent({"type": "anything"})
    assert Driven().tell(SendRaw(raw)).wire == [raw]


# --- handles


def test_a_request_that_has_not_been_sent_can_be_taken_back() -> None:
    d = Driven().tell(user_starts(), Respond(1), CancelHandle(1))
    assert d.handles == [HandleDone(1, "superseded")]
    assert not d.sent(ResponseCreate)


def test_a_request_on_its_way_is_cancelled_when_it_begins() -> None:
    d = Driven().tell(Respond(1), CancelHandle(1))
    assert not d.handles
    d.tell(begins("r", "req_1"))
    assert [event.response_id for event in d.sent(ResponseCancel)] == ["r"]
    d.tell(ends("r", "cancelled", "client_cancelled"))
    assert [effect.status for effect in d.handles if isinstance(effect, HandleDone)] == ["cancelled"]


def test_a_running_response_is_stopped() -> None:
    d = Driven().tell(Respond(1))
    d.tell(begins("r", "req_1"), *speaks("r", "a", "a story", 1)).forget()
    d.tell(CancelHandle(1))
    assert "audio_interrupted" in d.types()
    assert [event.response_id for event in d.sent(ResponseCancel)] == ["r"]


def test_cancelling_what_is_over_or_unknown_is_nothing() -> None:
    d = Driven().tell(Respond(1), begins("r", "req_1"), ends("r")).forget()
    d.tell(CancelHandle(1), CancelHandle(99))
    assert not d.wire
    assert not d.events


@pytest.mark.parametrize("begun", [True, False])
def test_an_out_of_band_response_is_cancelled_alone(begun: bool) -> None:
    d = Driven().tell(begins("r"), *speaks("r", "a", "a story", 1), Respond(1, BESIDE))
    created = ResponseCreated(Response("side", "in_progress", metadata={"engine_request": "req_1"}))
    d.tell(*([created, CancelHandle(1)] if begun else [CancelHandle(1), created]))
    assert [event.response_id for event in d.sent(ResponseCancel)] == ["side"]
    assert "audio_interrupted" not in d.types()


def test_an_interruption_drops_what_was_asked_for() -> None:
    d = Driven().tell(begins("busy"), Respond(1), Interrupt())
    assert d.handles == [HandleDone(1, "superseded")]
    d.tell(ends("busy", "cancelled"))
    assert not d.sent(ResponseCreate)

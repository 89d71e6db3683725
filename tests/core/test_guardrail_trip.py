"""A tripped guardrail: what is stopped, what the model is told, and how often."""

from __future__ import annotations

import pytest

from engine.core.guardrail_trip import MOST_TRIPS_IN_A_ROW
from engine.core.inputs import GuardrailVerdict, Interrupt, Respond, SendMessage
from engine.events import GuardrailResult, GuardrailTripped
from engine.wire.client_events import ConversationItemCreate, ResponseCancel, ResponseCreate
from engine.wire.items import Message
from engine.wire.response import Response, ResponseParams
from engine.wire.server_events import InputAudioBufferCommitted, ResponseCreated
from tests.core.driving import Driven
from tests.support.talk import begins, ends, speaks, typed

TRIPPED = (GuardrailResult(guardrail=None, name="polite"),)


def saying(seconds: float = 1.0) -> Driven:
    return Driven().tell(begins("r"), *speaks("r", "a", "bad words", seconds)).forget()


def trip(response_id: str = "r") -> GuardrailVerdict:
    return GuardrailVerdict(response_id, "bad words", TRIPPED)


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

"""What the application asks for."""

from __future__ import annotations

import attrs
import pytest

from engine.core.agent_spec import AgentSpec
from engine.core.effects import AnswerApproval, HandleDone, HookHandoff
from engine.core.inputs import (
    ApprovalNeeded,
    CancelHandle,
    DecideCall,
    Ended,
    Interrupt,
    Opened,
    Respond,
    SendMessage,
    SendRaw,
    Tick,
    UpdateAgent,
)
from engine.core.on_command import SESSION_OVER
from engine.errors import SettingsError, TransportLost
from engine.events import AgentEnd, Error, Handoff, ToolEnd
from engine.wire.client_events import (
    ConversationItemCreate,
    RawClientEvent,
    ResponseCancel,
    ResponseCreate,
    SessionUpdate,
)
from engine.wire.items import InputText, Message
from engine.wire.response import Response, ResponseParams
from engine.wire.server_events import ResponseCreated, SessionUpdated
from engine.wire.session import Audio, AudioOutput, Prompt, Session
from engine.wire.unset import UNSET
from tests.core.driving import AGENT, OTHER, Driven
from tests.support.talk import begins, calls, ends, speaks, typed, user_starts

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


# --- agents


def test_another_agent_brings_its_settings_at_once() -> None:
    d = Driven().tell(begins("r"), UpdateAgent(OTHER))
    assert [event.session.instructions for event in d.sent(SessionUpdate)] == ["back"]
    (handoff,) = d.seen(Handoff)
    assert (handoff.from_agent, handoff.to_agent) == ("front", "back")
    assert HookHandoff(OTHER, AGENT) in d.tools
    assert d.machine.agent is OTHER


def test_a_running_response_stays_the_old_agents_until_the_settings_are_confirmed() -> None:
    d = Driven().tell(UpdateAgent(OTHER), begins("own"), ends("own"), SessionUpdated(Session()))
    d.tell(SessionUpdated(Session()), begins("next"))
    assert [event.agent for event in d.events if event.type == "agent_start"] == ["front", "back"]


def test_a_stored_prompt_of_the_agent_before_goes() -> None:
    prompted = AgentSpec("p", "p", Session(prompt=Prompt("stored")))
    d = Driven(prompted).tell(UpdateAgent(OTHER))
    assert d.sent(SessionUpdate)[0].session.prompt is None


def with_voice(name: str, voice: str) -> AgentSpec:
    return AgentSpec(name, name, Session(audio=Audio(output=AudioOutput(voice=voice))))


def test_a_voice_may_change_before_anything_was_said() -> None:
    d = Driven(with_voice("a", "ash")).tell(UpdateAgent(with_voice("b", "coral")))
    session = d.sent(SessionUpdate)[0].session
    assert isinstance(session, Session)
    assert isinstance(session.audio, Audio)
    assert isinstance(session.audio.output, AudioOutput)
    assert session.audio.output.voice == "coral"
    assert not d.seen(Error)


@pytest.mark.parametrize(("voice", "complaints"), [("coral", 1), ("ash", 0)])
def test_a_voice_cannot_change_after_speech(voice: str, complaints: int) -> None:
    d = Driven(with_voice("a", "ash")).tell(begins("r"), *speaks("r", "i", "hi", 0.1), ends("r"))
    d.tell(UpdateAgent(with_voice("b", voice)))
    session = d.sent(SessionUpdate)[0].session
    assert isinstance(session, Session)
    assert isinstance(session.audio, Audio)
    assert isinstance(session.audio.output, AudioOutput)
    assert session.audio.output.voice is UNSET
    assert [type(event.error) for event in d.seen(Error)] == [SettingsError] * complaints


def test_the_model_is_not_sent_again() -> None:
    spec = AgentSpec("a", "a", Session(model="gpt-realtime"))
    d = Driven(spec, opened=False).tell(Opened(spec))
    assert d.sent(SessionUpdate)[0].session == attrs.evolve(spec.session, model=UNSET)


# --- approvals


def test_a_decision_reaches_the_executor_once() -> None:
    d = Driven().tell(begins("r"), *calls("r", ("c", "tool", "{}")), ApprovalNeeded("c")).forget()
    d.tell(DecideCall("c", approved=False, message="no"), DecideCall("c", approved=True))
    assert d.tools == [AnswerApproval("c", approved=False, message="no")]


def test_a_decision_about_nothing_is_nothing() -> None:
    assert not Driven().tell(DecideCall("c", approved=True)).tools


# --- the end


def in_the_middle() -> Driven:
    d = Driven().tell(Respond(1))
    d.tell(begins("r", "req_1"), *speaks("r", "a", "a story", 1), *calls("r", ("c", "tool", "{}")))
    d.tell(Respond(2), Respond(3, BESIDE))
    return d


def test_everything_that_began_gets_its_end() -> None:
    d = in_the_middle().forget().tell(Ended(None))
    (end,) = d.seen(AgentEnd)
    assert (end.status, end.reason) == ("cancelled", "session_closed")
    (call,) = d.seen(ToolEnd)
    assert (call.outcome, call.output) == ("cancelled", SESSION_OVER)
    assert not d.wire
    statuses = {effect.handle_id: (effect.status, effect.error) for effect in d.handles}
    assert statuses == {1: ("cancelled", None), 2: ("superseded", None), 3: ("superseded", None)}


def test_a_lost_connection_is_everybodys_error() -> None:
    lost = TransportLost("gone")
    d = in_the_middle().forget().tell(Ended(lost))
    assert d.seen(AgentEnd)[0].reason == "connection_lost"
    assert {effect.handle_id: effect.error for effect in d.handles} == {1: lost, 2: lost, 3: lost}


def test_after_the_end_there_is_nothing() -> None:
    d = in_the_middle().tell(Ended(None)).forget()
    d.tell(Ended(None), Tick(), begins("late"), Interrupt(), SendMessage(typed("m", "x")))
    assert not d.events
    assert not d.wire
    assert d.machine.wake_at() is None

"""Settings, errors, limits, and what the engine does not interpret."""

from __future__ import annotations

import pytest

from engine.core.inputs import Respond, UpdateAgent
from engine.core.requests import CONFLICT
from engine.errors import ProtocolError, ResponseFailed, ServerError
from engine.events import AgentEnd, Error, RateLimits, RawModelEvent
from engine.wire.client_events import SessionUpdate
from engine.wire.response import ResponseError
from engine.wire.server_events import (
    ConversationItemTruncated,
    ErrorDetail,
    ErrorEvent,
    MalformedEvent,
    RateLimit,
    RateLimitsUpdated,
    ResponseContentPartDone,
    ResponseDone,
    SessionCreated,
    SessionUpdated,
    UnknownEvent,
)
from engine.wire.session import Audio, AudioInput, AudioOutput, Session, TranscriptionSession
from tests.core.driving import OTHER, Driven
from tests.support.talk import begins, ends, speaks

UNKNOWN = UnknownEvent("new.event", {"type": "new.event"})
BROKEN = MalformedEvent("no JSON", b"\xff")


def refusal(code: str | None, event_id: str | None = None, param: str | None = None) -> ErrorEvent:
    return ErrorEvent(ErrorDetail("invalid_request_error", "it will not do", code, param, event_id))


# --- nothing hides


def test_an_unknown_event_is_passed_through() -> None:
    d = Driven().tell(UNKNOWN)
    assert [event.data for event in d.seen(RawModelEvent)] == [UNKNOWN]
    assert not d.seen(Error)


def test_a_malformed_event_is_passed_through_with_an_error() -> None:
    d = Driven().tell(BROKEN)
    assert [event.data for event in d.seen(RawModelEvent)] == [BROKEN]
    assert [type(event.error) for event in d.seen(Error)] == [ProtocolError]


@pytest.mark.parametrize("raw_events", [True, False])
def test_every_event_is_raw_for_those_who_want_it_and_none_twice(raw_events: bool) -> None:
    truncated = ConversationItemTruncated("a", 0, 5)
    d = Driven(raw_events=raw_events).tell(begins("r"), UNKNOWN, BROKEN, truncated)
    raw = [event.data for event in d.seen(RawModelEvent)]
    assert raw == ([begins("r"), UNKNOWN, BROKEN, truncated] if raw_events else [UNKNOWN, BROKEN])


def test_events_that_tell_nothing_new_are_silent() -> None:
    assert not Driven().tell(ResponseContentPartDone("r", "a", 0, 0), ConversationItemTruncated("a", 0, 5)).events


def test_a_response_whose_end_is_malformed_has_ended() -> None:
    broken_end = MalformedEvent("no usage", b"{}", type=ResponseDone.type)
    d = Driven().tell(begins("r"), *speaks("r", "a", "hi", 0.1))
    d.tell(MalformedEvent(broken_end.reason, broken_end.raw, type=broken_end.type))
    assert d.seen(Error)


# --- errors


def test_a_refusal_is_shown_with_its_code_and_place() -> None:
    (event,) = Driven().tell(refusal("invalid_value", None, "session.audio")).seen(Error)
    assert isinstance(event.error, ServerError)
    assert event.code == "invalid_value"
    assert str(event.error) == "it will not do (at session.audio)"


@pytest.mark.parametrize("code", [CONFLICT, "response_cancel_not_active"])
def test_what_the_engine_handles_is_not_shown(code: str) -> None:
    assert not Driven().tell(begins("r"), refusal(code)).seen(Error)


def test_a_refused_request_fails_its_handle() -> None:
    d = Driven().tell(Respond(1), refusal("invalid_value", "req_1"))
    (outcome,) = d.handles
    assert (outcome.handle_id, outcome.status) == (1, "failed")
    assert isinstance(outcome.error, ResponseFailed)
    assert [event.error for event in d.seen(Error)] == [outcome.error]


def test_refused_settings_never_become_anybodys() -> None:
    d = Driven().tell(SessionUpdated(Session()), UpdateAgent(OTHER))
    update = d.sent(SessionUpdate)[0]
    assert isinstance(update.event_id, str)
    d.tell(refusal("invalid_value", update.event_id), begins("own"))
    assert d.events[-1].agent == "front"  # type: ignore[union-attr]


# --- settings and limits


def test_the_servers_settings_are_learnt() -> None:
    silent = Session(audio=Audio(AudioInput(turn_detection=None), AudioOutput(voice="ash")))
    for event in (SessionCreated(silent), SessionUpdated(silent)):
        d = Driven().tell(event)
        assert not d.machine._state.turn_rules.creates_response
        assert d.machine._state.voice == "ash"


def test_a_transcription_session_teaches_nothing() -> None:
    d = Driven().tell(SessionCreated(TranscriptionSession()), SessionUpdated(TranscriptionSession()))
    assert d.machine._state.turn_rules.creates_response


def test_limits_are_told() -> None:
    limits = (RateLimit("tokens", 100, 50, 1.5),)
    assert Driven().tell(RateLimitsUpdated(limits)).seen(RateLimits)[0].limits == limits


def test_an_error_leaves_a_running_response_alone() -> None:
    d = Driven().tell(begins("r"), refusal("invalid_value"), ends("r"))
    assert len(d.seen(AgentEnd)) == 1


def test_an_end_that_cannot_be_read_is_a_failure() -> None:
    d = Driven().tell(begins("r"), MalformedEvent("no status", b"{}", type=ResponseDone.type, response_id="r"))
    (end,) = d.seen(AgentEnd)
    assert (end.status, end.error) == ("failed", ResponseError(code="malformed", message="no status"))

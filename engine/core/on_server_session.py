"""Events of the server about the session: settings, errors, limits, and everything the engine does not interpret."""

from __future__ import annotations

from engine.core.agent_change import confirm_settings, drop_refused_settings
from engine.core.placing import begin_told, ending_response
from engine.core.responses import finish_response
from engine.core.state import State
from engine.errors import ProtocolError, ResponseFailed, ServerError
from engine.events import RateLimits, RawModelEvent
from engine.wire.response import Response, ResponseError, StatusDetails
from engine.wire.server_events import (
    ErrorEvent,
    MalformedEvent,
    RateLimitsUpdated,
    ResponseCreated,
    ResponseDone,
    ServerEvent,
    SessionCreated,
    SessionUpdated,
)
from engine.wire.session import Audio, AudioOutput, Session
from engine.wire.struct import evolve

HARMLESS = frozenset({"response_cancel_not_active"})
"""Refusals that say only that what was wanted is already so: a response had ended before it could be cancelled."""


def session_created(s: State, event: SessionCreated) -> None:
    """The server's settings as they are before ours."""
    if isinstance(event.session, Session):
        _learn(s, event.session)


def session_updated(s: State, event: SessionUpdated) -> None:
    """The server confirms settings: what it begins by itself from now on is the new agent's."""
    if isinstance(event.session, Session):
        _learn(s, event.session)
    confirm_settings(s)


def _learn(s: State, session: Session) -> None:
    s.turn_rules = s.turn_rules.updated(session)
    if isinstance(session.audio, Audio) and isinstance(session.audio.output, AudioOutput):
        s.voice = session.audio.output.voice


def error(s: State, event: ErrorEvent) -> None:
    """The server refuses something. Conflicts are retried and never shown; everything else is."""
    said = event.error
    s.note_errors([event])
    refused = s.arbiter.refused(said, s.now)
    failed = refused.failed
    if refused.about_request and failed is None:
        return
    if said.code in HARMLESS:
        return
    if failed is not None:
        refusal = ResponseFailed(f"the server refused to respond: {said.message}", code=said.code)
        s.asked.pop(failed.token, None)
        s.resolve_handle(failed, "failed", reason=said.code, error=refusal)
        s.error(refusal, said.code)
        return
    drop_refused_settings(s, said.event_id)
    where = f" (at {said.param})" if said.param else ""
    s.error(ServerError(f"{said.message}{where}"), said.code)


def malformed(s: State, event: MalformedEvent) -> None:
    """Something that is no event: shown as it came, with an error, and the session goes on. A response whose
    beginning or end cannot be read has begun or ended all the same."""
    s.note_errors([event])
    if not s.rules.raw_events:
        raw(s, event)
    s.error(ProtocolError(f"the server sent what is not a valid event: {event.reason}"))
    if event.type == ResponseCreated.type:
        begin_told(s, ResponseCreated(Response(event.response_id, conversation_id="")))
    if event.type == ResponseDone.type:
        failure = StatusDetails("failed", error=ResponseError(code="malformed", message=event.reason))
        response = Response(event.response_id, "failed", failure)
        if (live := ending_response(s, response)) is not None:
            finish_response(s, evolve(response, id=live.response_id))


def rate_limits(s: State, event: RateLimitsUpdated) -> None:
    """What the server still allows."""
    s.emit(RateLimits, limits=event.rate_limits)


def raw(s: State, event: ServerEvent) -> None:
    """Whatever the engine does not interpret goes to the application as it came."""
    s.emit(RawModelEvent, data=event)

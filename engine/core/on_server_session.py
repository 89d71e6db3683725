"""Events of the server about the session: settings, errors, limits, and everything the engine does not interpret."""

from __future__ import annotations

from engine.core.placing import begin_told, ending_response
from engine.core.responses import finish_response
from engine.core.settings_update import confirm_settings, learn_settings, refuse_settings, refused_update
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
from engine.wire.session import Session
from engine.wire.struct import evolve

HARMLESS = frozenset({"response_cancel_not_active"})
"""Refusals that say only that what was wanted is already so: a response had ended before it could be cancelled."""


def session_created(s: State, event: SessionCreated) -> None:
    """The server's settings as they are before ours."""
    learn_settings(s, event.session)


def session_updated(s: State, event: SessionUpdated) -> None:
    """The server confirms settings: what it begins by itself from now on is the new agent's."""
    confirm_settings(s, event.session)


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
    update = refused_update(s, said)
    where = f" (at {said.param})" if said.param else ""
    s.error(ServerError(f"{said.message}{where}"), said.code)
    if update is not None:
        refuse_settings(s, update)


def malformed(s: State, event: MalformedEvent) -> None:
    """Something that is no event: shown as it came, with an error, and the session goes on. A response whose beginning
    or end cannot be read has begun or ended, and settings whose confirmation cannot be read are confirmed, all the
    same."""
    s.note_errors([event])
    if not s.rules.raw_events:
        raw(s, event)
    s.error(ProtocolError(f"the server sent what is not a valid event: {event.reason}"))
    if event.type == SessionUpdated.type:
        confirm_settings(s, Session())
    if event.type == ResponseCreated.type and event.response_id:
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

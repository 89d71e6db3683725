"""Faults on request: what a server may do wrong, or merely unusually, so that clients can be tested against
it.

Each fault says which responses it strikes (`responses`: their numbers in the session, from 1; None: all of
them). The machine produces the ones that are part of a response; those of the wire are added to what goes out
(`engine.local.wire_faults`).
"""

from __future__ import annotations

import attrs


@attrs.frozen
class FailedResponse:
    """`response.done` with status `failed` instead of a reply."""

    code: str | None = "rate_limit_exceeded"
    message: str = "Rate limit reached."
    type: str = "rate_limit_exceeded"
    responses: frozenset[int] | None = None


@attrs.frozen
class IncompleteResponse:
    """The response stops after so many tokens: `max_output_tokens`, or `content_filter`."""

    after_tokens: int = 20
    reason: str = "max_output_tokens"
    responses: frozenset[int] | None = None


@attrs.frozen
class LateDeltas:
    """So many audio deltas of a cancelled response follow its `response.done`."""

    count: int = 2
    responses: frozenset[int] | None = None


@attrs.frozen
class SilentResponse:
    """The response is announced, and then nothing comes of it: no output, no `response.done`, until it is
    cancelled."""

    responses: frozenset[int] | None = None


@attrs.frozen
class RefusedResponse:
    """The request is answered with `conversation_already_has_active_response`, though nothing runs."""

    responses: frozenset[int] | None = None


@attrs.frozen
class EarlyCancelRefused:
    """A cancel that comes before `response.created` finds nothing to cancel, and the response appears all the
    same."""

    responses: frozenset[int] | None = None


@attrs.frozen
class SplitSpeech:
    """Each spoken message comes as several audio items, a sentence each."""

    responses: frozenset[int] | None = None


@attrs.frozen
class OverlappingItems:
    """Items of a response overlap, as the newest models' do, whatever the model is called."""

    responses: frozenset[int] | None = None


ResponseFault = (
    FailedResponse
    | IncompleteResponse
    | LateDeltas
    | SilentResponse
    | RefusedResponse
    | EarlyCancelRefused
    | SplitSpeech
    | OverlappingItems
)


@attrs.frozen(kw_only=True)
class Faults:
    """All faults of a session. By default none.

    The fields after `of_responses` are about the wire; counts are of server events from 1.
    """

    of_responses: tuple[ResponseFault, ...] = ()
    transcription_fails: bool = False
    """`…transcription.failed` instead of the transcript; the response is not affected."""
    null_error_codes: bool = False
    """Every `error` event has `code: null`."""
    without_created: frozenset[int] = frozenset()
    """Responses whose `response.created` is not sent."""
    repeat_transcripts: bool = False
    """`…transcription.completed` comes twice."""
    unknown_event_every: int | None = None
    """After every so many events comes one of a type that nobody knows."""
    malformed_event_every: int | None = None
    """After every so many events comes one that is not valid: half a JSON text, or a known type without its
    fields."""
    huge_event_bytes: int | None = None
    """An unknown event of this size follows `session.created`."""
    drop_after: int | None = None
    """The connection breaks, without a goodbye, after so many events."""
    mute_after: int | None = None
    """After so many events nothing is sent any more, and the connection stays open."""


NO_FAULTS = Faults()

"""Requests for responses: what is asked for, what is sent, and what the server's answers mean for them.

`arbitration` decides when they are sent; here is what they are.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from engine.core.agent_spec import ToolSpec
from engine.wire.client_events import ResponseCreate
from engine.wire.response import ResponseParams
from engine.wire.server_session import ErrorDetail
from engine.wire.struct import UNSET, UnsetType, evolve

TOKEN = "engine_request"
"""The metadata key that carries a request's token."""

MOST_PAIRS = 16
"""How many pairs the metadata of a response may have: an application that needs all leaves none for the token."""

CONFLICT = "conversation_already_has_active_response"
"""The code with which servers refuse a response because another one runs."""


@attrs.frozen
class Request:
    """One wish for a response, and one attempt to have it."""

    token: str
    params: ResponseParams | UnsetType = UNSET
    handle_id: int | None = None
    follow_up: bool = False
    tools: Mapping[str, ToolSpec] | None = None
    """The tools of this response, where it has its own."""
    after: str | None = None
    """The response during which the wish came up: it waits for the outputs of that one's calls."""
    wish: str = ""
    """The token of the first attempt."""
    copies: int = 1
    conflicts: int = 0
    marked: bool = True
    """The metadata carries the token."""

    @property
    def out_of_band(self) -> bool:
        """It leaves the conversation alone, so it need not wait for anybody."""
        return not isinstance(self.params, UnsetType) and self.params.conversation == "none"

    @property
    def metadata(self) -> Mapping[str, str]:
        """The application's own metadata."""
        own = None if isinstance(self.params, UnsetType) else self.params.metadata
        return {} if own is None or isinstance(own, UnsetType) else own

    def event(self) -> ResponseCreate:
        """Return the client event, with the token as its event id and, if it is marked, in its metadata."""
        params = ResponseParams() if isinstance(self.params, UnsetType) else self.params
        if self.marked:
            params = evolve(params, metadata={**self.metadata, TOKEN: self.token})
        return ResponseCreate(response=params, event_id=self.token)


@attrs.frozen
class Begun:
    """What a response that begins means."""

    request: Request | None
    """The request that it answers; None for the server's own, and for one that nobody waits for."""
    stop: bool = False
    """It was cancelled before it began."""
    for_user: bool = False
    """It is stopped because the user speaks: what its calls lead to is held."""
    unwanted: bool = False
    """Nobody waits for it any more, and another response may be audible: nothing of it may be heard."""


@attrs.frozen
class Refused:
    """What an error of the server means for requests."""

    about_request: bool
    failed: Request | None = None


@attrs.frozen
class GivenUp:
    """What becomes of a request about which the server has said nothing in time."""

    request: Request
    again: bool
    """It is asked for once more; otherwise it has failed."""
    superseded: bool = False
    """It was not wanted any more."""
    error: ErrorDetail | None = None
    """The error that probably refused it."""


def reads_conversation(request: Request) -> bool:
    """Return whether the response will see everything that is in the conversation by then."""
    return isinstance(request.params, UnsetType) or isinstance(request.params.input, UnsetType)


def is_same_wish(request: Request, late: Request) -> bool:
    """Return whether one answer is enough for both. Follow-ups are all alike; what an answer has not read is asked for
    again (`responses.begin_response`)."""
    return request.wish == late.wish or (request.follow_up and late.follow_up)


def names_metadata(error: ErrorDetail) -> bool:
    return "metadata" in (error.param or "") or "metadata" in error.message.lower()


_ELSEWHERE = ("item", "session", "conversation", "input_audio_buffer", "audio", "output_audio_buffer", "type")
"""How `param` begins in errors about other client events."""


def is_about_something_else(error: ErrorDetail) -> bool:
    code = error.code or ""
    return (error.param or "").startswith(_ELSEWHERE) or code.startswith(("item_", "input_audio", "response_cancel"))

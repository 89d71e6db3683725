"""Server events about the session itself: errors, settings, limits, tool import."""

from collections.abc import Iterable
from typing import ClassVar, Literal

from engine.wire.server_base import MalformedEvent, ServerEventBase
from engine.wire.session import Session, TranscriptionSession
from engine.wire.struct import FrozenStruct

_LONGEST_ERROR = 500
"""Characters of an error that has no form."""


class ErrorDetail(FrozenStruct, frozen=True):
    """What went wrong. `event_id` is the client event that was rejected, if it had an id and the server says so."""

    type: str
    message: str
    code: str | None = None
    param: str | None = None
    event_id: str | None = None


class ErrorEvent(ServerEventBase, frozen=True):
    """A client event was rejected, or the server is at fault. Fatal only if the socket closes after it."""

    type: ClassVar[Literal["error"]] = "error"
    error: ErrorDetail


def errors_told(events: Iterable[object]) -> list[ErrorDetail]:
    """Return what the `error` events among `events` say went wrong, also those that have another form."""
    told = []
    for event in events:
        if isinstance(event, ErrorEvent):
            told.append(event.error)
        elif isinstance(event, MalformedEvent) and event.type == ErrorEvent.type:
            text = event.raw if isinstance(event.raw, str) else event.raw.decode(errors="replace")
            told.append(ErrorDetail("", text[:_LONGEST_ERROR]))
    return told


class SessionCreated(ServerEventBase, frozen=True):
    """The first event of a fresh socket; absent when attached to a call."""

    type: ClassVar[Literal["session.created"]] = "session.created"
    session: Session | TranscriptionSession


class SessionUpdated(ServerEventBase, frozen=True):
    """All settings, after a `session.update` was accepted."""

    type: ClassVar[Literal["session.updated"]] = "session.updated"
    session: Session | TranscriptionSession


class RateLimit(FrozenStruct, frozen=True):
    """One limit: `remaining` of `limit` are left, full again in `reset_seconds`."""

    name: str | None = None
    limit: int | None = None
    remaining: int | None = None
    reset_seconds: float | None = None


class RateLimitsUpdated(ServerEventBase, frozen=True):
    """At most once per response, after `response.done` in the GA protocol."""

    type: ClassVar[Literal["rate_limits.updated"]] = "rate_limits.updated"
    rate_limits: tuple[RateLimit, ...]


class McpListToolsInProgress(ServerEventBase, frozen=True):
    """The host imports the tools of an MCP server."""

    type: ClassVar[Literal["mcp_list_tools.in_progress"]] = "mcp_list_tools.in_progress"
    item_id: str


class McpListToolsCompleted(ServerEventBase, frozen=True):
    """The tools of an MCP server can be called now."""

    type: ClassVar[Literal["mcp_list_tools.completed"]] = "mcp_list_tools.completed"
    item_id: str


class McpListToolsFailed(ServerEventBase, frozen=True):
    """The tools of an MCP server could not be imported."""

    type: ClassVar[Literal["mcp_list_tools.failed"]] = "mcp_list_tools.failed"
    item_id: str


SessionEvent = (
    ErrorEvent
    | SessionCreated
    | SessionUpdated
    | RateLimitsUpdated
    | McpListToolsInProgress
    | McpListToolsCompleted
    | McpListToolsFailed
)

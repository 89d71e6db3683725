"""Hearing: what a server said, as events and endings in which it repeats none of our secrets.

Looked at are only the events in which servers speak about what they were sent: errors, settings, what they do not
understand. An audio delta is not.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import TransportClosed, TransportLost
from engine.secret.discretion import bare
from engine.secret.redaction import Redaction
from engine.wire.codec import decode_server
from engine.wire.server_events import (
    ConversationItemAdded,
    ConversationItemDone,
    ConversationItemInputAudioTranscriptionFailed,
    ErrorEvent,
    MalformedEvent,
    McpListToolsFailed,
    ResponseCreated,
    ResponseDone,
    ResponseMcpCallFailed,
    ResponseOutputItemDone,
    ServerEvent,
    SessionCreated,
    SessionUpdated,
    UnknownEvent,
)

_ABOUT_FAULTS = frozenset(
    {ErrorEvent, ConversationItemInputAudioTranscriptionFailed, McpListToolsFailed, ResponseMcpCallFailed}
)
"""Pieces of secrets are taken out of these, too."""

REPEATING = _ABOUT_FAULTS | {
    ConversationItemAdded,
    ConversationItemDone,
    MalformedEvent,
    ResponseCreated,
    ResponseDone,
    ResponseOutputItemDone,
    SessionCreated,
    SessionUpdated,
    UnknownEvent,
}
"""Events in which a server may repeat what it was sent."""


def heard(messages: Sequence[str | bytes], redaction: Redaction) -> list[ServerEvent]:
    """Return the events in messages, without the secrets in them."""
    return [discreet_event(decode_server(message), message, redaction) for message in messages]


def discreet_event(event: ServerEvent, message: str | bytes, redaction: Redaction) -> ServerEvent:
    """Return the event in a message, without the secrets in it."""
    kind = type(event)
    if kind not in REPEATING:
        return event
    if kind not in _ABOUT_FAULTS and not _failed(event):
        text = message if isinstance(message, str) else message.decode(errors="replace")
        if not redaction.occurs_in(text):
            return event
    return decode_server(redaction.data(message))


def _failed(event: ServerEvent) -> bool:
    return isinstance(event, ResponseDone) and event.response.status == "failed"


def ended(lost: TransportLost, redaction: Redaction) -> TransportLost:
    """Return how a connection ended, in words without secrets, and without the frames in which they may be."""
    reason = redaction.words(lost.reason)
    message = str(lost).replace(lost.reason, reason) if lost.reason else str(lost)
    if type(lost) is TransportClosed and lost.code is not None:
        made: TransportLost = TransportClosed(message, code=lost.code, reason=reason)
    elif type(lost) is TransportLost:
        made = TransportLost(message, code=lost.code, reason=reason)
    else:
        made = lost
    made.__cause__ = lost.__cause__
    return bare(made)

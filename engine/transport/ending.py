"""How a transport ends: the fact that is kept, the errors made from it, and what a goodbye may say."""

from __future__ import annotations

import attrs

from engine.errors import Misuse, TransportClosed, TransportLost

_LONGEST_REASON = 123
"""Bytes of UTF-8. A control frame carries 125, of which the code takes two (RFC 6455, 5.5)."""

_CANNOT_BE_SENT = frozenset({1004, 1005, 1006})
"""Reserved: they report the absence of a code (RFC 6455, 7.4.1)."""


@attrs.frozen
class Ending:
    """Why no more messages travel. An error is made anew for each caller, so that tracebacks do not grow together."""

    message: str
    code: int | None
    """The close code, whichever side gave it. None: nobody did."""
    reason: str = ""

    def error(self) -> TransportLost:
        """What a caller is told."""
        if self.code is None:
            return TransportLost(self.message)
        return TransportClosed(self.message, code=self.code, reason=self.reason)


def closed_by_peer(code: int, reason: str) -> Ending:
    """The peer said goodbye."""
    said = f" ({reason})" if reason else ""
    return Ending(f"the peer closed the connection with code {code}{said}", code, reason)


def closed_here(code: int, reason: str) -> Ending:
    """This side said goodbye."""
    return Ending(f"the connection was closed by this side with code {code}", code, reason)


def closed_for_fault(code: int, reason: str) -> Ending:
    """This side closed because of what the peer sent."""
    return Ending(f"the peer broke the WebSocket protocol ({reason}); closed with code {code}", code, reason)


def broken(why: str | OSError) -> Ending:
    """The connection went away without a goodbye."""
    cause = why if isinstance(why, str) else why.strerror or str(why)
    return Ending(f"the connection broke: {cause}", None)


def sendable(code: int, reason: str) -> tuple[int, str]:
    """`code` and `reason` as a close frame can carry them; a reason that is too long is cut.

    Raises:
        Misuse: the code is one that must not be sent.
    """
    if not (1000 <= code <= 1014 or 3000 <= code <= 4999) or code in _CANNOT_BE_SENT:
        raise Misuse(f"{code} is not a close code that can be sent: use 1000, or one of 3000-4999")
    return code, reason.encode()[:_LONGEST_REASON].decode(errors="ignore")

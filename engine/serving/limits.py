"""The limits of a server, and what happens at each.

limit                 when it is reached
`sessions`            a request for another one is answered with HTTP 503
`handshakes`          the oldest unfinished one is answered with HTTP 503, and the new one goes on
`handshake_seconds`   an unfinished one is answered with HTTP 408
`spare_descriptors`   a connection that would leave fewer free is answered with HTTP 503 before it is read
`message_bytes`       the connection is closed with 1009
`MOST_FRAGMENTS`      the same
`FRAMES_AT_ONCE`      the rest of what arrived waits until the other connections had their turn
"""

from __future__ import annotations

import sys

import attrs

MOST_FRAGMENTS = 1024
"""Frames of one message. A browser sends one; who cuts 20 MiB of audio into 64 KiB sends 320."""
FRAMES_AT_ONCE = 16
"""Frames of one connection that are taken apart before others have their turn."""


@attrs.frozen(kw_only=True)
class ServingLimits:
    """How much a server takes on."""

    sessions: int = attrs.field(default=1000, validator=attrs.validators.gt(0))
    """Conversations at once."""
    handshakes: int = attrs.field(default=256, validator=attrs.validators.gt(0))
    """Connections at once whose request is not complete."""
    handshake_seconds: float = attrs.field(default=5.0, validator=attrs.validators.gt(0))
    """How long a request may take to arrive."""
    message_bytes: int = attrs.field(default=32 * 2**20, validator=attrs.validators.gt(0))
    """The largest message of a client. 15 MiB of audio in one event are 20 MiB of base64."""
    spare_descriptors: int = attrs.field(default=32, validator=attrs.validators.ge(0))
    """Descriptors that stay free for everything but connections."""


def most_descriptors() -> int | None:
    """Return how many descriptors this process may have open; None where the system sets no limit."""
    if sys.platform == "win32":
        return None
    import resource

    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if most == resource.RLIM_INFINITY else most

"""What a mailbox tells about itself."""

from __future__ import annotations

import attrs


@attrs.frozen
class MailboxStatistics:
    """One mailbox at one moment. Units are those of its capacity in the table of `engine.mailboxes`."""

    name: str
    capacity: int
    waiting: int
    most_waiting: int
    passed: int
    """How many went through it so far (batches, events, or bytes of audio)."""
    discarded: int = 0
    """Bytes of audio taken out by interruptions."""

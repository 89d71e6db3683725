"""Keepalive: when silence is long enough to ask, and when it is long enough to give up. Pure; time is an input.

Without it a path that died quietly (a suspended laptop, a dropped NAT entry) looks like a peer that has nothing to say.
Any byte from the peer counts as a sign of life, so that a busy connection carries no pings.
"""

from __future__ import annotations

import enum

NEVER = float("inf")


class Silence(enum.Enum):
    """What a silence calls for."""

    BEAR = enum.auto()
    ASK = enum.auto()
    GIVE_UP = enum.auto()


class Keepalive:
    """Asks after `interval` seconds without a byte, gives up `timeout` seconds after asking. None: never."""

    def __init__(self, interval: float | None, timeout: float | None, now: float) -> None:
        self._interval = NEVER if interval is None else interval
        self._timeout = NEVER if timeout is None else timeout
        self._asked = False
        self.due = now + self._interval
        """When silence calls for something."""

    def heard(self, now: float) -> None:
        """Bytes came."""
        self._asked = False
        self.due = now + self._interval

    def silent(self, now: float) -> Silence:
        """No bytes are there. After `ASK` a ping is on its way."""
        if now < self.due:
            return Silence.BEAR
        if self._asked:
            return Silence.GIVE_UP
        self._asked = True
        self.due = now + self._timeout
        return Silence.ASK

"""Keepalive: when silence is long enough to ask, and when it is long enough to give up. Pure; time is an input.

Any byte from the peer counts as a sign of life, so that a busy connection carries no pings.
"""

from __future__ import annotations

import enum


class Silence(enum.Enum):
    """What a silence calls for."""

    BEAR = enum.auto()
    ASK = enum.auto()
    GIVE_UP = enum.auto()


class Keepalive:
    """Asks after `interval` seconds without a byte, gives up `timeout` seconds later. None: asks again and again."""

    def __init__(self, interval: float, timeout: float | None) -> None:
        self._interval = interval
        self._timeout = timeout
        self._asked_at: float | None = None

    def due(self, heard_at: float) -> float:
        """When silence calls for something, if the last byte came at `heard_at`."""
        if self._asked_at is None or self._asked_at < heard_at:
            return heard_at + self._interval
        return self._asked_at + (self._interval if self._timeout is None else self._timeout)

    def look_again(self, heard_at: float, now: float) -> float:
        """When to look again; an answer that comes meanwhile may make silence due before the patience with it ends."""
        return min(self.due(heard_at), now + self._interval)

    def silent(self, heard_at: float, now: float) -> Silence:
        """What to do `now`. After `ASK` a ping is on its way."""
        if now < self.due(heard_at):
            return Silence.BEAR
        asked = self._asked_at is not None and self._asked_at >= heard_at
        if asked and self._timeout is not None:
            return Silence.GIVE_UP
        self._asked_at = now
        return Silence.ASK

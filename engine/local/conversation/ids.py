"""Identifiers as the service writes them: a prefix and 21 base62 characters, the first five of which are a
clock.

Drawn from a seeded generator, so that a run is the same, byte for byte, each time. The five leading
characters count the seconds since 2018 or so (Unix 1576800000 is zero), which is how the service dates its
own; the rest is random.
"""

from __future__ import annotations

import random

from engine.wire.units import NS_PER_S

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_EPOCH_S = 1_576_800_000
_CLOCK_CHARACTERS = 5
_ID_CHARACTERS = 21
_CALL_CHARACTERS = 16
_PADDED_TO = 16


class Ids:
    """Every identifier of one connection, in the order in which they are asked for.

    Args:
        seed: the same seed gives the same identifiers.
        wall_s: Unix seconds at the moment `started_ns`, for the clock part.
        started_ns: the monotonic time that belongs to `wall_s`.
    """

    def __init__(self, seed: int, *, wall_s: int, started_ns: int) -> None:
        self._random = random.Random(seed)
        self._wall_s = wall_s
        self._started_ns = started_ns
        self._clock = ""
        self.at(started_ns)

    def at(self, now: int) -> None:
        """Set the clock part for the identifiers to come (`now` in monotonic nanoseconds)."""
        seconds = max(self.unix_s(now) - _EPOCH_S, 0)
        digits = []
        for _ in range(_CLOCK_CHARACTERS):
            seconds, digit = divmod(seconds, 62)
            digits.append(_BASE62[digit])
        self._clock = "".join(reversed(digits))

    def unix_s(self, now: int) -> int:
        """Unix seconds at the monotonic time `now`."""
        return self._wall_s + (now - self._started_ns) // NS_PER_S

    def event(self) -> str:
        """An `event_…` identifier."""
        return self._dated("event_")

    def item(self) -> str:
        """An `item_…` identifier."""
        return self._dated("item_")

    def response(self) -> str:
        """A `resp_…` identifier."""
        return self._dated("resp_")

    def conversation(self) -> str:
        """A `conv_…` identifier."""
        return self._dated("conv_")

    def session(self) -> str:
        """A `sess_…` identifier."""
        return self._dated("sess_")

    def call(self) -> str:
        """A `call_…` identifier: 16 characters, no clock."""
        return "call_" + self._characters(_CALL_CHARACTERS)

    def obfuscation(self, delta: str) -> str:
        """Random padding that brings a text delta to a multiple of 16 characters (none if it is one
        already)."""
        return self._characters(-len(delta) % _PADDED_TO)

    def _dated(self, prefix: str) -> str:
        return prefix + self._clock + self._characters(_ID_CHARACTERS - _CLOCK_CHARACTERS)

    def _characters(self, count: int) -> str:
        return "".join(self._random.choices(_BASE62, k=count)) if count else ""

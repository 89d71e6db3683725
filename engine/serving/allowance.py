"""An allowance for what a client does often: so much at once, and so much each second after that."""

from __future__ import annotations

import trio


class Allowance:
    """Refills with time. What it does not hold is waited for."""

    def __init__(self, at_once: int, per_second: float) -> None:
        """Make a full one.

        Args:
            at_once: how much it holds.
            per_second: how much comes back each second.
        """
        self._most = float(at_once)
        self._per_second = per_second
        self._left = self._most
        self._at = trio.current_time()

    async def spend(self, count: int) -> None:
        """Spend so much, and wait until there was that much to spend. Needs no checkpoint while there is enough."""
        now = trio.current_time()
        self._left = min(self._left + (now - self._at) * self._per_second, self._most) - count
        self._at = now
        if self._left < 0:
            await trio.sleep(-self._left / self._per_second)

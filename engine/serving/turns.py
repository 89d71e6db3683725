"""Turns for long work: it is done in steps, of which the event loop has one in some of its rounds.

Without them each of ten conversations with much to do would take a step in every round, and whoever has little to do
would wait for ten steps instead of one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import trio

ROUNDS = 3
"""Rounds of the event loop from one step to the next: who has little to do needs several to be served."""

_T = TypeVar("_T")


class Turns:
    """The steps of all conversations of a server, first come, first served."""

    def __init__(self) -> None:
        self._lock = trio.StrictFIFOLock()

    async def take(self, step: Callable[[], _T]) -> _T:
        """Do one step when its turn comes, and let everybody else run before the next one."""
        async with self._lock:
            done = step()
            for _ in range(ROUNDS):
                await trio.lowlevel.checkpoint()
        return done

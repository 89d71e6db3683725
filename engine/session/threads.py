"""Threads: where the synchronous tools and guardrails of a session run, and which of them still do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import trio

R = TypeVar("R")

TOOL_THREADS = 16
"""Synchronous functions of one actor that run at the same time; others wait."""


class Threads:
    """Runs functions in threads, which are abandoned when their session ends: Python cannot stop a thread."""

    def __init__(self) -> None:
        self._limiter = trio.CapacityLimiter(TOOL_THREADS)
        self._running: list[str] = []

    async def run_sync(self, function: Callable[[], R], /) -> R:
        """Run a function in a thread and return what it returns. See `RunSync`."""

        def run() -> R:
            self._running.append(name)
            try:
                return function()
            finally:
                self._running.remove(name)

        name = _name(function)
        return await trio.to_thread.run_sync(run, abandon_on_cancel=True, limiter=self._limiter)

    @property
    def running(self) -> tuple[str, ...]:
        """The names of the functions that run now."""
        return tuple(self._running)


def _name(function: Callable[[], object]) -> str:
    inner: Callable[..., object] = function
    while isinstance(inner, partial):
        inner = inner.func
    return getattr(inner, "__qualname__", None) or type(inner).__qualname__

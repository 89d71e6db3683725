"""Litter: what a session left behind. `no_litter` is the check that stands around every session under test."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

_DESCRIPTORS = next((place for place in (Path("/proc/self/fd"), Path("/dev/fd")) if place.exists()), None)


@asynccontextmanager
async def no_litter() -> AsyncIterator[None]:
    """Whatever happens inside, no task, no wait for a socket and no open file descriptor outlives it.

    The block must end without an error for the check to be made: an error has its own story to tell.
    """
    await trio.lowlevel.checkpoint()
    before = _things()
    yield
    if _things() != before:
        # A system task that has just ended is counted until the next step; a socket that nobody holds, until collected.
        await trio.lowlevel.checkpoint()
        gc.collect()
    after = _things()
    assert after == before, f"(tasks, waiting to read, waiting to write, descriptors): {before} before, {after} after"


def _things() -> tuple[int, int, int, int]:
    statistics = trio.lowlevel.current_statistics()
    io = statistics.io_statistics
    reading, writing = getattr(io, "tasks_waiting_read", 0), getattr(io, "tasks_waiting_write", 0)
    descriptors = len(os.listdir(_DESCRIPTORS)) if _DESCRIPTORS is not None else 0
    return statistics.tasks_living, reading, writing, descriptors

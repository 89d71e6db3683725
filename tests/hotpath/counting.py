"""What is counted: steps of tasks, objects, calls. None of it depends on how fast the machine is."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType
from typing import Final

import attrs
import pytest
import trio

from engine.core import machine, on_server_response
from engine.mailboxes import event_queue, microphone
from engine.wire import deltas

Counts = Counter[str]


class _Steps(trio.abc.Instrument):
    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._not_counted = trio.lowlevel.current_task()

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        if task is not self._not_counted:
            self._counts[task.name.rpartition(".")[2]] += 1


@attrs.define
class Rounds:
    """How often another task has had its turn."""

    count: int = 0


@asynccontextmanager
async def others_run() -> AsyncIterator[Rounds]:
    """Another task that wants nothing but its turn, again and again."""
    rounds = Rounds()

    async def other() -> None:
        while True:
            await trio.lowlevel.checkpoint()
            rounds.count += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        await trio.lowlevel.checkpoint()
        yield rounds
        nursery.cancel_scope.cancel()


@contextmanager
def steps() -> Iterator[Counts]:
    """How often each task but this one runs, by the name of its function."""
    counts: Counts = Counter()
    instrument = _Steps(counts)
    trio.lowlevel.add_instrument(instrument)
    try:
        yield counts
    finally:
        trio.lowlevel.remove_instrument(instrument)


_STRUCTS: Final = (
    (deltas, "ResponseOutputAudioDelta"),
    (on_server_response, "Audio"),
    (machine, "Effects"),
    (event_queue, "AudioConsumed"),
    (microphone, "InputAudioBufferAppend"),
)
"""Where objects are made in C, which a profiler does not see."""


@contextmanager
def _counted(made: Counts) -> Iterator[None]:
    def counting(name: str, make: Callable[..., object]) -> Callable[..., object]:
        def count(*values: object, **named: object) -> object:
            made[name] += 1
            return make(*values, **named)

        return count

    with pytest.MonkeyPatch.context() as patch:
        for module, name in _STRUCTS:
            patch.setattr(module, name, counting(name, getattr(module, name)))
        yield


@contextmanager
def calls() -> Iterator[tuple[Counts, Counts]]:
    """Objects of the engine's classes that are made, and functions of the engine that are called, by name."""
    made: Counts = Counter()
    with _counted(made), _profiled(made) as called:
        yield made, called


@contextmanager
def _profiled(made: Counts) -> Iterator[Counts]:
    called: Counts = Counter()

    def profile(frame: FrameType, event: str, arg: object) -> None:
        if event != "call":
            return
        code = frame.f_code
        if code.co_filename.startswith("<attrs generated methods engine.") and code.co_name == "__init__":
            made[code.co_filename.rstrip(">").rpartition(".")[2]] += 1
        elif "/engine/" in code.co_filename and "/tests/" not in code.co_filename:
            called[code.co_qualname] += 1

    gc.disable()
    sys.setprofile(profile)
    try:
        yield called
    finally:
        sys.setprofile(None)
        gc.enable()

"""Cancel a program at its every step, and see that nothing is left.

A step is one run of one task between two checkpoints. `cancel_at_every_step` runs the program once for each of its
steps and cancels it just before that step, so every await gets its turn to be the one that is cut short. Each run has
a schedule of its own, and the same one every time.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path

import trio

from tests.support.schedule import scheduled

_MOST_STEPS = 5000
"""A program that takes more does not belong into such a test."""

_TASKS = Path("/proc/self/task")
_DESCRIPTORS = next((place for place in (Path("/proc/self/fd"), Path("/dev/fd")) if place.exists()), None)


class CancelBeforeStep(trio.abc.Instrument):
    """Cancels `scope` before the `step`-th step that any task takes from now on, counted from one."""

    def __init__(self, scope: trio.CancelScope, step: int) -> None:
        self._scope = scope
        self._step = step
        self.taken = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.taken += 1
        if self.taken == self._step:
            self._scope.cancel(reason="cut short on purpose")


def cancel_at_every_step(
    program: Callable[[], Awaitable[None]],
    *,
    clock: Callable[[], trio.abc.Clock] | None = None,
    within: float = 5.0,
    every: int = 1,
    at_most: int | None = None,
) -> int:
    """Run `program` again and again, cancelling it at the first, second, third ... step, until it ends uncut.

    After each run there must be no task, no waiting for a file descriptor, no open file descriptor and no child process
    that was not there before.

    Args:
        program: takes no arguments; it may open whatever it closes again. What it raises, other than by being
            cancelled, is raised.
        clock: makes the clock of each run, for programs without sockets: `lambda: MockClock(autojump_threshold=0)`.
        within: seconds in which every run must be over, cut or not; else `trio.TooSlowError`.
        every: cut only at each so-many-th step, for programs of many steps.
        at_most: cut only at about so many steps, spread evenly over the length of a run that is not cut; for programs
            whose runs take real time.

    Returns:
        The last step at which it was cut.
    """
    # What was there before is no litter of ours: without it, collecting takes a hundredth of the time.
    gc.collect()
    gc.freeze()
    try:
        if at_most is not None:
            every = max(1, _cut_once(program, _MOST_STEPS, within, clock) // at_most)
        for step in count(1, every):
            if step > _MOST_STEPS:
                raise AssertionError(f"still running after {_MOST_STEPS} steps")
            if _cut_once(program, step, within, clock) < step:
                return step - every
    finally:
        gc.unfreeze()
    raise AssertionError("unreachable")


def _cut_once(
    program: Callable[[], Awaitable[None]], step: int, within: float, clock: Callable[[], trio.abc.Clock] | None
) -> int:
    """Run the program once, cut at that step. Returns how many steps it came to: fewer if it ended before."""
    descriptors, children = _open_descriptors(), _children()
    with scheduled(step):
        taken = trio.run(_run_cut, program, step, within, clock=clock() if clock is not None else None)
    gc.collect()
    left = _open_descriptors() - descriptors
    assert not left, f"cut at step {step}: {left} file descriptors were left open"
    orphans = _children() - children
    assert not orphans, f"cut at step {step}: the processes {sorted(orphans)} were left"
    return taken


async def _run_cut(program: Callable[[], Awaitable[None]], step: int, within: float) -> int:
    await trio.lowlevel.checkpoint()
    before = _alive()
    begun = trio.current_time()
    with trio.fail_after(within), trio.CancelScope() as scope:
        instrument = CancelBeforeStep(scope, step)
        trio.lowlevel.add_instrument(instrument)
        try:
            await program()
        finally:
            trio.lowlevel.remove_instrument(instrument)
    # A shield keeps the deadline out, so look at the clock as well.
    if trio.current_time() - begun > within:
        raise trio.TooSlowError(f"cut at step {step}: took {trio.current_time() - begun:g} s to end")
    assert _alive() == before, f"cut at step {step}: tasks or waits were left: {before} -> {_alive()}"
    return instrument.taken


def _alive() -> tuple[int, int, int]:
    """Tasks, and how many of them wait for a descriptor to become readable or writable."""
    statistics = trio.lowlevel.current_statistics()
    io = statistics.io_statistics
    return statistics.tasks_living, getattr(io, "tasks_waiting_read", 0), getattr(io, "tasks_waiting_write", 0)


def _open_descriptors() -> int:
    return len(os.listdir(_DESCRIPTORS)) if _DESCRIPTORS is not None else 0


def _children() -> set[str]:
    """The processes that this one has started and not seen off."""
    try:
        return {pid for task in _TASKS.iterdir() for pid in (task / "children").read_text().split()}
    except OSError:
        return set()

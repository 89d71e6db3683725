"""Ctrl-C and termination as something that happens to a command, not as an exception in the middle of it."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from engine.cli.exit_status import ExitStatus

T = TypeVar("T")

_STATUSES = {signal.SIGINT: ExitStatus.INTERRUPTED, signal.SIGTERM: ExitStatus.TERMINATED}
_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "told to terminate"}


class Signals:
    """The first signal is answered by `on_signal`; the second one is Python's own `KeyboardInterrupt` again."""

    def __init__(self, on_signal: Callable[[str], None]) -> None:
        self.on_signal = on_signal
        """Called with the signal's name for people. May be replaced while work goes on."""
        self.status: ExitStatus | None = None
        """What the signal means for the exit status; None: there was none."""

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Wait for the first signal, or until cancelled."""
        with trio.open_signal_receiver(*_STATUSES) as received:
            task_status.started()
            async for number in received:
                which = signal.Signals(number)
                self.status = _STATUSES[which]
                self.on_signal(_NAMES[which])
                return


async def with_signals(work: Callable[[Signals], Awaitable[T]]) -> tuple[T | None, ExitStatus | None]:
    """Do `work`; a signal cancels it, unless it has set another answer.

    Returns:
        What `work` returned (None if it was cancelled), and the status of the signal that came (None if none did).
    """
    result: T | None = None
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        signals = Signals(lambda reason: nursery.cancel_scope.cancel(reason=reason))
        await nursery.start(signals.run)
        try:
            result = await work(signals)
        except Exception as error:  # raised again below, outside of the group that a nursery makes of it
            failure = error
        nursery.cancel_scope.cancel(reason="the work is done")
    if failure is not None:
        raise failure
    return result, signals.status

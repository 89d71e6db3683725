"""Ctrl-C and termination as something that happens to a call, not as an exception in the middle of it."""

from __future__ import annotations

import signal
from collections.abc import Callable

import trio

from engine.cli.exit_status import ExitStatus

_STATUSES = {signal.SIGINT: ExitStatus.INTERRUPTED, signal.SIGTERM: ExitStatus.TERMINATED}
_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "told to terminate"}


class Signals:
    """Waits for the first signal; the second one is Python's own `KeyboardInterrupt` again."""

    def __init__(self) -> None:
        self.status: ExitStatus | None = None
        """What the signal means for the exit status; None: there was none."""

    async def run(self, on_signal: Callable[[str], None], *, task_status: trio.TaskStatus[None]) -> None:
        """Call `on_signal` with a name for the first signal that comes. Until then, or until cancelled."""
        with trio.open_signal_receiver(*_STATUSES) as received:
            task_status.started()
            async for number in received:
                which = signal.Signals(number)
                self.status = _STATUSES[which]
                on_signal(_NAMES[which])
                return

"""Wakeup: how a queue wakes the tasks that wait for it.

It is all that a mailbox needs of a parking lot. A lot costs 1 us for waking nobody, which is what a busy mailbox does
most of the time; a wakeup that nobody waits for costs nothing that could be measured.
"""

from __future__ import annotations

import trio


class Wakeup:
    """Any number of tasks wait for it; `set` wakes them all, and each looks for itself whether to wait again.

    A Ctrl-C cannot come between a task's name in here and its sleep: waking a task that is awake is fatal to trio.
    """

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[trio.lowlevel.Task, None] | None = None

    @trio.lowlevel.enable_ki_protection
    def set(self) -> None:
        """Wake every task that waits."""
        if self._waiting:
            waiting, self._waiting = self._waiting, None
            for task in waiting:
                trio.lowlevel.reschedule(task)

    @trio.lowlevel.enable_ki_protection
    async def wait(self) -> None:
        """Wait until it is set."""
        task = trio.lowlevel.current_task()
        if (waiting := self._waiting) is None:
            waiting = self._waiting = {}
        waiting[task] = None

        def give_up(_: object) -> trio.lowlevel.Abort:
            del waiting[task]
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(give_up)

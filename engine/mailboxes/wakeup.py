"""Bell: how a mailbox wakes who waits for it.

It is all that a mailbox needs of a parking lot. A lot costs 1 us for waking nobody, which is what a busy mailbox does
most of the time; a bell that nobody hears costs nothing that could be measured.
"""

from __future__ import annotations

import trio


class Bell:
    """Any number of tasks wait for it; ringing wakes them all, and each looks for itself whether to wait again.

    A Ctrl-C cannot come between a task's name in here and its sleep: waking a task that is awake is fatal to trio.
    """

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[trio.lowlevel.Task, None] | None = None

    @trio.lowlevel.enable_ki_protection
    def ring(self) -> None:
        """Wake whoever waits."""
        if self._waiting:
            waiting, self._waiting = self._waiting, None
            for task in waiting:
                trio.lowlevel.reschedule(task)

    @trio.lowlevel.enable_ki_protection
    async def wait(self) -> None:
        """Until it rings."""
        task = trio.lowlevel.current_task()
        if (waiting := self._waiting) is None:
            waiting = self._waiting = {}
        waiting[task] = None

        def give_up(_: object) -> trio.lowlevel.Abort:
            del waiting[task]
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(give_up)

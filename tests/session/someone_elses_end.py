"""The cancellation of somebody else's task, for application code that lets it out: the outcome of a task, unwrapped."""

from __future__ import annotations

from functools import cache

import outcome
import trio


@cache
def _cancelled_task() -> outcome.Outcome[None]:
    async def task() -> None:
        with trio.CancelScope() as scope:
            scope.cancel()
            kept.append(await outcome.acapture(trio.sleep_forever))

    kept: list[outcome.Outcome[None]] = []
    trio.run(task)
    return kept[0]


CANCELLED = _cancelled_task()
assert isinstance(CANCELLED, outcome.Error)


def someone_elses_cancellation() -> BaseException:
    """Return what unwrapping the outcome of a cancelled task raises."""
    return CANCELLED.error.with_traceback(None)

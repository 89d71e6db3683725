"""StillRunning: what of a session goes on after its close, because Python cannot stop it."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import trio


@attrs.frozen
class StillRunning:
    """What goes on although the session is over; false if nothing does."""

    tasks: tuple[str, ...] = ()
    """Async functions that shield themselves from their cancellation, by name. ``async with`` waits for them."""
    threads: tuple[str, ...] = ()
    """Synchronous functions in threads, by name. Nobody waits for them."""

    def __bool__(self) -> bool:
        return bool(self.tasks or self.threads)

    def __str__(self) -> str:
        tasks = f"tasks {', '.join(self.tasks)} (`async with` waits for them)" if self.tasks else ""
        threads = f"threads {', '.join(self.threads)}" if self.threads else ""
        return "; ".join(filter(None, (tasks, threads))) or "nothing"


def innermost_tasks(task: trio.lowlevel.Task | None) -> Iterator[str]:
    """Give the names of the tasks in the innermost nursery below `task`: those that everything else waits for."""
    nurseries = [] if task is None else task.child_nurseries[-1:]
    for child in [child for nursery in nurseries for child in nursery.child_tasks]:
        below = list(innermost_tasks(child))
        yield from below or [child.name]

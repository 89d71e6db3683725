"""Work in a copy of the process: beside what this one does, and without a trace in it."""

from __future__ import annotations

import os
from collections.abc import Callable


def in_a_copy(make: Callable[[], bytes]) -> Callable[[], bytes]:
    """Begin `make` in a copy of this process; what is returned waits for its result, and must be called.

    Where there is no `fork`, `make` runs in this process, when its result is asked for. It must not use threads, which
    a copy does not have.

    Raises:
        RuntimeError: (when asked) the copy has ended without a result.
    """
    if not hasattr(os, "fork"):
        return make
    reading, writing = os.pipe()
    copy = os.fork()
    if copy == 0:
        status = 1
        try:
            os.close(reading)
            with os.fdopen(writing, "wb") as out:
                out.write(make())
            status = 0
        finally:
            os._exit(status)
    os.close(writing)

    def result() -> bytes:
        with os.fdopen(reading, "rb") as made:
            data = made.read()
        _, status = os.waitpid(copy, 0)
        if status:
            raise RuntimeError(f"a copy of the process ended with status {os.waitstatus_to_exitcode(status)}")
        return data

    return result

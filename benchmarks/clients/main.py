"""A client process: one JSON job on stdin, `@@ready` when the sessions are open, `@@result {...}` at the end.

Run as `python -m benchmarks.clients.NAME`; each of those files ends in `main(load)`, where `load()` imports the
library under test and returns its runtime and its `hold`. The import is timed, as somebody has to wait for it.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.clients import memory
from benchmarks.clients.jobs import Hold, Performance
from benchmarks.clients.runtime import Runtime
from benchmarks.job import Job

Load = Callable[[], tuple[Runtime, Hold]]


def say(word: str, message: object = None) -> None:
    """One line of the conversation with the benchmark; other lines on stdout are a library's own."""
    tail = "" if message is None else " " + json.dumps(message)
    sys.stdout.write(f"@@{word}{tail}\n")
    sys.stdout.flush()


def loaded(load: Load) -> tuple[Runtime, Hold, dict[str, Any]]:
    wall, cpu = time.perf_counter(), time.process_time()
    runtime, hold = load()
    figures = {
        "import_ms": round((time.perf_counter() - wall) * 1e3, 2),
        "import_cpu_ms": round((time.process_time() - cpu) * 1e3, 2),
        "python": sys.version.split()[0],
        "runtime": runtime.name,
    }
    gc.collect()
    figures["memory_import"] = memory.status()
    return runtime, hold, figures


def perform(runtime: Runtime, hold: Hold, job: Job) -> dict[str, Any]:
    performance = Performance(runtime, hold, job, lambda: say("ready"))
    runtime.run(performance.run)
    return performance.report | runtime.extra()


def main(load: Load) -> None:
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    job = Job.loads(sys.stdin.readline())
    if job.core >= 0:
        os.sched_setaffinity(0, {job.core})
    runtime, hold, figures = loaded(load)
    if job.sessions == 0:
        say("ready")
        say("result", figures)
        return
    say("result", {**figures, **perform(runtime, hold, job)})

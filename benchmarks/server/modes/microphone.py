"""The other direction: the client sends, the server counts, and says with a flagged delta when all of it has come."""

from __future__ import annotations

import asyncio
import time

from benchmarks import stamp
from benchmarks.server.connection import Connection
from benchmarks.server.modes.speech import put
from benchmarks.server.run import Run

FRAME_BYTES = 960
QUIET_S = 1.0
POLL_S = 0.01


async def play(connection: Connection, run: Run) -> None:
    user, turn = run.warmup
    connection.write(user + turn.opening)
    put(connection, run, *turn.deltas[0], flags=stamp.START)
    expected = run.plan.frames * FRAME_BYTES * 4 // 3
    begun = time.monotonic()
    while connection.append_characters < expected and not connection.lost.is_set():
        await asyncio.sleep(POLL_S)
        since = (time.monotonic_ns() - connection.last_append_ns) / 1e9
        if (connection.appends and since > QUIET_S) or time.monotonic() - begun > run.plan.limit_s:
            break
    put(connection, run, *turn.deltas[-1], flags=stamp.END)
    connection.write(turn.closing)

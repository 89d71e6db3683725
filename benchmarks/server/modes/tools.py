"""Tool calls: how long from the call on the wire to its output on the wire, and to the response.create after it."""

from __future__ import annotations

import asyncio
import time

from benchmarks import stamp
from benchmarks.server.connection import Connection
from benchmarks.server.modes.speech import put
from benchmarks.server.run import Run
from benchmarks.server.script import spoken_turn, tool_call

ANSWER_LIMIT_S = 2.0
PAUSE_S = 0.01
SPOKEN_DELTAS = 4


async def play(connection: Connection, run: Run) -> None:
    await asyncio.sleep(0.3)
    for number in range(run.plan.calls):
        call_id, frames = tool_call(run.plan.tool, '{"reason":"benchmark"}')
        outputs = len(connection.kept["conversation.item.create"])
        creates = len(connection.kept["response.create"])
        started = time.monotonic_ns()
        connection.write(frames)
        output = await connection.kept_one("conversation.item.create", outputs + 1, ANSWER_LIMIT_S)
        create = await connection.kept_one("response.create", creates + 1, ANSWER_LIMIT_S)
        item = output[1]["item"] if output else {}
        run.note(
            "calls",
            {
                "output_ns": output[0] - started if output else None,
                "create_ns": create[0] - started if create else None,
                "answered": item.get("call_id") == call_id and "ok" in item.get("output", ""),
            },
        )
        if output is None or connection.lost.is_set():
            break
        asked = create[1].get("response") or {} if create else {}
        spoken = spoken_turn(run.voice, SPOKEN_DELTAS, metadata=asked.get("metadata"))
        connection.write(spoken.opening)
        for n, (delta, after) in enumerate(spoken.deltas):
            put(connection, run, delta, after, stamp.START if number == 0 and n == 0 else 0)
        connection.write(spoken.closing)
        await asyncio.sleep(PAUSE_S)
    user, turn = run.warmup
    connection.write(user + turn.opening)
    for n, (delta, after) in enumerate(turn.deltas):
        put(connection, run, delta, after, stamp.END if n == len(turn.deltas) - 1 else 0)
    connection.write(turn.closing)

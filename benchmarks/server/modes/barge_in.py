"""Barge-in: ten seconds of audio at once, then the user speaks over them; every other session only keeps busy.

All of the answer is on the wire before `speech_started`, the common case, as a service generates several times faster
than real time. What is measured here: when `speech_started` was written, and when the truncate came.
"""

from __future__ import annotations

import asyncio
import time

from benchmarks import stamp
from benchmarks.server.connection import Connection
from benchmarks.server.modes.speech import put, speak
from benchmarks.server.run import Run
from benchmarks.server.script import event, identity

TRUNCATE_LIMIT_S = 1.0
PAUSE_S = 0.05
KEYS = ("item_id", "content_index", "audio_end_ms")


async def play(connection: Connection, run: Run) -> None:
    if connection.seat == 0:
        await interrupted(connection, run)
        return
    while not connection.lost.is_set() and not connection.server.all_heard():
        for user, turn in run.turns[-2:]:
            await speak(connection, run, user, turn, speed=run.plan.busy_speed)


async def interrupted(connection: Connection, run: Run) -> None:
    """The measured session: as many barge-ins as the plan says, one after the other."""
    await asyncio.sleep(0.3)
    first = True
    for number, (user, turn) in enumerate(run.turns[: run.plan.barge_ins]):
        connection.write(user + turn.opening)
        for delta, after in turn.deltas:
            await connection.room()
            put(connection, run, delta, after, stamp.START if first else 0, turn=number)
            first = False
        connection.write(turn.closing)
        await asyncio.sleep(run.plan.barge_in_after_s)
        if connection.lost.is_set():
            return
        item_id = identity("item")
        before = len(connection.kept["conversation.item.truncate"])
        started = time.monotonic_ns()
        connection.write(event("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=number * 1000))
        truncate = await connection.kept_one("conversation.item.truncate", before + 1, TRUNCATE_LIMIT_S)
        run.note(
            "barge_ins",
            {
                "turn": number,
                "speech_started_ns": started,
                "truncate_ns": truncate[0] if truncate else None,
                "item_is_right": bool(truncate and truncate[1]["item_id"] == turn.item_id),
                "audio_end_ms": truncate[1]["audio_end_ms"] if truncate else None,
            },
        )
        connection.write(event("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=number * 1000 + 600))
        await asyncio.sleep(PAUSE_S)
    user, turn = run.warmup
    connection.write(user + turn.opening)
    for n, (delta, after) in enumerate(turn.deltas):
        put(connection, run, delta, after, stamp.END if n == len(turn.deltas) - 1 else 0, turn=run.plan.barge_ins)
    connection.write(turn.closing)

"""Turns of speech, as fast as the client reads or at a multiple of real time; and the flood of tiny events."""

from __future__ import annotations

import asyncio
import time

from benchmarks import stamp
from benchmarks.server.connection import Connection
from benchmarks.server.run import Run
from benchmarks.server.script import BYTES_PER_SECOND, AudioDelta, Turn, event, obfuscation, transcript_turn

FLOOD_PER_SECOND = 10_000
FLOOD_TICK_S = 0.002
BETWEEN_S = 0.2


async def play(connection: Connection, run: Run) -> None:
    """A short turn to warm up, a pause, then the plan's turns; the first and the last delta are flagged."""
    plan = run.plan
    if connection.seat in plan.flooded:
        await flood(connection, run)
        return
    measured = connection.seat not in plan.unmeasured
    offset = 0.0
    if plan.speed and not plan.together:
        period = plan.delta_bytes / BYTES_PER_SECOND / plan.speed
        offset = period * (connection.seat * 0.618034 % 1.0)
    if plan.warmup_deltas:
        await speak(connection, run, *run.warmup, speed=plan.speed, offset=offset)
        await connection.caught_up()
        await asyncio.sleep(BETWEEN_S)
    last = len(run.turns) - 1
    for number, (user, turn) in enumerate(run.turns):
        await speak(
            connection, run, user, turn, speed=plan.speed, offset=offset,
            first=stamp.START if measured and number == 0 else 0,
            final=stamp.END if measured and number == last else 0,
        )  # fmt: skip
        if connection.lost.is_set():
            return


def put(connection: Connection, run: Run, delta: AudioDelta, after: bytes, flags: int = 0, turn: int = 0) -> None:
    """Write one delta, stamped with this moment, and what follows it."""
    connection.number += 1
    data = delta.stamped(connection.number, time.monotonic_ns(), turn, flags)
    connection.write(data + after if after else data)
    run.deltas_sent += 1


async def speak(
    connection: Connection,
    run: Run,
    user: bytes,
    turn: Turn,
    *,
    speed: float,
    offset: float = 0.0,
    first: int = 0,
    final: int = 0,
) -> None:
    """One user turn (no audio of theirs, only the events) and the assistant's answer."""
    connection.write(user + turn.opening)
    last = len(turn.deltas) - 1
    begin = time.monotonic() + offset
    period = run.plan.delta_bytes / BYTES_PER_SECOND / speed if speed else 0.0
    for n, (delta, after) in enumerate(turn.deltas):
        if speed:
            wait = begin + n * period - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
        else:
            await connection.room()
        if connection.lost.is_set():
            return
        put(connection, run, delta, after, (first if n == 0 else 0) | (final if n == last else 0))
        if not speed and n % 8 == 7:
            await asyncio.sleep(0)
    connection.write(turn.closing)
    connection.last_item = turn.item_id


async def flood(connection: Connection, run: Run) -> None:
    """10,000 tiny events a second until the other sessions have heard everything, or the client goes."""
    opening, _, where = transcript_turn(1)
    connection.write(opening)
    tiny = event("response.output_audio_transcript.delta", **where, delta=".", obfuscation=obfuscation("."))
    several = tiny * round(FLOOD_PER_SECOND * FLOOD_TICK_S)
    tick = time.monotonic()
    while not connection.lost.is_set() and not connection.server.all_heard():
        await connection.room()
        connection.write(several)
        run.tiny_sent += round(FLOOD_PER_SECOND * FLOOD_TICK_S)
        tick = max(tick + FLOOD_TICK_S, time.monotonic() - 0.05)
        await asyncio.sleep(max(0.0, tick - time.monotonic()))

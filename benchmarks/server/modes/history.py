"""Transcript deltas while history holds N items. Two flagged audio deltas of the same turn frame what is measured."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks import stamp
from benchmarks.server.connection import Connection
from benchmarks.server.modes.speech import put
from benchmarks.server.run import Run
from benchmarks.server.script import event, identity, transcript_turn

SETTLE_S = 0.4


def seeded(count: int) -> list[bytes]:
    """Pairs of added and done for `count` messages, user and assistant in turn."""
    previous: str | None = None
    chunks: list[bytes] = []
    for n in range(count):
        role, kind = ("user", "input_text") if n % 2 == 0 else ("assistant", "output_text")
        item: dict[str, Any] = {
            "id": identity("item"), "type": "message", "status": "completed", "role": role,
            "content": [{"type": kind, "text": f"Message {n} of a long conversation about an order."}],
        }  # fmt: skip
        chunks.append(
            event("conversation.item.added", previous_item_id=previous, item=item)
            + event("conversation.item.done", previous_item_id=previous, item=item)
        )
        previous = item["id"]
    return chunks


async def play(connection: Connection, run: Run) -> None:
    for n, chunk in enumerate(seeded(run.plan.history)):
        await connection.room()
        connection.write(chunk)
        if n % 50 == 49:
            await asyncio.sleep(0.001)
    run.note("transcript_deltas", run.plan.transcript_deltas)
    opening, deltas, where = transcript_turn(run.plan.transcript_deltas)
    connection.write(opening)
    put(connection, run, run.voice.delta(**where), b"", stamp.ACKNOWLEDGE)
    await connection.acknowledged()
    await asyncio.sleep(SETTLE_S)
    put(connection, run, run.voice.delta(**where), b"", stamp.START)
    await asyncio.sleep(SETTLE_S)
    connection.write(deltas)
    put(connection, run, run.voice.delta(**where), b"", stamp.END)

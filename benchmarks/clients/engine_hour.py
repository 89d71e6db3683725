"""An hour of conversation with the local model in virtual time, in this one process. Not a client: a check on growth.

A typed question every twenty seconds, an answer in speech each time, microphone silence in between; at the tenth
minute and at the end: trio's living tasks, open descriptors, private memory.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from typing import Any

import trio
import trio.testing

from benchmarks.clients import memory
from benchmarks.clients.main import say
from benchmarks.job import Job
from engine import LocalModel, RealtimeAgent, RealtimeRunner, RealtimeSession

QUESTION_EVERY_S = 20.0
MARK_S = 600.0
FRAME = bytes(960)
FRAMES_AFTER_A_QUESTION = 100


def look() -> dict[str, int]:
    gc.collect()
    return {"tasks": trio.lowlevel.current_statistics().tasks_living, **memory.status()}


async def talk(session: RealtimeSession[None], seconds: float, mark: Callable[[], None]) -> None:
    """Ask and be silent until `seconds` have passed; `mark` at the tenth minute."""
    begun = trio.current_time()
    marked = False
    while (now := trio.current_time() - begun) < seconds:
        if now >= MARK_S and not marked:
            marked = True
            mark()
        await session.send_message("When does my order arrive?")
        for _ in range(FRAMES_AFTER_A_QUESTION):
            await session.send_audio(FRAME)
            await trio.sleep(0.02)
        await trio.sleep(QUESTION_EVERY_S - 2)


async def conversation(seconds: float) -> dict[str, Any]:
    agent = RealtimeAgent(name="Assistant", instructions="You are a helpful voice assistant.")
    session = await RealtimeRunner(agent, model=LocalModel()).run()
    seen: dict[str, Any] = {"bytes": 0, "answers": 0}

    async def listen() -> None:
        async for event in session:
            if event.type == "audio":
                seen["bytes"] += len(event.data)
            elif event.type == "agent_end":
                seen["answers"] += 1

    async with session, trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        await talk(session, seconds, lambda: seen.update(tenth_minute=look()))
        seen["end"] = look()
        nursery.cancel_scope.cancel()
    return seen


def main() -> None:
    job = Job.loads(sys.stdin.readline())
    begun = time.monotonic()
    clock = trio.testing.MockClock(autojump_threshold=0)
    seen = trio.run(conversation, job.hold_s, clock=clock)
    say("ready")
    say("result", {**seen, "took_s": time.monotonic() - begun, "errors": []})


if __name__ == "__main__":
    main()

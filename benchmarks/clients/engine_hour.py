"""An hour of conversation in virtual time, in this one process. Not a client: a check on growth.

The server's side is played from the load server's turns, handed to the session as events, so that what grows is the
session and not somebody's store of old audio: every twenty seconds a user turn and an answer, every other one so long
that the user speaks over it, the microphone open between. At the tenth minute and at the end: trio's living tasks, open
descriptors, private memory.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import trio
import trio.testing

from benchmarks.clients import memory
from benchmarks.clients.main import say
from benchmarks.job import Job
from benchmarks.server.frames import payloads
from benchmarks.server.script import Speech, event, identity, spoken_turn, user_turn
from engine import RealtimeAgent, RealtimeModel, RealtimeModelConfig, RealtimeRunner, RealtimeSession
from engine.wire.client_events import ClientEvent
from engine.wire.codec import decode_server
from engine.wire.server_events import ServerEvent

TURN_EVERY_S = 20.0
DELTA_BYTES = 12_000
DELTAS, TOO_LONG = 40, 100
MARK_S = 600.0
FRAME = bytes(960)
FRAMES = 100


class Turns:
    """A connection that says the same kind of thing every twenty seconds, in new words for history."""

    def __init__(self) -> None:
        self._voice = Speech(DELTA_BYTES)
        self._previous: str | None = None
        self._count = 0
        self.sent = 0

    async def receive(self) -> Sequence[ServerEvent]:
        await trio.sleep(TURN_EVERY_S)
        self._count += 1
        user, frames = user_turn(self._previous)
        spoken_over = self._count % 2 == 1
        turn = spoken_turn(self._voice, TOO_LONG if spoken_over else DELTAS, previous=user)
        self._previous = turn.item_id
        if not spoken_over:
            frames = event("input_audio_buffer.speech_started", item_id=identity("item"), audio_start_ms=0) + frames
        audio = b"".join(
            delta.stamped(n, time.monotonic_ns(), self._count, 0) + after
            for n, (delta, after) in enumerate(turn.deltas)
        )
        return [decode_server(payload) for payload in payloads(frames + turn.opening + audio + turn.closing)]

    async def send(self, events: Sequence[ClientEvent]) -> None:
        self.sent += len(events)
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


class TurnsModel(RealtimeModel):
    @asynccontextmanager
    async def connect(self, config: RealtimeModelConfig) -> AsyncIterator[Turns]:
        yield Turns()


def look() -> dict[str, int]:
    gc.collect()
    return {"tasks": trio.lowlevel.current_statistics().tasks_living, **memory.status()}


async def microphone(session: RealtimeSession[None]) -> None:
    while True:
        for _ in range(FRAMES):
            await session.send_audio(FRAME)
            await trio.sleep(0.02)
        await trio.sleep(TURN_EVERY_S - FRAMES * 0.02)


async def conversation(seconds: float) -> dict[str, Any]:
    agent = RealtimeAgent(name="Assistant", instructions="You are a helpful voice assistant.")
    session = await RealtimeRunner(agent, model=TurnsModel()).run()
    seen: dict[str, Any] = {"bytes": 0, "answers": 0, "interruptions": 0}

    async def listen() -> None:
        async for told in session:
            if told.type == "audio":
                seen["bytes"] += len(told.data)
            elif told.type == "agent_end":
                seen["answers"] += 1
            elif told.type == "audio_interrupted":
                seen["interruptions"] += 1

    async with session, trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        nursery.start_soon(microphone, session)
        await trio.sleep(MARK_S)
        seen["tenth_minute"] = look()
        await trio.sleep(seconds - MARK_S)
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

"""The RealtimeSession of livekit's OpenAI plugin alone: less than a session (nothing is played, run or interrupted)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.clients.jobs import Hold
from benchmarks.clients.main import main
from benchmarks.clients.runtime import Asyncio, Runtime
from benchmarks.clients.seat import Seat


def load() -> tuple[Runtime, Hold]:
    import aiohttp
    from livekit import rtc
    from livekit.agents import llm
    from livekit.plugins import openai

    shared: list[aiohttp.ClientSession] = []
    users: set[Seat] = set()

    @asynccontextmanager
    async def http(seat: Seat) -> AsyncIterator[aiohttp.ClientSession]:
        """One client session for the process, as in a worker; closed by the last seat."""
        users.add(seat)
        if not shared:
            shared.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        try:
            yield shared[0]
        finally:
            users.discard(seat)
            if not users:
                await shared.pop().close()

    async def hold(seat: Seat) -> None:
        async with http(seat) as client:
            await converse(seat, client)

    async def converse(seat: Seat, client: aiohttp.ClientSession) -> None:
        model = openai.realtime.RealtimeModel(
            model=seat.model,
            base_url=f"http://{seat.authority}/v1",
            api_key="x",
            http_session=client,
        )
        session = model.session()
        answered = asyncio.Event()

        def look(event: dict[str, object]) -> None:
            if event["type"] == "session.updated":
                answered.set()

        async def send_audio(pcm: bytes) -> None:
            session.push_audio(rtc.AudioFrame(pcm, 24000, 1, len(pcm) // 2))

        async with asyncio.TaskGroup() as tasks:

            async def hear(message: llm.MessageGeneration) -> None:
                async for frame in message.audio_stream:
                    seat.audio(frame.data.cast("B"))
                    if seat.slow:
                        await seat.pace()

            async def read(message: llm.MessageGeneration) -> None:
                async for _ in message.text_stream:
                    pass

            async def listen(generation: llm.GenerationCreatedEvent) -> None:
                async for message in generation.message_stream:
                    tasks.create_task(hear(message))
                    tasks.create_task(read(message))

            session.on("generation_created", lambda generation: tasks.create_task(listen(generation)))
            session.on("openai_server_event_received", look)
            try:
                await session.update_instructions("You are a helpful voice assistant.")
                await answered.wait()
                session.off("openai_server_event_received", look)
                seat.open(send_audio)
                await asyncio.get_running_loop().create_future()
            finally:
                await session.aclose()

    return Asyncio(), hold


if __name__ == "__main__":
    main(load)

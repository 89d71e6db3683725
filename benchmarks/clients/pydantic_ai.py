"""`pydantic-ai-slim[openai-realtime]`: an agent's session with one `stream_audio()` view for playback and its events.

`handle_barge_in=True` is how its documentation lets the session truncate; the application plays from the one audio
view, and learns from the event stream that the user has begun to speak.
"""

from __future__ import annotations

import asyncio

from benchmarks.clients.jobs import Hold
from benchmarks.clients.main import main
from benchmarks.clients.runtime import Asyncio, Runtime
from benchmarks.clients.seat import Seat


def load() -> tuple[Runtime, Hold]:
    from pydantic_ai import Agent
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.realtime import RealtimeInputSpeechStartEvent
    from pydantic_ai.realtime.openai import OpenAIRealtimeModel

    agent = Agent(instructions="You are a helpful voice assistant.")

    @agent.tool_plain
    async def noop(reason: str) -> str:
        """Do nothing."""
        return "ok"

    @agent.tool_plain
    def noop_in_thread(reason: str) -> str:
        """Do nothing, in a thread, where synchronous tools belong."""
        return "ok"

    async def hold(seat: Seat) -> None:
        provider = OpenAIProvider(base_url=f"http://{seat.authority}/v1", api_key="x")
        model = OpenAIRealtimeModel(seat.model, provider=provider)
        async with agent.realtime(model).session(handle_barge_in=True) as session:

            async def play() -> None:
                async for chunk in session.stream_audio():
                    seat.audio(chunk)
                    if seat.slow:
                        await seat.pace()
                    if seat.plays:
                        await seat.play(len(chunk))

            async with asyncio.TaskGroup() as tasks:
                playing = tasks.create_task(play())
                seat.open(session.send_audio)
                async for event in session:
                    if isinstance(event, RealtimeInputSpeechStartEvent):
                        seat.interrupted()
                playing.cancel()

    return Asyncio(), hold


if __name__ == "__main__":
    main(load)

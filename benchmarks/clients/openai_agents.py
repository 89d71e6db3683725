"""`openai-agents`: a whole session as its realtime guide shows it, a runner and a session that one iterates."""

from __future__ import annotations

from benchmarks.clients.jobs import Hold
from benchmarks.clients.main import main
from benchmarks.clients.runtime import Asyncio, Runtime
from benchmarks.clients.seat import Seat


def load() -> tuple[Runtime, Hold]:
    from agents import function_tool
    from agents.realtime import RealtimeAgent, RealtimeRunner

    @function_tool
    async def noop(reason: str) -> str:
        """Do nothing."""
        return "ok"

    @function_tool
    def noop_in_thread(reason: str) -> str:
        """Do nothing, in a thread, where synchronous tools belong."""
        return "ok"

    agent = RealtimeAgent(
        name="Assistant", instructions="You are a helpful voice assistant.", tools=[noop, noop_in_thread]
    )

    async def hold(seat: Seat) -> None:
        runner = RealtimeRunner(
            starting_agent=agent,
            config={
                "model_settings": {
                    "voice": "marin",
                    "input_audio_format": "pcm16",
                    "output_audio_format": "pcm16",
                    "turn_detection": {"type": "server_vad", "interrupt_response": True},
                }
            },
        )
        session = await runner.run(model_config={"url": seat.url, "api_key": "x"})
        async with session:
            seat.open(session.send_audio)
            async for event in session:
                if event.type == "audio":
                    seat.audio(event.audio.data)
                    if seat.slow:
                        await seat.pace()
                elif event.type == "audio_interrupted":
                    seat.interrupted()

    return Asyncio(), hold


if __name__ == "__main__":
    main(load)

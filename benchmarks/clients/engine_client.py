"""This engine, as its guide shows it: a runner, `async with session`, iterate over events. Both transports."""

from __future__ import annotations

from benchmarks.clients.jobs import Hold
from benchmarks.clients.runtime import Runtime
from benchmarks.clients.seat import Seat


def load(transport: str) -> tuple[Runtime, Hold]:
    """Import the engine and everything that a first session would import, and say how to hold a session."""
    from benchmarks.clients.trio_runtime import Trio
    from engine import OpenAIRealtimeWebSocketModel, RealtimeAgent, RealtimeRunner, function_tool

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
            agent,
            model=OpenAIRealtimeWebSocketModel(),
            config={"model_settings": {"voice": "marin", "turn_detection": {"type": "server_vad"}}},
        )
        session = await runner.run(model_config={"url": seat.url, "api_key": "x", "transport": transport})
        async with session:
            seat.open(session.send_audio)
            async for event in session:
                if event.type == "audio":
                    seat.audio(event.data)
                    if seat.slow:
                        await seat.pace()
                elif event.type == "audio_interrupted":
                    seat.interrupted()

    return Trio(), hold

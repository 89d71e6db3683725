"""`livekit-agents` with its OpenAI plugin: a whole AgentSession with an audio input and an audio output of our own.

No room: custom inputs and outputs are how its documentation attaches other media. The output tells the session what
was played: at once, or, where a run needs a player, at the pace of a device.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.clients.jobs import Hold
from benchmarks.clients.main import main
from benchmarks.clients.runtime import Asyncio, Runtime
from benchmarks.clients.seat import Seat


def load() -> tuple[Runtime, Hold]:
    import aiohttp
    from livekit import rtc
    from livekit.agents import Agent, AgentSession, function_tool
    from livekit.agents.voice.io import AudioInput, AudioOutput, AudioOutputCapabilities
    from livekit.plugins import openai

    @function_tool
    async def noop(reason: str) -> str:
        """Do nothing."""
        return "ok"

    class Speaker(AudioOutput):
        """The seat's ears. With `seat.plays` a segment lasts as long as its audio."""

        def __init__(self, seat: Seat) -> None:
            super().__init__(label="seat", capabilities=AudioOutputCapabilities(pause=False))
            self._seat = seat
            self._seconds = 0.0
            self._began = 0.0
            self._end: asyncio.TimerHandle | None = None

        async def capture_frame(self, frame: rtc.AudioFrame) -> None:
            await super().capture_frame(frame)
            if not self._began:
                self._began = time.time()
                self.on_playback_started(created_at=self._began)
            self._seconds += frame.duration
            self._seat.audio(frame.data.cast("B"))
            if self._seat.slow:
                await self._seat.pace()

        def flush(self) -> None:
            super().flush()
            if not self._began:
                return
            if self._seat.plays:
                left = self._began + self._seconds - time.time()
                self._end = asyncio.get_running_loop().call_later(max(0.0, left), self._finished, False)
            else:
                self._finished(interrupted=False)

        def clear_buffer(self) -> None:
            if self._began:
                self._seat.interrupted()
                self._finished(interrupted=True)

        def _finished(self, interrupted: bool) -> None:
            if self._end is not None:
                self._end.cancel()
                self._end = None
            heard = min(self._seconds, time.time() - self._began) if interrupted else self._seconds
            self._seconds = self._began = 0.0
            self.on_playback_finished(playback_position=heard, interrupted=interrupted)

    class Microphone(AudioInput):
        """Frames that the seat pushes, as the session wants to pull them."""

        def __init__(self) -> None:
            super().__init__(label="seat")
            self._frames: asyncio.Queue[rtc.AudioFrame] = asyncio.Queue()

        async def push(self, pcm: bytes) -> None:
            self._frames.put_nowait(rtc.AudioFrame(pcm, 24000, 1, len(pcm) // 2))

        async def __anext__(self) -> rtc.AudioFrame:
            return await self._frames.get()

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
            voice="marin",
            base_url=f"http://{seat.authority}/v1",
            api_key="x",
            http_session=client,
        )
        session: AgentSession[None] = AgentSession(llm=model, aec_warmup_duration=None)
        microphone = Microphone()
        session.input.audio = microphone
        session.output.audio = Speaker(seat)
        agent = Agent(instructions="You are a helpful voice assistant.", tools=[noop])
        try:
            await session.start(agent, record=False)
            await updated(agent)
            seat.open(microphone.push)
            await asyncio.get_running_loop().create_future()
        finally:
            await session.aclose()

    async def updated(agent: Agent) -> None:
        """Its session connects in the background; wait for the server's answer to its settings."""
        answered = asyncio.Event()

        def look(event: dict[str, object]) -> None:
            if event["type"] == "session.updated":
                answered.set()

        realtime = agent.realtime_llm_session
        realtime.on("openai_server_event_received", look)
        await answered.wait()
        realtime.off("openai_server_event_received", look)

    return Asyncio(), hold


if __name__ == "__main__":
    main(load)

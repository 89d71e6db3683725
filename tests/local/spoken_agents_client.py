"""Run as a program: the openai-agents package holds a spoken turn against a local server, with a tool call.

The port and a file of mono 16-bit PCM at 24 kHz are the arguments. Prints the tool's arguments, what was understood,
and what was answered.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from agents import function_tool, set_tracing_disabled
from agents.realtime import RealtimeAgent, RealtimeRunner

FRAME = 960
SILENCE = bytes(FRAME * 50)


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")


@function_tool
def get_order_status(order_number: str) -> str:
    """Look up an order."""
    tell(f"tool {order_number}")
    return '{"status": "on its way", "delivery": "tomorrow"}'


async def main(port: int, spoken: bytes) -> None:
    set_tracing_disabled(True)
    agent = RealtimeAgent(name="Clerk", instructions="You help with orders.", tools=[get_order_status])
    settings = {
        "input_audio_transcription": {"model": "gpt-4o-mini-transcribe"},
        "turn_detection": {"type": "server_vad"},
    }
    runner = RealtimeRunner(agent, config={"model_settings": settings})
    url = f"ws://127.0.0.1:{port}/v1/realtime?model=gpt-realtime"
    session = await runner.run(model_config={"api_key": "any", "url": url})
    heard = 0
    async with session:
        audio = SILENCE[: FRAME * 20] + spoken + SILENCE
        for at in range(0, len(audio), FRAME):
            await session.send_audio(audio[at : at + FRAME])
        async for event in session:
            if event.type == "audio":
                heard += len(event.audio.data)
            if event.type != "raw_model_event" or event.data.type != "raw_server_event":
                continue
            served = event.data.data
            if served["type"] == "conversation.item.input_audio_transcription.completed":
                tell(f"caller {served['transcript']}")
            if served["type"] == "response.output_audio_transcript.done":
                tell(f"agent {served['transcript']}")
            if served["type"] == "response.done" and heard > len(SILENCE):
                tell("heard")
                return


asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]).read_bytes()))

"""Push-to-talk: with turn detection off, the application says when the user's turn ends and when the agent answers.

The "microphone" here is a second of a tone, so a local model with a recognizer answers that it did not catch that.
"""

import array
import math

import trio

from engine import LocalModel, RealtimeAgent, RealtimeRunner

RATE = 24_000

agent: RealtimeAgent[None] = RealtimeAgent(name="Assistant", instructions="Answer briefly.")
config = {"model_settings": {"turn_detection": None}}


def microphone(seconds: float) -> bytes:
    """A tone of 440 Hz, as PCM of 16 bits at 24 kHz."""
    samples = (int(8000 * math.sin(2 * math.pi * 440 * n / RATE)) for n in range(int(seconds * RATE)))
    return array.array("h", samples).tobytes()


async def main() -> None:
    session = await RealtimeRunner(agent, model=LocalModel(), config=config).run()
    async with session:
        # The button is pressed: whatever the agent still says is cut off, and the microphone streams.
        await session.interrupt()
        audio = microphone(1.0)
        for at in range(0, len(audio), 960):
            await session.send_audio(audio[at : at + 960])
        # The button is released.
        await session.commit_audio()
        answer = await session.respond(instructions="One short sentence.")
        outcome = await answer.done()
        print("agent:", outcome.text)
        print("history:", [type(item).__name__ for item in session.history])


if __name__ == "__main__":
    trio.run(main)

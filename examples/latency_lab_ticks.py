"""A harness that drives time itself: it says one sentence, and measures how long the answer takes.

    python examples/latency_lab_ticks.py

Time passes in ticks of 200 ms and only in them, so that the result is the same on any machine.
"""

from engine import RealtimeAgent
from engine.lab.simulate.tick import open_ticks, run_ticks
from engine.local.speech.placeholder_synthesizer import tones
from engine.wire.formats import PCM16

TICK_MS = 200
QUESTION = "Can you explain how returns work?"


async def main() -> None:
    """One question, and its answer."""
    said, piece = tones(QUESTION), PCM16.bytes_of(TICK_MS)
    asked_ms = PCM16.ms_of(len(said))
    answered_ms: int | None = None
    async with open_ticks(RealtimeAgent("Shop")) as call:
        for number in range(50):
            audio = said[number * piece : (number + 1) * piece]
            tick = await call.tick(audio, TICK_MS, says=None if number else QUESTION)
            if answered_ms is None and any(tick.audio):
                answered_ms = tick.ends_ms - asked_ms
    print(f"answered at most {answered_ms} ms after the question")
    print(f"{tick.usage.output_tokens} tokens of output")


if __name__ == "__main__":
    run_ticks(main)

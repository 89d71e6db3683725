"""Tick mode: time moves by ticks and by nothing else."""

from __future__ import annotations

import pytest
import trio

from engine.agents.agent import RealtimeAgent
from engine.agents.tool import function_tool
from engine.audio.level import first_audible_ns
from engine.errors import AudioError
from engine.events import RealtimeSessionEvent
from engine.lab.simulate.tick import Tick, open_ticks, run_ticks
from engine.local.speech.placeholder_synthesizer import tones
from engine.wire.formats import PCM16

TICK_MS = 200
TICK_BYTES = PCM16.bytes_of(TICK_MS)


@function_tool
def get_order_status(order_number: str) -> dict[str, str]:
    """Look an order up. A plain function: it runs in a thread, which takes no time of this clock."""
    return {"status": "on its way", "delivery": "on Thursday"}


AGENT: RealtimeAgent[None] = RealtimeAgent("Shop", tools=[get_order_status])


async def say(call: object, text: str, *, quiet_ticks: int) -> list[Tick]:
    """A whole harness: what it says, tick by tick, and then it listens."""
    sound, ticks = tones(text), []
    for start in range(0, len(sound), TICK_BYTES):
        says = text if start == 0 else None
        ticks.append(await call.tick(sound[start : start + TICK_BYTES], TICK_MS, says=says))  # type: ignore[attr-defined]
    for _ in range(quiet_ticks):
        ticks.append(await call.tick(ms=TICK_MS))  # type: ignore[attr-defined]
    return ticks


def kinds(ticks: list[Tick]) -> list[str]:
    return [event.type for tick in ticks for event in tick.events]


def in_ticks(main: object) -> object:
    return run_ticks(main)  # type: ignore[arg-type]


def conversation() -> list[Tick]:
    async def main() -> list[Tick]:
        async with open_ticks(AGENT, seed=3) as call:
            return [
                *await say(call, "Where is my order?", quiet_ticks=20),
                *await say(call, "My order number is four seven one two.", quiet_ticks=30),
            ]

    return in_ticks(main)  # type: ignore[return-value]


def test_a_conversation_in_ticks() -> None:
    ticks = conversation()
    seen = kinds(ticks)
    assert "tool_end" in seen
    assert seen.count("audio_end") >= 2
    assert all(len(tick.audio) == TICK_BYTES for tick in ticks)
    assert [tick.ends_ms for tick in ticks] == [TICK_MS * (number + 1) for number in range(len(ticks))]
    assert ticks[-1].usage.output_tokens > 0
    assert sum(first_audible_ns(tick.audio) is not None for tick in ticks) > 20, "seconds of speech, in real time"


def test_it_is_the_same_each_time() -> None:
    def shown(event: RealtimeSessionEvent) -> tuple[str, int]:
        return event.type, event.at_ns

    one, other = conversation(), conversation()
    assert [tick.audio for tick in one] == [tick.audio for tick in other]
    assert [[shown(event) for event in tick.events] for tick in one] == [
        [shown(event) for event in tick.events] for tick in other
    ]


def test_events_belong_to_the_tick_in_which_they_happened() -> None:
    for tick in conversation():
        for event in tick.events:
            assert (tick.ends_ms - TICK_MS) * 1_000_000 <= event.at_ns <= tick.ends_ms * 1_000_000


def test_time_stands_still_between_ticks() -> None:
    async def main() -> None:
        async with open_ticks(AGENT) as call:
            await call.session.respond()
            await call.tick(ms=20)
            before = trio.current_time()
            await trio.to_thread.run_sync(lambda: None)
            for _ in range(100):
                await trio.lowlevel.checkpoint()
            assert trio.current_time() == before
            tick = await call.tick(ms=20)
            assert tick.ends_ms == 40
            assert trio.current_time() == pytest.approx(before + 0.02)

    in_ticks(main)


def test_an_interruption_cuts_the_audio_of_its_tick() -> None:
    async def main() -> list[Tick]:
        async with open_ticks(AGENT) as call:
            await call.session.respond(instructions='Say exactly "One two three four five six seven eight nine ten."')
            before = [await call.tick(ms=TICK_MS) for _ in range(5)]
            return [*before, *await say(call, "Stop.", quiet_ticks=3)]

    ticks = in_ticks(main)
    assert isinstance(ticks, list)
    cut = next(number for number, tick in enumerate(ticks) if "audio_interrupted" in kinds([tick]))
    assert first_audible_ns(ticks[cut - 1].audio) is not None
    assert first_audible_ns(ticks[cut + 1].audio) is None


def test_audio_that_does_not_fit_is_refused() -> None:
    async def main() -> None:
        async with open_ticks(AGENT) as call:
            with pytest.raises(AudioError, match="do not fit"):
                await call.tick(bytes(TICK_BYTES + 2), TICK_MS)
            with pytest.raises(AudioError, match="multiple of 20"):
                await call.tick(ms=30)

    in_ticks(main)

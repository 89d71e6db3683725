"""The shell under any schedule of its tasks, and cut short at any step."""

from __future__ import annotations

from functools import partial

import orjson
import trio
import trio.testing
from hypothesis import given, settings

from engine.local.server import serve
from engine.local.settings.latencies import Latencies
from engine.local.settings.options import LocalOptions
from engine.transport.sansio import connect_sansio
from tests.local.caller import FIXED, Caller, call
from tests.local.driver import dialogue_responder, output, silence, speech, tool, update, user_text
from tests.local.test_connection import hearing
from tests.support.cancel import cancel_at_every_step
from tests.support.schedule import plans, scheduled


async def _a_call(options: LocalOptions = FIXED) -> list[str | bytes]:
    """A tool call by typing, a spoken turn that interrupts the answer, another, and goodbye."""
    async with call(options, speech=hearing("tell me a story", "thank you")) as caller:
        await caller.send(update(tools=[tool("get_weather", city="string")]))
        await caller.send(user_text("weather in Oslo"), {"type": "response.create"})
        done = (await caller.until("response.done"))[-1]
        result = output(done["response"]["output"][0]["call_id"], "Fine.")
        await caller.send(result, {"type": "response.create"})
        await caller.until("response.output_audio.delta")
        for _ in range(2):
            await caller.play(speech(500) + silence(300), step_ms=100)
            await caller.until("response.output_audio.delta")
        await caller.until("response.done")
    return caller.raw


def _mocked() -> trio.testing.MockClock:
    return trio.testing.MockClock(autojump_threshold=0)


def _under(plan: tuple[int, ...]) -> list[str | bytes]:
    with scheduled(plan):
        return trio.run(_a_call, clock=_mocked())


@settings(max_examples=30, deadline=None)
@given(plans)
def test_every_schedule_gives_the_same_bytes(plan):
    assert _under(plan) == _under(())


def test_the_call_is_what_it_is_meant_to_be():
    kinds = [orjson.loads(message)["type"] for message in _under(())]
    assert kinds.count("response.done") == 4
    assert kinds.count("input_audio_buffer.speech_started") == 2


def test_cut_at_any_step_nothing_is_left():
    async def program() -> None:
        await _a_call()

    assert cancel_at_every_step(program, clock=_mocked, within=60, every=3) > 100


def test_a_server_cut_at_any_step_leaves_nothing():
    async def program() -> None:
        async with trio.open_nursery() as nursery:
            options = LocalOptions(latencies=Latencies.none())
            served = await nursery.start(partial(serve, options=options, responder=dialogue_responder()))
            async with connect_sansio(served.url, {}) as transport:
                caller = Caller(transport)
                await caller.send(user_text("hello"), {"type": "response.create"})
                await caller.until("response.done")
            nursery.cancel_scope.cancel()

    assert cancel_at_every_step(program, within=20, every=37) > 20

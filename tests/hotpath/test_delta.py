"""The shape of the hot path downwards: what one audio delta costs between the socket and the application, in counts."""

from __future__ import annotations

import gc
import sys

import trio
import trio.testing

from tests.hotpath.counting import calls, steps
from tests.hotpath.line import audio, frames, item, line, words


async def test_a_delta_takes_two_steps() -> None:
    """The connection's task reads, decodes and decides; the application's takes. Nobody else runs."""
    async with line() as held:
        count = len(held.taken)
        with steps() as taken:
            await held.say(audio(1), words(2))
            await held.until(count + 2)
            await trio.testing.wait_all_tasks_blocked()
        assert taken == {"_read": 1, "application": 1}


async def test_what_comes_together_travels_together() -> None:
    async with line() as held:
        count = len(held.taken)
        with steps() as taken:
            await held.say(*[event for n in range(10) for event in (audio(n, 1200), words(n))])
            await held.until(count + 20)
            await trio.testing.wait_all_tasks_blocked()
        assert taken["_read"] == 1
        # It lets others run once on the way.
        assert taken["application"] <= 2


async def test_a_delta_passes_one_mailbox() -> None:
    async with line() as held:
        before = {mailbox.name: mailbox.passed for mailbox in held.session.mailboxes}
        count = len(held.taken)
        await held.say(audio(1))
        await held.until(count + 1)
        passed = {mailbox.name: mailbox.passed - before[mailbox.name] for mailbox in held.session.mailboxes}
        assert passed.pop("events") == 1
        assert set(passed.values()) == {0}


async def test_a_delta_makes_an_event_of_the_wire_and_one_of_the_session() -> None:
    async with line() as held:
        count = len(held.taken)
        said = [frames(audio(number)) for number in range(10)]
        with calls() as (made, _):
            for at, delta in enumerate(said, 1):
                await held.write(delta)
                await held.until(count + at)
        assert made == {
            "ResponseOutputAudioDelta": 10,
            "Audio": 10,
            "Effects": 10,  # one for each batch
            "AudioConsumed": 10,  # what the application took before is told with the next batch
        }


async def test_a_delta_leaves_nothing_behind() -> None:
    async with line() as held:
        held.taken.clear()

        async def say(count: int) -> int:
            for number in range(count):
                await held.say(audio(number))
                await held.until(1)
                held.taken.clear()
            gc.collect()
            return sys.getallocatedblocks()

        # Times are put into their histograms by the 64: equal numbers of deltas end at equal places.
        await say(128)
        before = await say(128)
        assert await say(512) - before < 100


async def test_a_delta_costs_the_same_in_a_long_conversation() -> None:
    """Calls of the engine's functions for an audio and a transcript delta, all the way."""
    costs = []
    for items in (10, 1_000, 5_000):
        async with line(before=[item(number) for number in range(items)]) as held:
            await trio.testing.wait_all_tasks_blocked()
            assert len(held.session.history) == items + 1
            count = len(held.taken)
            said = frames(audio(1), words(2))
            with calls() as (_, called):
                await held.write(said)
                await held.until(count + 2)
                await trio.testing.wait_all_tasks_blocked()
            costs.append(called)
    assert costs[0] == costs[1] == costs[2]
    assert costs[0].total() < 100

"""The clock that jumps, and the one place that knows trio's private names."""

from __future__ import annotations

import random
import time

import trio
import trio._core._run as trio_run

from engine.testing.virtual_time import VirtualClock, fixed_schedule


def test_time_jumps_to_whoever_sleeps_the_shortest() -> None:
    woken: list[tuple[str, float]] = []

    async def sleep(name: str, seconds: float) -> None:
        await trio.sleep(seconds)
        woken.append((name, trio.current_time()))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for name, seconds in (("long", 3600.0), ("short", 0.5), ("none", 0.0)):
                nursery.start_soon(sleep, name, seconds)

    begun = time.monotonic()
    trio.run(main, clock=VirtualClock(10.0))
    assert woken == [("none", 10.0), ("short", 10.5), ("long", 3610.0)]
    assert time.monotonic() - begun < 10


def test_threads_take_no_time() -> None:
    async def main() -> float:
        with trio.move_on_after(1.0) as patience:
            await trio.to_thread.run_sync(time.sleep, 0.02)
        assert not patience.cancelled_caught
        return trio.current_time()

    assert trio.run(main, clock=VirtualClock()) == 0.0


def order(seed: int) -> list[int]:
    ran: list[int] = []

    async def note(number: int) -> None:
        for _ in range(3):
            await trio.lowlevel.checkpoint()
            ran.append(number)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for number in range(6):
                nursery.start_soon(note, number)

    with fixed_schedule(seed):
        trio.run(main)
    return ran


def test_a_seed_fixes_the_schedule_and_seeds_differ() -> None:
    assert [order(1) for _ in range(5)] == [order(1)] * 5
    assert len({tuple(order(seed)) for seed in range(6)}) > 1


def test_trio_is_left_as_it_was() -> None:
    """Fails where trio has other names for these: then runs of a seed are no longer the same."""
    before = trio_run._r, trio_run._ALLOW_DETERMINISTIC_SCHEDULING
    assert isinstance(before[0], random.Random)
    order(1)
    assert (trio_run._r, trio_run._ALLOW_DETERMINISTIC_SCHEDULING) == before

"""Overtime: who needs little never waits, and all who need more have a share of the processor together."""

from __future__ import annotations

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from engine.serving.overtime import ALLOWED_SECONDS, ALLOWED_SHARE, OVERTIME_SHARE, Overtime, WorkMeter


class Processor:
    """A clock of work that is done when a test says so."""

    def __init__(self) -> None:
        self.used = 0.0

    def __call__(self) -> float:
        return self.used


async def work(meter: WorkMeter, processor: Processor, steps: list[float]) -> None:
    for seconds in steps:
        with meter.at_work():
            processor.used += seconds
        await meter.settle()


@settings(deadline=None)
@given(st.lists(st.lists(st.floats(0.001, 0.2), max_size=10), max_size=8))
def test_work_beyond_the_allowances_takes_its_share_of_time(clients: list[list[float]]) -> None:
    processor = Processor()

    async def main() -> None:
        overtime = Overtime()
        async with trio.open_nursery() as nursery:
            for steps in clients:
                nursery.start_soon(work, WorkMeter(overtime, processor), processor, steps)
        took = trio.current_time()
        allowed = len(clients) * (ALLOWED_SECONDS + took * ALLOWED_SHARE)
        longest = max((step for steps in clients for step in steps), default=0)
        assert processor.used <= allowed + took * OVERTIME_SHARE + longest + 1e-6

    trio.run(main, clock=MockClock(autojump_threshold=0))


@settings(deadline=None)
@given(st.lists(st.floats(0, ALLOWED_SHARE), max_size=50))
def test_who_needs_little_never_waits(seconds: list[float]) -> None:
    processor = Processor()

    async def main() -> None:
        overtime = Overtime()
        heavy, light = WorkMeter(overtime, processor), WorkMeter(overtime, processor)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(work, heavy, processor, [1.0] * 100)
            for each in seconds:
                await trio.sleep(1)
                began = trio.current_time()
                await work(light, processor, [each])
                assert trio.current_time() == pytest.approx(began)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))


async def test_without_a_server_nobody_waits(autojump_clock: MockClock) -> None:
    processor = Processor()
    await work(WorkMeter(None, processor), processor, [10.0] * 10)
    assert trio.current_time() == 0

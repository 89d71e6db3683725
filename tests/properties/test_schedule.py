"""That a schedule can be planned at all: the canary for the private names in `tests.support.schedule`."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import product

import trio
import trio._core._run as trio_run
from hypothesis import find, given
from hypothesis import strategies as st

from tests.support.schedule import Planned, plans, scheduled


def order_of(plan: Sequence[int], tasks: int = 3, rounds: int = 2) -> list[int]:
    """The order in which some tasks take their steps."""
    order: list[int] = []

    async def step(name: int) -> None:
        for _ in range(rounds):
            order.append(name)
            await trio.lowlevel.checkpoint()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for name in range(tasks):
                nursery.start_soon(step, name)

    with scheduled(plan):
        trio.run(main)
    return order


def test_trio_still_shuffles_with_the_generator_that_we_replace() -> None:
    assert isinstance(trio_run._r, random.Random)
    assert trio_run._ALLOW_DETERMINISTIC_SCHEDULING is True


def test_without_a_plan_the_oldest_runs_first() -> None:
    assert order_of(()) == [0, 1, 2, 0, 1, 2]


def test_a_plan_decides_the_order() -> None:
    orders = {tuple(order_of(plan, rounds=1)) for plan in product(range(3), repeat=3)}
    assert len(orders) == 6


@given(plans)
def test_the_same_plan_gives_the_same_order(plan: tuple[int, ...]) -> None:
    assert order_of(plan) == order_of(plan)


def test_hypothesis_finds_and_shrinks_a_race() -> None:
    def last_is_first(plan: tuple[int, ...]) -> bool:
        return order_of(plan, rounds=1)[0] == 2

    found = find(plans, last_is_first)
    assert len(found) <= 2
    assert found[-1] == 2


def test_the_generator_is_put_back() -> None:
    before = trio_run._r
    with scheduled((1, 2)):
        assert isinstance(trio_run._r, Planned)
    assert trio_run._r is before


@given(st.permutations(range(5)), plans)
def test_a_shuffle_only_changes_the_order(batch: list[int], plan: tuple[int, ...]) -> None:
    shuffled = list(batch)
    Planned(plan).shuffle(shuffled)
    assert sorted(shuffled) == sorted(batch)

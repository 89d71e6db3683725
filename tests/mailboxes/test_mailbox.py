"""Mailbox and inbox: batches in order, room, and its end."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import suppress

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from engine.errors import SessionClosed
from engine.mailboxes import Inbox, Mailbox, MailboxStatistics

KINDS = pytest.mark.parametrize("kind", [Mailbox, Inbox])


async def taken(box: Mailbox[int]) -> Sequence[int]:
    """Take the oldest batch of a mailbox, or all batches of an inbox."""
    return await (box.take_all() if isinstance(box, Inbox) else box.take())


async def test_batches_keep_their_order() -> None:
    box = Mailbox[int]("box", 4)
    for batch in ([1, 2], [3], [4, 5]):
        await box.put(batch)
    assert [await box.take() for _ in range(3)] == [[1, 2], [3], [4, 5]]


async def test_all_batches_can_be_taken_at_once() -> None:
    box = Inbox[int]("box", 4)
    for batch in ([1, 2], [3], [4, 5]):
        await box.put(batch)
    assert await box.take_all() == [1, 2, 3, 4, 5]
    assert box.take_nowait() == []


@KINDS
async def test_whoever_finds_it_full_waits_for_room(kind: type[Mailbox[int]]) -> None:
    box = kind("box", 1)
    await box.put([1])
    with pytest.raises(trio.WouldBlock):
        box.put_nowait([2])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(box.put, [2])
        await wait_all_tasks_blocked()
        assert box.statistics().waiting == 1
        first = await taken(box)
    rest = await taken(box) if len(first) < 2 else []
    assert [*first, *rest] == [1, 2]
    assert box.statistics() == MailboxStatistics("box", 1, 0, 1, 2)


@KINDS
async def test_who_is_cancelled_while_it_is_full_has_handed_over_nothing(kind: type[Mailbox[int]]) -> None:
    box = kind("box", 1)
    await box.put([1])
    with trio.move_on_after(0):
        await box.put([2])
    assert await taken(box) == [1]
    assert box.statistics() == MailboxStatistics("box", 1, 0, 1, 1)


MOVES = ["put", "put and wait", "take", "next"]


async def empty_together(box: Inbox[int], moves: Sequence[str]) -> None:
    """Several tasks put, the router's task waits for all there is, and others take what is there in between."""
    put, got = list[int](), list[int]()

    async def read() -> None:
        while True:
            got.extend(await box.take_all())
            await trio.lowlevel.checkpoint()

    async def write(number: int) -> None:
        await box.put([number])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        for number, move in enumerate(moves):
            if move == "put":
                with suppress(trio.WouldBlock):
                    box.put_nowait([number])
                    put.append(number)
            elif move == "put and wait":
                put.append(number)
                nursery.start_soon(write, number)
                await trio.lowlevel.checkpoint()
            elif move == "take":
                got.extend(box.take_nowait())
            else:
                await trio.lowlevel.checkpoint()
            assert 0 <= box.waiting <= box.capacity
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert sorted(got) == put
    statistics = box.statistics()
    assert (statistics.waiting, statistics.passed) == (0, len(put))
    assert statistics.most_waiting <= box.capacity


@given(st.lists(st.sampled_from(MOVES), max_size=30), st.integers(1, 3))
def test_9_an_inbox_loses_and_repeats_nothing_whoever_takes(moves: list[str], capacity: int) -> None:
    trio.run(empty_together, Inbox[int]("box", capacity), moves)


class CountsLate(Inbox[int]):
    """Broken on purpose: a batch that waited for room is counted when its writer runs again."""

    async def put(self, batch: Sequence[int]) -> None:
        try:
            self.put_nowait(batch)
        except trio.WouldBlock:
            await self._send.send((0, batch))
            self._count()


class Forgetful(Inbox[int]):
    """Broken on purpose: of what waits, only the newest is taken."""

    def take_nowait(self) -> Sequence[int]:
        return super().take_nowait()[-1:]


@pytest.mark.parametrize("broken", [CountsLate, Forgetful])
def test_9_broken_inboxes_would_be_noticed(broken: type[Inbox[int]]) -> None:
    draws, noticed = random.Random(9), 0
    for _ in range(200):
        try:
            trio.run(empty_together, broken("box", 2), draws.choices(MOVES, k=30))
        except* AssertionError:
            noticed += 1
    assert noticed


async def test_a_reader_whose_batch_somebody_else_took_waits_on() -> None:
    box = Inbox[int]("box", 4)
    got: list[int] = []

    async def read() -> None:
        got.extend(await box.take_all())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await wait_all_tasks_blocked()
        box.put_nowait([1])
        assert box.take_nowait() == [1]
        await wait_all_tasks_blocked()
        assert got == []
        box.put_nowait([2])
    assert got == [2]


@KINDS
async def test_writers_are_told_of_its_end(kind: type[Mailbox[int]]) -> None:
    box = kind("box", 1)
    await box.put([1])

    async def write() -> None:
        with pytest.raises(SessionClosed):
            await box.put([2])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(write)
        await wait_all_tasks_blocked()
        box.close()
    with pytest.raises(SessionClosed):
        box.put_nowait([3])
    assert box.statistics().waiting == 0


async def test_a_batch_that_had_to_wait_for_room_is_counted_before_it_can_be_taken() -> None:
    """Whoever routes next looks at `waiting`: a batch that it misses would be overtaken."""
    box = Inbox[int]("box", 1)
    box.put_nowait([1])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(box.put, [2])
        await wait_all_tasks_blocked()
        assert box.take_nowait() == [1]
        assert box.waiting == 0
        box.put_nowait([3])
        assert box.waiting == 1
        assert box.take_nowait() == [3]
    assert await box.take_all() == [2]


async def test_a_reader_that_sleeps_makes_no_room_beyond_the_capacity() -> None:
    box = Mailbox[int]("box", 2)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(box.take)
        await wait_all_tasks_blocked()
        box.put_nowait([1])
        box.put_nowait([2])
        with pytest.raises(trio.WouldBlock):
            box.put_nowait([3])
    assert box.statistics().most_waiting == 2

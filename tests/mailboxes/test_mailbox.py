"""Mailbox: batches in order, room, and its end."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from engine.errors import SessionClosed
from engine.mailboxes import Mailbox


async def test_batches_keep_their_order_and_can_be_taken_at_once() -> None:
    box = Mailbox[int]("box", 4)
    for batch in ([1, 2], [3], [4, 5]):
        await box.put(batch)
    assert await box.take() == [1, 2]
    assert await box.take_all() == [3, 4, 5]
    assert box.take_nowait() == ()


async def test_whoever_finds_it_full_waits_for_room() -> None:
    box = Mailbox[int]("box", 1)
    await box.put([1])
    with pytest.raises(trio.WouldBlock):
        box.put_nowait([2])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(box.put, [2])
        await wait_all_tasks_blocked()
        assert box.statistics().waiting == 1
        assert box.take_nowait() == [1]
    assert await box.take() == [2]


async def test_a_reader_whose_batch_somebody_else_took_waits_on() -> None:
    box = Mailbox[int]("box", 4)
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


async def test_writers_are_told_of_its_end() -> None:
    box = Mailbox[int]("box", 1)
    await box.put([1])

    async def write() -> None:
        with pytest.raises(SessionClosed):
            await box.put([2])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(write)
        await wait_all_tasks_blocked()
        box.close()
    assert box.take_nowait() == ()

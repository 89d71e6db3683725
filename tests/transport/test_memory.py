"""What is particular to the in-memory pair: it keeps its own capacity, and lives under virtual time."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from engine.errors import TransportClosed, TransportLost
from engine.transport.memory import memory_pair
from tests.transport.links import all_and_end


async def test_a_full_pair_makes_the_sender_wait() -> None:
    near, far = memory_pair(capacity=2)
    await near.send([b"1"])
    await near.send([b"2", b"3"])
    with trio.move_on_after(0) as cut:
        await near.send([b"not sent"])
    assert cut.cancelled_caught
    assert await far.receive() == ["1", "2", "3"]
    await near.send([b"4"])
    assert await far.receive() == ["4"]


async def test_a_close_does_not_wait_for_a_full_pair_to_be_read() -> None:
    near, far = memory_pair(capacity=1)
    await near.send([b"unread"])
    await near.aclose(4000, "over")
    assert await far.receive() == ["unread"]
    with pytest.raises(TransportClosed, match="4000"):
        await far.receive()
    with pytest.raises(TransportClosed):
        await far.send([b"too late"])
    await far.aclose()


async def test_both_may_close_at_once_and_each_knows_its_own_goodbye() -> None:
    near, far = memory_pair()
    await near.aclose(4001)
    await far.aclose(4002)
    for end, code in ((near, 4001), (far, 4002)):
        with pytest.raises(TransportClosed) as told:
            await end.receive()
        assert told.value.code == code


async def test_a_pair_can_be_cut() -> None:
    near, far = memory_pair()
    await near.send([b"sent before"])
    near.vanish()
    assert await far.receive() == ["sent before"]
    for end in (near, far):
        with pytest.raises(TransportLost) as told:
            await end.receive()
        assert not isinstance(told.value, TransportClosed)


async def test_an_hour_of_it_takes_no_time(autojump_clock: MockClock) -> None:
    near, far = memory_pair()

    async def tick() -> None:
        for n in range(3600):
            await trio.sleep(1)
            await near.send([b"%d" % n])
        await near.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tick)
        received, _ = await all_and_end(far)
    assert received == [str(n) for n in range(3600)]

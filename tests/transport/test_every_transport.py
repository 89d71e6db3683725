"""What `Transport` promises, held against every implementation over real sockets."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from engine.errors import Misuse, TransportClosed, TransportLost
from engine.transport.interface import Transport
from tests.transport.links import ALL, OVER_TCP, collect, cut_when_stuck, linked

every_kind = pytest.mark.parametrize("kind", ALL)


async def fill(transport: Transport) -> None:
    """Send until nothing more is taken, and for ever after."""
    while True:
        await transport.send([b"x" * 100_000])


@every_kind
async def test_messages_arrive_whole_and_in_order_both_ways(kind: str) -> None:
    async with linked(kind) as (transport, far):
        there = [f"there {n} äöü" for n in range(20)]
        await transport.send([text.encode() for text in there[:3]])
        await transport.send([])
        await transport.send([text.encode() for text in there[3:]])
        assert [await far.hear() for _ in there] == there

        back = [f"back {n} 😀" for n in range(20)]
        await far.say(*back[:7])
        await far.say(*back[7:])
        assert await collect(transport, 20) == back


@pytest.mark.parametrize("kind", ["sansio", "sansio-tls", "memory"])
async def test_what_arrived_together_is_one_batch(kind: str) -> None:
    async with linked(kind) as (transport, far):
        await far.say("one", "two", "three")
        assert await transport.receive() == ["one", "two", "three"]


@every_kind
async def test_a_huge_message_passes_both_ways(kind: str) -> None:
    async with linked(kind) as (transport, far):
        huge = "x" * 20_000_000
        async with trio.open_nursery() as nursery:
            nursery.start_soon(far.say, huge)
            assert await transport.receive() == [huge]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(transport.send, [huge.encode(), b"after"])
            assert await far.hear() == huge
            assert await far.hear() == "after"


@every_kind
async def test_the_peers_goodbye_comes_after_its_messages_and_stays(kind: str) -> None:
    async with linked(kind) as (transport, far):
        await far.say("last words")
        await far.say_goodbye(4000, "invalid_request_error.missing_model")
        assert await transport.receive() == ["last words"]
        for _ in range(2):
            with pytest.raises(TransportClosed) as told:
                await transport.receive()
            assert (told.value.code, told.value.reason) == (4000, "invalid_request_error.missing_model")
        with pytest.raises(TransportClosed) as told:
            await transport.send([b"too late"])
        assert told.value.code == 4000


@every_kind
async def test_our_goodbye_reaches_the_peer_after_our_messages(kind: str) -> None:
    async with linked(kind, close_timeout=5) as (transport, far):
        await transport.send([b"last words"])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(transport.aclose, 4001, "enough")
            assert await far.hear() == "last words"
            assert await far.hear_goodbye() == (4001, "enough")
        for _ in range(2):
            with pytest.raises(TransportClosed) as told:
                await transport.receive()
            assert told.value.code == 4001
            with pytest.raises(TransportClosed):
                await transport.send([b"too late"])
            await transport.aclose()


@every_kind
async def test_a_goodbye_that_cannot_be_sent_is_misuse_and_closes_nothing(kind: str) -> None:
    async with linked(kind) as (transport, far):
        for code in (999, 1005, 1006, 1015, 2999, 5000):
            with pytest.raises(Misuse):
                await transport.aclose(code)
        await transport.send([b"still here"])
        assert await far.hear() == "still here"


@every_kind
async def test_a_long_reason_is_cut_to_what_a_close_frame_carries(kind: str) -> None:
    async with linked(kind, close_timeout=5) as (transport, far), trio.open_nursery() as nursery:
        nursery.start_soon(transport.aclose, 1000, "ö" * 100)
        assert await far.hear_goodbye() == (1000, "ö" * 61)


@every_kind
async def test_a_peer_that_vanishes_is_lost_and_not_closed(kind: str) -> None:
    async with linked(kind) as (transport, far):
        far.vanish()
        for _ in range(2):
            with pytest.raises(TransportLost) as told:
                await transport.receive()
            assert not isinstance(told.value, TransportClosed)
            assert told.value.code is None
        with pytest.raises(TransportLost):
            await fill(transport)
        await transport.aclose()


@every_kind
async def test_closing_wakes_who_receives(kind: str) -> None:
    async def told_when_receiving() -> None:
        with pytest.raises(TransportClosed) as told:
            await transport.receive()
        assert told.value.code == 1000

    async with linked(kind) as (transport, _), trio.open_nursery() as nursery:
        nursery.start_soon(told_when_receiving)
        await trio.testing.wait_all_tasks_blocked(0.01)
        await transport.aclose()


@every_kind
async def test_cancelling_receive_loses_nothing(kind: str) -> None:
    async with linked(kind) as (transport, far):
        for text in ("one", "two", "three"):
            with trio.move_on_after(0):
                await transport.receive()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(far.say, text)
                assert await transport.receive() == [text]


@every_kind
async def test_a_peer_that_does_not_read_blocks_sending_and_nothing_else(kind: str) -> None:
    async with linked(kind) as (transport, far):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fill, transport)
            await trio.testing.wait_all_tasks_blocked(0.02)
            await far.say("I can still speak")
            assert await transport.receive() == ["I can still speak"]
            nursery.cancel_scope.cancel()
        with trio.fail_after(2):
            await transport.aclose()


@every_kind
async def test_a_peer_that_does_not_read_cannot_hold_up_a_cancelled_close(kind: str) -> None:
    async with linked(kind, close_timeout=60) as (transport, _):
        await cut_when_stuck(fill, transport)
        with trio.fail_after(2):
            with trio.move_on_after(0.02):
                await transport.aclose()
            await transport.aclose()


@every_kind
async def test_closing_wakes_who_sends(kind: str) -> None:
    async def told_when_sending() -> None:
        with pytest.raises(TransportLost):
            await fill(transport)

    async with linked(kind) as (transport, _), trio.open_nursery() as nursery:
        nursery.start_soon(told_when_sending)
        await trio.testing.wait_all_tasks_blocked(0.02)
        await transport.aclose()


@pytest.mark.parametrize("kind", [*OVER_TCP, "served"])
async def test_two_closes_at_once_end(kind: str) -> None:
    async with linked(kind, close_timeout=60) as (transport, _), trio.open_nursery() as nursery:
        nursery.start_soon(transport.aclose)
        await trio.testing.wait_all_tasks_blocked(0.01)
        with trio.fail_after(2):
            with trio.move_on_after(0.05):
                await transport.aclose()
            nursery.cancel_scope.cancel()


@every_kind
async def test_even_a_close_cancelled_from_the_start_says_goodbye_and_releases(kind: str) -> None:
    async with linked(kind, close_timeout=60) as (transport, far):
        with trio.CancelScope() as scope:
            scope.cancel()
            await transport.aclose(4002, "in a hurry")
        if kind.startswith("sansio") or kind == "memory":
            assert await far.hear_goodbye() == (4002, "in a hurry")
        with pytest.raises(TransportLost):
            await transport.receive()

"""Sending without waiting: what is taken at once, and how `send` goes on where that stopped."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio

from engine.errors import TransportLost
from engine.transport.interface import SupportsSendNowait, Transport
from tests.transport.links import all_and_end, cut_when_stuck, linked

AT_ONCE = ["sansio", "sansio-tls", "memory"]
OVER_TCP = ["sansio", "sansio-tls"]
MORE_THAN_FITS = [b"%d" % n + b"x" * 1_000_000 for n in range(8)]


def send_nowait(transport: Transport, messages: Sequence[bytes]) -> bool:
    assert isinstance(transport, SupportsSendNowait)
    return transport.send_nowait(messages)


@pytest.mark.parametrize("kind", AT_ONCE)
async def test_what_fits_is_taken_at_once(kind: str) -> None:
    async with linked(kind) as (transport, far):
        assert send_nowait(transport, [b"one", b"two"])
        assert [await far.hear(), await far.hear()] == ["one", "two"]


@pytest.mark.parametrize("kind", OVER_TCP)
async def test_what_does_not_fit_is_completed_by_send(kind: str) -> None:
    async with linked(kind) as (transport, far), trio.open_nursery() as nursery:
        assert not send_nowait(transport, MORE_THAN_FITS)
        assert not send_nowait(transport, [b"later"]), "nothing overtakes it"
        nursery.start_soon(transport.send, MORE_THAN_FITS)
        for message in MORE_THAN_FITS:
            assert await far.hear() == message.decode()
        await transport.send([b"afterwards"])
        assert await far.hear() == "afterwards"


@pytest.mark.parametrize("kind", OVER_TCP)
async def test_a_cancelled_completion_is_taken_up_again(kind: str) -> None:
    async with linked(kind) as (transport, far), trio.open_nursery() as nursery:
        assert not send_nowait(transport, MORE_THAN_FITS)
        await cut_when_stuck(transport.send, MORE_THAN_FITS)
        nursery.start_soon(transport.send, MORE_THAN_FITS)
        for message in MORE_THAN_FITS:
            assert await far.hear() == message.decode()
        assert send_nowait(transport, [b"afterwards"])
        assert await far.hear() == "afterwards"


@pytest.mark.parametrize("kind", AT_ONCE)
async def test_now_at_once_and_now_not_everything_arrives_in_order(kind: str) -> None:
    batches = [[b"%d.%d" % (n, at) + b"x" * (n * 7919 % 90_000) for at in range(n % 4 + 1)] for n in range(120)]
    async with linked(kind) as (transport, far), trio.open_nursery() as nursery:
        refused = 0

        async def send() -> None:
            nonlocal refused
            for batch in batches:
                if not send_nowait(transport, batch):
                    refused += 1
                    await transport.send(batch)

        nursery.start_soon(send)
        for batch in batches:
            for message in batch:
                assert await far.hear() == message.decode()
        assert 0 < refused < len(batches)


@pytest.mark.parametrize("kind", AT_ONCE)
async def test_after_the_end_it_refuses_and_send_says_why(kind: str) -> None:
    async with linked(kind) as (transport, far):
        await far.say_goodbye(4001, "enough")
        await all_and_end(transport)
        assert not send_nowait(transport, [b"anybody?"])
        with pytest.raises(TransportLost, match="enough"):
            await transport.send([b"anybody?"])


@pytest.mark.parametrize("kind", ["trio-websocket", "served"])
async def test_who_cannot_does_not_say_so(kind: str) -> None:
    async with linked(kind) as (transport, _):
        assert not isinstance(transport, SupportsSendNowait)

"""Wherever a conversation is cut short, nothing is left of it."""

from __future__ import annotations

import pytest
import trio

from engine.errors import TransportLost
from engine.transport.memory import memory_pair
from tests.support.cancel import cancel_at_every_step
from tests.transport.links import OVER_TCP, linked


@pytest.mark.parametrize("kind", [*OVER_TCP, "served"])
def test_a_conversation_over_a_socket(kind: str) -> None:
    async def program() -> None:
        async with linked(kind, close_timeout=5) as (transport, far), trio.open_nursery() as nursery:
            nursery.start_soon(transport.send, [b"question", b"x" * 300_000])
            assert await far.hear() == "question"
            assert len(await far.hear()) == 300_000
            await far.say("answer")
            assert await transport.receive() == ["answer"]
            nursery.start_soon(transport.aclose, 4000)
            assert (await far.hear_goodbye())[0] == 4000

    # TLS doubles the steps, and shows nothing new in every one of them.
    assert cancel_at_every_step(program, within=20, every=2 if kind.endswith("tls") else 1) > 20


def test_a_conversation_in_memory() -> None:
    async def program() -> None:
        near, far = memory_pair(capacity=1)

        async def echo() -> None:
            try:
                while True:
                    await far.send([str(message).encode() for message in await far.receive()])
            except TransportLost:
                return

        async with trio.open_nursery() as nursery:
            nursery.start_soon(echo)
            for n in range(5):
                await near.send([b"%d" % n, b"again"])
                assert await near.receive() == [f"{n}", "again"]
            await near.aclose()

    assert cancel_at_every_step(program, clock=lambda: trio.testing.MockClock(autojump_threshold=0)) > 10

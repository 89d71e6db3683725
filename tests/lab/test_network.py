"""The network: everything arrives, in order, as late as it should."""

from __future__ import annotations

import random
import statistics
from collections import Counter
from collections.abc import Sequence

import pytest
import trio

from engine.clock import now_ns
from engine.errors import TransportClosed
from engine.lab.scenario.distributions import Draws
from engine.lab.scenario.scenario import Network
from engine.lab.simulate.network import Delay, network_pair
from engine.transport.interface import Transport

MS = 1_000_000


def delay(network: Network) -> Delay:
    return Delay(network, random.Random(1), random.Random(2), began_ns=0)


def test_without_jitter_the_delay_is_exact() -> None:
    line = delay(Network(delay_ms=30))
    assert [line.arrival(at * MS) for at in (0, 7, 20)] == [30 * MS, 37 * MS, 50 * MS]


def test_jitter_never_reorders() -> None:
    line = delay(Network(delay_ms=5, jitter_ms=30, jitter_sigma=1.5, jitter_memory_ms=0))
    arrivals = [line.arrival(at * MS) for at in range(0, 2000, 5)]
    assert arrivals == sorted(arrivals)
    assert all(arrival >= (at * 5 + 5) * MS for at, arrival in enumerate(arrivals))


def test_jitter_is_correlated_in_time_not_by_message() -> None:
    def correlation(step_ms: int) -> float:
        line = delay(Network(jitter_ms=20, jitter_sigma=0.5, jitter_memory_ms=200))
        late = [line._jitter(at * MS) / MS for at in range(0, 400_000, step_ms)]
        return statistics.correlation(late[:-1], late[1:])

    assert correlation(20) == pytest.approx(0.9, abs=0.05)
    assert correlation(200) == pytest.approx(0.35, abs=0.08)
    assert correlation(2000) == pytest.approx(0.0, abs=0.15)


def test_the_median_of_the_jitter_is_what_was_asked_for() -> None:
    line = delay(Network(jitter_ms=20, jitter_memory_ms=0))
    assert statistics.median(line._jitter(at) / MS for at in range(3000)) == pytest.approx(20, rel=0.05)


def test_a_stall_is_followed_by_a_burst() -> None:
    line = delay(Network(delay_ms=1, stall_every_s=1.0, stall_ms=500))
    left = [at * MS for at in range(0, 60_000, 20)]
    waits = [(line.arrival(at) - at) // MS for at in left]
    assert set(waits) > {1}
    arrivals = [at + wait * MS for at, wait in zip(left, waits, strict=True)]
    assert max(Counter(arrivals).values()) >= 20, "what waited comes at once"
    longest = max(waits)
    assert 400 <= longest <= 1500, "one stall, or two that touch"
    held = [at for at, wait in zip(left, waits, strict=True) if wait > 1]
    assert len(held) / len(left) == pytest.approx(1 / 3, abs=0.1), "half a second in every second and a half"


async def test_a_pair_delays_each_way_and_keeps_the_order(autojump_clock: trio.testing.MockClock) -> None:
    near, far = network_pair(Network(delay_ms=40, jitter_ms=5), Draws(1, 0))
    sent = [f"{number}".encode() for number in range(200)]
    received: list[str | bytes] = []
    moments: list[int] = []

    async def send(transport: Transport, messages: Sequence[bytes]) -> None:
        for message in messages:
            await transport.send([message])
            await trio.sleep(0.003)

    async with trio.open_nursery() as nursery:
        began_ns = now_ns()
        nursery.start_soon(send, near, sent)
        while len(received) < len(sent):
            received += await far.receive()
            moments.append(now_ns() - began_ns)
    assert received == [message.decode() for message in sent]
    assert moments[0] >= 40 * MS
    await far.send([b"back"])
    began_ns = now_ns()
    assert await near.receive() == ["back"]
    assert now_ns() - began_ns >= 40 * MS


async def test_a_cancelled_receive_loses_nothing(autojump_clock: trio.testing.MockClock) -> None:
    near, far = network_pair(Network(delay_ms=50), Draws(1, 0))
    await near.send([b"one", b"two"])
    with trio.move_on_after(0.01):
        await far.receive()
    assert await far.receive() == ["one", "two"]
    await near.aclose()
    with pytest.raises(TransportClosed):
        await far.receive()

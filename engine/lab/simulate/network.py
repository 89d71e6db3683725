"""The network between engine and model: everything arrives, in order, later.

`Delay` says when a message that leaves now arrives. A stall holds back everything that arrives in it until its end,
and then all of it comes at once, as TCP does when a segment was lost. Under virtual time the delays are exact.

`network_pair` joins a session and a model in the same process; `engine.lab.simulate.delayed` puts the network in
front of one that is elsewhere.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Sequence

import attrs
import trio

from engine.clock import now_ns
from engine.lab.scenario.distributions import Draws, draw_ns
from engine.lab.scenario.scenario import Network
from engine.transport.interface import Transport
from engine.transport.memory import memory_pair
from engine.wire.units import NS_PER_MS, NS_PER_S, NS_PER_US, US_PER_S

CAPACITY = 1024
"""Messages on their way, each direction: ten seconds of a talkative stall."""
_STEP_NS = NS_PER_US


class Delay:
    """One direction.

    Args:
        network: how it behaves.
        rng: of its jitter.
        stalls: of its stalls, apart, so that one more message moves no stall.
        began_ns: the moment from which stalls are counted.
    """

    def __init__(self, network: Network, rng: random.Random, stalls: random.Random, *, began_ns: int) -> None:
        self._network = network
        self._rng = rng
        self._stalls = stalls
        self._began_ns = began_ns
        self._level = rng.gauss(0.0, 1.0)
        """The jitter's normal deviate: an autoregressive process in time."""
        self._level_at = began_ns
        self._last = began_ns
        self._stall = self._next_stall(began_ns)

    def arrival(self, now: int) -> int:
        """When what leaves at `now` arrives. Never before what left earlier."""
        due = now + round(self._network.delay_ms * NS_PER_MS) + self._jitter(now)
        while self._stall is not None and self._stall[1] <= due:
            self._stall = self._next_stall(self._stall[1])
        if self._stall is not None and self._stall[0] <= due:
            due = self._stall[1]
        self._last = max(self._last, due)
        return self._last

    def _jitter(self, now: int) -> int:
        network = self._network
        if not network.jitter_ms:
            return 0
        memory_ns = network.jitter_memory_ms * NS_PER_MS
        kept = math.exp((self._level_at - now) / memory_ns) if memory_ns else 0.0
        self._level = kept * self._level + math.sqrt(1 - kept * kept) * self._rng.gauss(0.0, 1.0)
        self._level_at = now
        jitter_ms = network.jitter_ms * math.exp(network.jitter_sigma * self._level)
        return round(jitter_ms * NS_PER_MS / _STEP_NS) * _STEP_NS

    def _next_stall(self, after: int) -> tuple[int, int] | None:
        """Beginning and end of the first stall after a moment."""
        every_s = self._network.stall_every_s
        if every_s is None:
            return None
        begins = after + round(self._stalls.expovariate(1 / every_s) * US_PER_S) * _STEP_NS
        return begins, begins + draw_ns(self._network.stall_ms, self._stalls)


@attrs.define
class _Way:
    """What is on its way in one direction: when each batch arrives, and how many messages it has."""

    delay: Delay | None
    batches: deque[tuple[int, int]] = attrs.field(factory=deque, init=False)


class DelayedTransport:
    """One end of a `network_pair`. Implements `Transport`."""

    def __init__(self, inner: Transport, outgoing: _Way, incoming: _Way) -> None:
        self._inner = inner
        self._outgoing, self._incoming = outgoing, incoming
        self._arrived: deque[str | bytes] = deque()
        """What the pipe has brought and the network has not."""

    async def receive(self) -> list[str | bytes]:
        """See `Transport.receive`."""
        if not self._arrived:
            self._arrived.extend(await self._inner.receive())
        batches = self._incoming.batches
        if batches[0][0] > now_ns():
            await trio.sleep_until(batches[0][0] / NS_PER_S)
        now, count = now_ns(), 0
        while batches and batches[0][0] <= now and count < len(self._arrived):
            count += batches.popleft()[1]
        return [self._arrived.popleft() for _ in range(count)]

    async def send(self, messages: Sequence[bytes]) -> None:
        """See `Transport.send`: returns when the network has taken them. A cancelled one has sent nothing."""
        delay, batches = self._outgoing.delay, self._outgoing.batches
        now = now_ns()
        if messages:
            batches.append((now if delay is None else delay.arrival(now), len(messages)))
        try:
            await self._inner.send(messages)
        except BaseException:
            if messages:
                batches.pop()
            raise

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        """See `Transport.aclose`. A goodbye is not delayed."""
        await self._inner.aclose(code, reason)


def network_pair(network: Network, draws: Draws) -> tuple[Transport, Transport]:
    """The session's end and the model's end of a network."""
    near, far = memory_pair(CAPACITY)
    if network.silent:
        return near, far
    up, down = _Way(delay_of(network, draws, "up")), _Way(delay_of(network, draws, "down"))
    return DelayedTransport(near, up, down), DelayedTransport(far, down, up)


def delay_of(network: Network, draws: Draws, way: str) -> Delay:
    """The delay of one direction, `up` or `down`, from this moment on."""
    return Delay(
        network,
        draws.stream(f"network.{way}.jitter"),
        draws.stream(f"network.{way}.stalls"),
        began_ns=now_ns(),
    )

"""The network between engine and model: everything arrives, in order, later.

`Delay` says when a message that leaves now arrives; `delayed` puts one in each direction of a model's connection. A
stall holds back everything that arrives in it until its end, and then all of it comes at once, as TCP does when a
segment was lost. Under virtual time the delays are exact.

    up      what the session sends waits here; a full line makes `send` wait, as a full socket does
    down    a task reads the model and lays what comes on the line
"""

from __future__ import annotations

import math
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import trio

from engine.clock import NS, now_ns
from engine.errors import TransportLost
from engine.lab.distributions import NS_PER_MS, Draws, draw_ns
from engine.lab.scenario import Network
from engine.models.interface import ModelConnection, RealtimeModel
from engine.settings import RealtimeModelConfig
from engine.wire.client_events import ClientEvent
from engine.wire.server_events import ServerEvent

CAPACITY = 1024
"""Messages on their way, each direction: ten seconds of a talkative stall."""
_STEP_NS = 1_000


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
        begins = after + round(self._stalls.expovariate(1 / every_s) * 1_000_000) * _STEP_NS
        return begins, begins + draw_ns(self._network.stall_ms, self._stalls)


class DelayedConnection:
    """A model's connection with a network in between. Implements `ModelConnection`."""

    def __init__(self, inner: ModelConnection, up: Delay, down: Delay) -> None:
        self._inner = inner
        self._up, self._down = up, down
        self._to_model, self._leaving = trio.open_memory_channel[tuple[int, Sequence[ClientEvent]]](CAPACITY)
        self._from_model, self._arriving = trio.open_memory_channel[tuple[int, Sequence[ServerEvent]]](CAPACITY)
        self._ended: TransportLost | None = None

    async def receive(self) -> Sequence[ServerEvent]:
        """See `ModelConnection.receive`: the next batch, when it has arrived."""
        try:
            due, events = await self._arriving.receive()
        except trio.EndOfChannel:
            assert self._ended is not None
            raise self._ended from None
        await _until(due)
        return events

    async def send(self, events: Sequence[ClientEvent]) -> None:
        """See `ModelConnection.send`: returns when the network has taken them."""
        if self._ended is not None:
            await trio.lowlevel.checkpoint()
            raise self._ended
        await self._to_model.send((self._up.arrival(now_ns()), tuple(events)))

    async def aclose(self) -> None:
        """See `ModelConnection.aclose`."""
        await self._inner.aclose()

    async def carry_up(self) -> None:
        """Deliver to the model, until cancelled or the connection is gone."""
        try:
            async for due, events in self._leaving:
                await _until(due)
                await self._inner.send(events)
        except TransportLost as lost:
            self._end(lost)

    async def carry_down(self) -> None:
        """Take from the model, until cancelled or the connection is gone."""
        with self._from_model:
            try:
                while True:
                    events = await self._inner.receive()
                    await self._from_model.send((self._down.arrival(now_ns()), events))
            except TransportLost as lost:
                self._end(lost)

    def _end(self, lost: TransportLost) -> None:
        self._ended = self._ended or lost


async def _until(due: int) -> None:
    if due > now_ns():
        await trio.sleep_until(due / NS)
    else:
        await trio.lowlevel.checkpoint()


class DelayedModel(RealtimeModel):
    """A model behind a network."""

    def __init__(self, inner: RealtimeModel, network: Network, draws: Draws) -> None:
        super().__init__()
        self.capabilities = inner.capabilities
        self._inner = inner
        self._network = network
        self._draws = draws

    def connect(self, config: RealtimeModelConfig) -> AbstractAsyncContextManager[ModelConnection]:
        """See `RealtimeModel.connect`. The connection itself is made without delay."""
        return self._connect(config)

    @asynccontextmanager
    async def _connect(self, config: RealtimeModelConfig) -> AsyncIterator[ModelConnection]:
        failure: Exception | None = None
        async with self._inner.connect(config) as inner, trio.open_nursery() as nursery:
            connection = DelayedConnection(inner, self._way("up"), self._way("down"))
            nursery.start_soon(connection.carry_up)
            nursery.start_soon(connection.carry_down)
            try:
                yield connection
            except Exception as error:  # raised again below, outside of the group that a nursery makes of it
                failure = error
            nursery.cancel_scope.cancel(reason="the session left its model")
        if failure is not None:
            raise failure

    def _way(self, name: str) -> Delay:
        draws = self._draws
        return Delay(
            self._network,
            draws.stream(f"network.{name}.jitter"),
            draws.stream(f"network.{name}.stalls"),
            began_ns=now_ns(),
        )


def behind(network: Network, model: RealtimeModel, draws: Draws) -> RealtimeModel:
    """`model`, with the network in front of it if there is one."""
    return model if network.silent else DelayedModel(model, network, draws)

"""A network in front of a model that is elsewhere, or that somebody else has written.

up      what the session sends waits here; a full line makes `send` wait, as a full socket does
down    a task reads the model and lays what comes on the line
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import trio

from engine.clock import now_ns
from engine.errors import ConnectRefused, TransportLost
from engine.lab.scenario.distributions import Draws
from engine.lab.scenario.scenario import Network
from engine.lab.simulate.network import CAPACITY, Delay, delay_of
from engine.models.interface import ModelConnection, RealtimeModel
from engine.settings import RealtimeModelConfig
from engine.wire.client_events import ClientEvent
from engine.wire.server_events import ServerEvent
from engine.wire.units import NS_PER_S


class DelayedConnection:
    """A model's connection with a network in between. Implements `ModelConnection`."""

    def __init__(self, inner: ModelConnection, up: Delay, down: Delay) -> None:
        self._inner = inner
        self._up, self._down = up, down
        self._to_model, self._leaving = trio.open_memory_channel[tuple[int, Sequence[ClientEvent]]](CAPACITY)
        self._from_model, self._arriving = trio.open_memory_channel[tuple[int, Sequence[ServerEvent]]](CAPACITY)
        self._ended: TransportLost | ConnectRefused | None = None

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
            except (TransportLost, ConnectRefused) as lost:
                self._end(lost)

    def _end(self, lost: TransportLost | ConnectRefused) -> None:
        self._ended = self._ended or lost


async def _until(due: int) -> None:
    if due > now_ns():
        await trio.sleep_until(due / NS_PER_S)
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
            connection = DelayedConnection(
                inner, delay_of(self._network, self._draws, "up"), delay_of(self._network, self._draws, "down")
            )
            nursery.start_soon(connection.carry_up)
            nursery.start_soon(connection.carry_down)
            try:
                yield connection
            except Exception as error:  # raised again below, outside of the group that a nursery makes of it
                failure = error
            nursery.cancel_scope.cancel(reason="the session left its model")
        if failure is not None:
            raise failure


def behind(network: Network, model: RealtimeModel, draws: Draws) -> RealtimeModel:
    """`model`, with the network in front of it if there is one."""
    return model if network.silent else DelayedModel(model, network, draws)

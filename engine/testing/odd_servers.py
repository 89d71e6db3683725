"""Servers that are odd in one way, made of any model: for tests of programs that have to live with such servers.

RealtimeRunner(agent, model=SparseServer(LocalModel()))
RealtimeRunner(agent, model=RepeatingServer(LocalModel(), same_ids=False))
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import attrs

from engine.models.interface import ModelConnection, RealtimeModel, SupportsSendNowait
from engine.settings import RealtimeModelConfig
from engine.wire.client_events import ClientEvent
from engine.wire.server_events import (
    ErrorEvent,
    InputAudioBufferSpeechStarted,
    KnownServerEvent,
    ResponseCreated,
    ResponseDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ServerEvent,
    SessionCreated,
    SessionUpdated,
)
from engine.wire.struct import evolve

Change = Callable[[Sequence[ServerEvent]], Sequence[ServerEvent]]

MINIMUM: Final = frozenset(
    {
        SessionCreated,
        SessionUpdated,
        ErrorEvent,
        InputAudioBufferSpeechStarted,
        ResponseCreated,
        ResponseOutputAudioDelta,
        ResponseOutputAudioTranscriptDelta,
        ResponseOutputTextDelta,
        ResponseOutputItemDone,
        ResponseDone,
    }
)
"""The events that a `SparseServer` sends: no items but those of responses, no ends of parts, no turn but its begin."""

GROWING: Final = frozenset({ResponseOutputAudioTranscriptDelta, ResponseOutputTextDelta})
"""Events that a `RepeatingServer` with other ids does not repeat: text that grows twice is other text."""


@attrs.define
class _Link:
    """A connection whose server's events are changed on their way."""

    below: ModelConnection
    change: Change

    async def receive(self) -> Sequence[ServerEvent]:
        """Return the next events that are left after the change."""
        while True:
            if events := self.change(await self.below.receive()):
                return events

    async def send(self, events: Sequence[ClientEvent]) -> None:
        """See `ModelConnection.send`."""
        await self.below.send(events)

    @property
    def can_send_nowait(self) -> bool:
        """See `SupportsSendNowait.can_send_nowait`."""
        return isinstance(self.below, SupportsSendNowait) and self.below.can_send_nowait

    def send_nowait(self, events: Sequence[ClientEvent]) -> bool:
        """See `SupportsSendNowait.send_nowait`."""
        return isinstance(self.below, SupportsSendNowait) and self.below.send_nowait(events)

    async def aclose(self) -> None:
        """See `ModelConnection.aclose`."""
        await self.below.aclose()


class _OddServer(RealtimeModel):
    def __init__(self, model: RealtimeModel) -> None:
        super().__init__()
        self._model = model
        self.capabilities = model.capabilities

    def connect(self, config: RealtimeModelConfig) -> AbstractAsyncContextManager[ModelConnection]:
        """Open a connection of the model within. Raises what that raises."""
        return self._connected(config)

    @asynccontextmanager
    async def _connected(self, config: RealtimeModelConfig) -> AsyncIterator[ModelConnection]:
        async with self._model.connect(config) as link:
            yield _Link(link, self._change())

    @abstractmethod
    def _change(self) -> Change:
        """Return how the events of one connection are changed."""


class SparseServer(_OddServer):
    """A server that sends only the events of `MINIMUM`.

    Args:
        model: what answers.
    """

    def _change(self) -> Change:
        return lambda events: [event for event in events if type(event) in MINIMUM]


class RepeatingServer(_OddServer):
    """A server that sends every event twice.

    Args:
        model: what answers.
        same_ids: the repeat has the `event_id` of the first, and is the same event. Otherwise it has one of its own;
            text that grows is not repeated then.
    """

    def __init__(self, model: RealtimeModel, *, same_ids: bool = True) -> None:
        super().__init__(model)
        self._same_ids = same_ids

    def _change(self) -> Change:
        count = 0

        def twice(event: ServerEvent) -> Sequence[ServerEvent]:
            nonlocal count
            if self._same_ids and event.event_id:
                return (event, event)
            if not isinstance(event, KnownServerEvent) or type(event) in GROWING:
                return (event,)
            count += 1
            return (event, evolve(event, event_id=f"event_again_{count}"))

        return lambda events: [each for event in events for each in twice(event)]

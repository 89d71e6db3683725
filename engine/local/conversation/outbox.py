"""The events and effects of one step, in order, and the identifiers in them: shared by the machine's
parts."""

from __future__ import annotations

from engine.local.conversation.effects import Effect, Send
from engine.local.conversation.ids import Ids
from engine.wire.server_events import KnownServerEvent


class Outbox:
    """Collects what one step wants done."""

    def __init__(self, ids: Ids) -> None:
        self.ids = ids
        self._effects: list[Effect] = []

    def send(self, event: KnownServerEvent) -> None:
        """An event for the client."""
        self._effects.append(Send(event))

    def do(self, effect: Effect) -> None:
        """Anything else."""
        self._effects.append(effect)

    def take(self) -> list[Effect]:
        """Everything since the last call."""
        effects, self._effects = self._effects, []
        return effects

"""Promise 7, first half: history has the server's order."""

from __future__ import annotations

from engine.history import HistoryItem
from engine.wire.items import FunctionCallOutput
from engine.wire.server_events import (
    ConversationItemAdded,
    ConversationItemDeleted,
    InputAudioBufferCommitted,
    ServerEvent,
)
from tests.support.fake_server.server import Server
from tests.support.promises.base import Promise


class ServersOrder(Promise):
    number = 7

    def __init__(self) -> None:
        self._order: list[str] = []
        self._outputs: set[str] = set()

    def told(self, event: ServerEvent, at: int) -> None:
        match event:
            case ConversationItemAdded(item=item, previous_item_id=previous):
                assert isinstance(item.id, str)
                if isinstance(item, FunctionCallOutput):
                    self._outputs.add(item.id)
                self._place(item.id, previous)
            case InputAudioBufferCommitted(item_id=item_id, previous_item_id=previous):
                self._place(item_id, previous)
            case ConversationItemDeleted(item_id=item_id) if item_id in self._order:
                self._order.remove(item_id)

    def _place(self, item_id: str, previous: str | None) -> None:
        if item_id not in self._order:
            self._order.insert(0 if previous is None else self._order.index(previous) + 1, item_id)

    def expect(self, history: list[HistoryItem]) -> None:
        """Compare at any moment, against what the server has told so far."""
        wanted = [item_id for item_id in self._order if item_id not in self._outputs]
        found = [item.item_id for item in history]
        if found != wanted:
            self.broken(f"history is {found}, the server's is {wanted}")

    def settled(self, far: Server, history: list[HistoryItem]) -> None:
        found = [item.item_id for item in history]
        if found != far.history():
            self.broken(f"in the end history is {found}, the server's is {far.history()}")

"""Promise 7, first half: history has the server's order, whichever of its events tell of an item."""

from __future__ import annotations

from engine.events import HistoryAdded, RealtimeSessionEvent
from engine.history import HistoryItem
from engine.wire.client_events import ClientEvent, ConversationItemCreate
from engine.wire.items import FunctionCallOutput, Item
from engine.wire.server_events import (
    ConversationItemAdded,
    ConversationItemDeleted,
    InputAudioBufferCommitted,
    ResponseCreated,
    ResponseOutputItemAdded,
    ServerEvent,
)
from tests.support.fake_server.server import Server
from tests.support.promises.base import Promise


class ServersOrder(Promise):
    number = 7

    def __init__(self) -> None:
        self._order: list[str] = []
        self._outputs: set[str] = set()
        self._outside: set[str] = set()
        """Responses that leave the conversation alone."""
        self._created: set[str] = set()
        """Items of this program: a server that tells of none has us guess when it got them."""
        self._added: set[str] = set()
        self._tells_items = False

    def sent(self, event: ClientEvent, at: int) -> None:
        if isinstance(event, ConversationItemCreate) and isinstance(event.item.id, str):
            self._created.add(event.item.id)

    def told(self, event: ServerEvent, at: int) -> None:
        match event:
            case ResponseCreated(response=response) if response.conversation_id is None:
                self._outside.add(response.id)
            case ResponseOutputItemAdded(item=item) if event.response_id not in self._outside:
                self._place(item, None)
            case ConversationItemAdded(item=item, previous_item_id=previous):
                self._tells_items = True
                self._place(item, previous)
            case InputAudioBufferCommitted(item_id=item_id, previous_item_id=previous):
                self._place_id(item_id, previous)
            case ConversationItemDeleted(item_id=item_id) if item_id in self._order:
                self._order.remove(item_id)

    def _place(self, item: Item, previous: str | None) -> None:
        assert isinstance(item.id, str)
        if isinstance(item, FunctionCallOutput):
            self._outputs.add(item.id)
        self._place_id(item.id, previous)

    def _place_id(self, item_id: str, previous: str | None) -> None:
        """Everything here is made at the end, so that an item whose place is not told stands there."""
        if item_id not in self._order:
            known = previous is not None and previous in self._order
            self._order.insert(self._order.index(previous) + 1 if known else len(self._order), item_id)

    def seen(self, event: RealtimeSessionEvent, at: int) -> None:
        if isinstance(event, HistoryAdded):
            if event.item.item_id in self._added:
                self.broken(f"{event.item.item_id} was added to the history twice")
            self._added.add(event.item.item_id)

    def expect(self, history: list[HistoryItem]) -> None:
        """Compare at any moment, against what the server has told so far."""
        guessed = set() if self._tells_items else self._created
        wanted = [item_id for item_id in self._order if item_id not in self._outputs | guessed]
        found = [item.item_id for item in history if item.item_id not in guessed]
        if found != wanted:
            self.broken(f"history is {found}, the server's is {wanted}")

    def settled(self, far: Server, history: list[HistoryItem]) -> None:
        found = [item.item_id for item in history]
        if self._tells_items:
            if found != far.history():
                self.broken(f"in the end history is {found}, the server's is {far.history()}")
            return
        made = [item_id for item_id in far.history() if item_id not in self._created]
        if [item_id for item_id in found if item_id not in self._created] != made:
            self.broken(f"in the end history is {found}, the server's is {far.history()}")
        if missing := far.read_by_requests() - {*found}:
            self.broken(f"{sorted(missing)} were answered and are not in the history")

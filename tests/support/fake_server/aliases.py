"""Servers as they name things: ids used again in later responses, events without the response's id, events told twice.

`Server` gives everything an id of its own, and the observers of the promises see those. On the way to the client the
ids are replaced here; what comes from the client is read back by the rule that is promised: something whose id was used
before is called `id~2`, `id~3`, ... That rule is followed here once more, without the engine's help.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar

import attrs

from engine.core.effects import Renamed, ResponseToolCall
from engine.events import RealtimeSessionEvent
from engine.history import HistoryItem, ToolCall
from engine.wire.client_events import ClientEvent, ConversationItemCreate
from engine.wire.items import FunctionCall, FunctionCallOutput, Item
from engine.wire.server_events import (
    ConversationItemAdded,
    ConversationItemDone,
    ResponseCreated,
    ResponseDone,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ServerEvent,
)
from engine.wire.struct import FrozenStruct, evolve
from tests.support.fake_server.records import Quirks
from tests.support.promises.base import PromiseBroken

E = TypeVar("E", bound=FrozenStruct)

TOLD_TWICE = (
    ResponseCreated,
    ResponseDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseFunctionCallArgumentsDone,
    ConversationItemAdded,
    ConversationItemDone,
)
FIELDS = ("response_id", "item_id", "previous_item_id", "call_id")
PROMISE_OF: Mapping[str, int] = {"response_id": 1, "item_id": 7, "previous_item_id": 7, "call_id": 3}
"""Which promise is broken by a client event that names the wrong thing."""


class Aliases:
    """The ids that a server really uses, and the names that the client is to give."""

    def __init__(self, quirks: Quirks) -> None:
        self._quirks = quirks
        self._said: dict[str, str] = {}
        """The id on the wire of each thing, by its true one."""
        self._true: dict[str, str] = {}
        """The true id of each thing, by the name that it has at the client."""
        self._uses: Counter[str] = Counter()
        self._taken: set[str] = set()
        """The ids on the wire of the responses that run."""
        self._running: set[str] = set()
        """The true ids of the responses of the conversation that run."""

    # --- to the client

    def heard(self, event: ServerEvent) -> list[ServerEvent]:
        """What the client hears of an event."""
        self._follow(event)
        said = self._replaced(event, self._said)
        response_id = getattr(event, "response_id", None)
        if self._quirks.forgets_response_ids and response_id in self._running:
            said = evolve(said, response_id="")  # type: ignore[type-var]
        twice = self._quirks.repeats and isinstance(event, TOLD_TWICE)
        return [said, evolve(said, event_id="again")] if twice else [said]  # type: ignore[list-item,type-var]

    def _follow(self, event: ServerEvent) -> None:
        match event:
            case ResponseCreated(response=response):
                if response.conversation_id is not None:
                    self._running.add(response.id)
                if self._quirks.reuses_ids:
                    free = next(f"resp_{n}" for n in range(1000) if f"resp_{n}" not in self._taken)
                    self._taken.add(free)
                    self._give(response.id, free)
            case ResponseDone(response=response):
                self._running.discard(response.id)
                self._taken.discard(self._said.get(response.id, ""))
            case ResponseOutputItemAdded(item=item, output_index=index) if self._quirks.reuses_ids:
                self._give(str(item.id), f"out_{index}")
                if isinstance(item, FunctionCall):
                    self._give(item.call_id, f"did_{index}")

    def _give(self, true: str, said: str) -> None:
        self._uses[said] += 1
        self._said[true] = said
        self._true[said if self._uses[said] == 1 else f"{said}~{self._uses[said]}"] = true

    # --- from the client

    def true(self, name: str) -> str:
        """Return the true id of what the client calls so."""
        return self._true.get(name, name)

    def seen(self, event: RealtimeSessionEvent) -> RealtimeSessionEvent:
        """Return an event of the application's with true ids."""
        found = self._replaced(event, self._true)
        item = getattr(event, "item", None)
        return found if item is None else evolve(found, item=self.shown(item))

    def shown(self, item: HistoryItem) -> HistoryItem:
        """Return an item of the history with true ids."""
        previous = item.previous_item_id and self.true(item.previous_item_id)
        found = attrs.evolve(item, item_id=self.true(item.item_id), previous_item_id=previous)
        return attrs.evolve(found, call_id=self.true(found.call_id)) if isinstance(found, ToolCall) else found

    def called(self, calls: Sequence[ResponseToolCall]) -> tuple[ResponseToolCall, ...]:
        """Return the calls of a response, as its handle tells them, with true ids."""
        return tuple(attrs.evolve(call, call_id=self.true(call.call_id)) for call in calls)

    def sent(self, event: ClientEvent, told: list[Renamed[ClientEvent]]) -> ClientEvent:
        """Return a client event with true ids.

        Raises:
            PromiseBroken: it does not say by the server's ids what it means.
        """
        named = next((each.by_names for each in told if each.by_ids is event), event)
        true = self._replaced(named, self._true)
        said = self._replaced(true, self._said)
        for one, other in ((event, said), (getattr(event, "item", None), getattr(said, "item", None))):
            for field in FIELDS:
                if getattr(one, field, None) != getattr(other, field, None):
                    raise PromiseBroken(PROMISE_OF[field], f"{event!r} was sent where {said!r} is meant")
        return true

    def _replaced(self, event: E, ids: Mapping[str, str]) -> E:
        """Return an event with other ids, wherever it has some."""
        changes: dict[str, object] = {}
        for field in FIELDS:
            if isinstance(value := getattr(event, field, None), str) and value in ids:
                changes[field] = ids[value]
        if isinstance(event, ResponseCreated | ResponseDone):
            response = event.response
            output = tuple(_item_replaced(item, ids) for item in response.output)
            changes["response"] = evolve(response, id=ids.get(response.id, response.id), output=output)
        if isinstance(
            event,
            ConversationItemAdded
            | ConversationItemDone
            | ResponseOutputItemAdded
            | ResponseOutputItemDone
            | ConversationItemCreate,
        ):
            changes["item"] = _item_replaced(event.item, ids)
        return evolve(event, **changes) if changes else event


def _item_replaced(item: Item, ids: Mapping[str, str]) -> Item:
    changes = {} if not isinstance(item.id, str) else {"id": ids.get(item.id, item.id)}
    if isinstance(item, FunctionCall | FunctionCallOutput):
        changes["call_id"] = ids.get(item.call_id, item.call_id)
    return evolve(item, **changes) if changes else item  # type: ignore[type-var]

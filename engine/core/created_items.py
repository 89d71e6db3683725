"""Items that this program has asked the server to add, and of which no event has told yet.

Servers differ in what they say of them: they keep the id that the client chose or give one of their own, tell the place
or leave it out, tell them late, or never. What was asked for says whose an item is, and where it was meant to stand.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from cattrs import BaseValidationError

from engine.core.conversation import text_of
from engine.core.images import KeptImages, image_size
from engine.wire.client_events import ClientEvent, ConversationItemCreate, RawClientEvent
from engine.wire.converter import converter
from engine.wire.items import (
    FunctionCall,
    FunctionCallOutput,
    InputAudio,
    InputText,
    Item,
    Message,
    OutputAudio,
    OutputText,
    Part,
)

MOST_UNTOLD = 256
"""How many items are remembered of which the server has told nothing; a server that tells of none would have us keep
all of them."""


@attrs.frozen
class CreatedItem:
    """An item as it was sent, and the item it was to follow (`ROOT`: none; None: it was to be the last)."""

    item: Item
    previous_item_id: str | None
    number: int
    """How many were created before it."""

    @property
    def item_id(self) -> str | None:
        """The id that was chosen for it."""
        return self.item.id if isinstance(self.item.id, str) else None


class CreatedItems:
    """What was created, in order, until the server tells of it."""

    def __init__(self) -> None:
        self.count = 0
        """How many there have been."""
        self._untold: dict[int, CreatedItem] = {}
        self._images = KeptImages[int]()

    def sent(self, event: ClientEvent) -> None:
        """Note the item that a client event creates, if it does."""
        if isinstance(event, RawClientEvent):
            created = _read(event.payload) if event.type == ConversationItemCreate.type else None
        else:
            created = event if isinstance(event, ConversationItemCreate) else None
        if created is None:
            return
        previous = created.previous_item_id
        place = previous if isinstance(previous, str) else None
        self._untold[self.count] = CreatedItem(created.item, place, self.count)
        if len(self._untold) > MOST_UNTOLD:
            self._forget(next(iter(self._untold)))
        if size := image_size(created.item):
            for number in self._images.keep(self.count, size):
                del self._untold[number]
        self.count += 1

    def _forget(self, number: int) -> CreatedItem:
        self._images.drop(number)
        return self._untold.pop(number)

    def claim(self, item: Item) -> CreatedItem | None:
        """Find out which of ours an item is that the server tells of; it is forgotten here. None: not one of ours.

        The id decides, or the call that an output answers; at servers that give ids of their own, what it says.
        """
        if not self._untold:
            return None
        for alike in (_same_id, _same_call, _same_words):
            for created in self._untold.values():
                if alike(created.item, item):
                    return self._forget(created.number)
        return None

    def take_before(self, count: int) -> list[CreatedItem]:
        """Forget the items that were created before `count` were, and return them in order."""
        taken = [created for number, created in self._untold.items() if number < count]
        return [self._forget(created.number) for created in taken]


def _read(payload: Mapping[str, object]) -> ConversationItemCreate | None:
    """Return the item that an application creates in its own words; None if it is not one that we can read."""
    try:
        return converter.structure(dict(payload), ConversationItemCreate)
    except (BaseValidationError, TypeError, ValueError):
        return None


def _same_id(created: Item, told: Item) -> bool:
    return isinstance(created.id, str) and created.id == told.id


def _same_call(created: Item, told: Item) -> bool:
    match created, told:
        case FunctionCallOutput(call_id=ours), FunctionCallOutput(call_id=theirs):
            return ours == theirs
        case FunctionCall(call_id=ours), FunctionCall(call_id=theirs):
            return ours == theirs
        case _:
            return False


def _same_words(created: Item, told: Item) -> bool:
    match created, told:
        case Message(), Message():
            return created.role == told.role and _words_of(created) == _words_of(told)
        case _:
            return False


def _words_of(message: Message) -> list[tuple[str, str | None]]:
    return [(_kind_of(part), text_of(part)) for part in message.content]


def _kind_of(part: Part) -> str:
    """Return what a part is, in the names of either protocol."""
    match part:
        case InputText() | OutputText():
            return "text"
        case InputAudio() | OutputAudio():
            return "audio"
        case _:
            return "other"

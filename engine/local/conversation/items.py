"""The conversation: a linked list of items, and what the service keeps beside each.

Promises: `previous_item_id` of an insertion is the item it stands behind at that moment (None at the head);
deleting an item joins its neighbours; an id names one item. The audio of old items is forgotten once more
than a set amount is held: an hour of talk must not cost an hour of PCM.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import attrs

from engine.local.conversation import errors
from engine.local.settings.quotas import USUAL_QUOTAS, Quotas
from engine.wire.formats import PCM16, AudioFormat
from engine.wire.items import Item, ItemReference, UnknownItem
from engine.wire.struct import UnsetType, evolve

ROOT = "root"


@attrs.define
class ItemEntry:
    """An item and what only the server knows of it."""

    item: Item
    audio: bytes | None = None
    """None: it has none, or it was forgotten."""
    audio_format: AudioFormat = PCM16
    """A user's audio is held as PCM, an assistant's in the format in which it was sent."""
    audio_ms: int = 0
    transcript: str = ""
    """What was said, known to the model even where the client asked for no transcription."""
    hearing: bool = False
    """A user's audio whose words are not known yet."""
    truncated: bool = False
    typed_tokens: int | None = None
    """Tokens of its typed text, counted once where that may be long; None: not counted yet."""
    characters: int = 0
    """How much of `Quotas.kept_characters` it takes."""
    previous: str | None = None
    next: str | None = None


class ItemList:
    """Items in the order in which the model reads them.

    Args:
        kept_audio_bytes: how much audio is held for `conversation.item.retrieve` before the oldest is
        forgotten.
        quotas: how many items, and how long.
    """

    def __init__(self, kept_audio_bytes: int, quotas: Quotas = USUAL_QUOTAS) -> None:
        self._quotas = quotas
        self._characters = 0
        self._entries: dict[str, ItemEntry] = {}
        self._first: str | None = None
        self._last: str | None = None
        self._with_audio: deque[str] = deque()
        self._audio_bytes = 0
        self._kept_audio_bytes = kept_audio_bytes

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._entries

    def __iter__(self) -> Iterator[ItemEntry]:
        at = self._first
        while at is not None:
            entry = self._entries[at]
            yield entry
            at = entry.next

    @property
    def last(self) -> str | None:
        """The id of the last item, or None."""
        return self._last

    def get(self, item_id: str) -> ItemEntry | None:
        """The entry with this id, or None."""
        return self._entries.get(item_id)

    def newest(self, count: int) -> tuple[ItemEntry, ...]:
        """The last `count` entries, oldest first."""
        entries: list[ItemEntry] = []
        at = self._last
        while at is not None and len(entries) < count:
            entries.append(self._entries[at])
            at = entries[-1].previous
        return tuple(reversed(entries))

    def check_room(self, characters: int = 0) -> None:
        """Refuse what would be one item too many, or so many characters that it would be too long.

        Only what a client asks for is held against this: the items of a response that runs are few, and short.

        Raises:
            Rejected: there is no room.
        """
        if len(self._entries) >= self._quotas.items:
            raise errors.too_many_items(self._quotas.items)
        if self._characters + characters > self._quotas.kept_characters:
            raise errors.too_many_characters(self._quotas.kept_characters)

    def add(self, entry: ItemEntry, previous_item_id: str | UnsetType | None = None) -> str | None:
        """Insert at the end, or behind `previous_item_id` ("root": at the head). Returns the id it now stands
        behind.

        Raises:
            Rejected: the id is taken, or `previous_item_id` names nothing. Nothing was changed.
        """
        item_id = id_of(entry.item)
        if item_id in self._entries:
            raise errors.duplicate_item(item_id)
        entry.previous, entry.next = self._place(previous_item_id)
        self._entries[item_id] = entry
        self._characters += entry.characters
        self._link(entry.previous, item_id)
        self._link(item_id, entry.next)
        return entry.previous

    def remove(self, item_id: str) -> ItemEntry:
        """Take an item out. Raises KeyError if it is not there."""
        entry = self._entries.pop(item_id)
        self._characters -= entry.characters
        self._link(entry.previous, entry.next)
        self._forget_audio(entry)
        return entry

    def keep_audio(self, item_id: str, audio: bytes, audio_ms: int) -> None:
        """Hold an item's audio; forget the oldest beyond the limit, and this one if it alone is beyond it."""
        entry = self._entries[item_id]
        self._forget_audio(entry)
        entry.audio, entry.audio_ms = audio, audio_ms
        self._audio_bytes += len(audio)
        self._with_audio.append(item_id)
        while self._audio_bytes > self._kept_audio_bytes and self._with_audio:
            oldest = self._entries.get(self._with_audio.popleft())
            if oldest is not None:
                self._forget_audio(oldest)

    def _forget_audio(self, entry: ItemEntry) -> None:
        if entry.audio is not None:
            self._audio_bytes -= len(entry.audio)
            entry.audio = None

    def _place(self, previous_item_id: str | UnsetType | None) -> tuple[str | None, str | None]:
        if previous_item_id is None or isinstance(previous_item_id, UnsetType):
            return self._last, None
        if previous_item_id == ROOT:
            return None, self._first
        previous = self._entries.get(previous_item_id)
        if previous is None:
            raise errors.unknown_previous_item(previous_item_id)
        return previous_item_id, previous.next

    def _link(self, left: str | None, right: str | None) -> None:
        if left is None:
            self._first = right
        else:
            self._entries[left].next = right
        if right is None:
            self._last = left
        else:
            self._entries[right].previous = left


def id_of(item: Item | ItemReference) -> str:
    """The id of an item that has one."""
    if isinstance(item.id, UnsetType):
        raise TypeError(f"an item without an id: {item!r}")
    return item.id


def with_id(item: Item, item_id: str) -> Item:
    """The same item with this id."""
    if isinstance(item, UnknownItem):
        return UnknownItem({**item.raw, "id": item_id})
    return evolve(item, id=item_id)

"""The conversation as the server keeps it: a linked list of items, and what has become of each.

The server tells an item's place once (`previous_item_id` of *added* and *committed*; that of *done* is unreliable).
An item whose place has not been told stands at the end, or before an item that is known to follow it, until it is.
Words may come before their item, and items without their words.

Every step costs the same however long the conversation is: nodes are found by id,
pieces of transcript are kept as they came and joined when somebody reads them, and what an application reads is
built on demand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import attrs

from engine.core.images import KeptImages, image_size, without_images
from engine.history import (
    AssistantAudio,
    AssistantMessage,
    AssistantText,
    HistoryItem,
    ItemStatus,
    OtherItem,
    SystemMessage,
    ToolCall,
    UserAudio,
    UserMessage,
)
from engine.wire.items import (
    FunctionCall,
    FunctionCallOutput,
    InputAudio,
    InputImage,
    InputText,
    Item,
    Message,
    OutputAudio,
    OutputText,
    Part,
)
from engine.wire.struct import evolve

ROOT = "root"
MS_PER_CHARACTER = 65
"""How long a character of speech lasts, about: 15 characters a second is ordinary English speech. Used only to
place a cut in the transcript of an item whose audio is not complete, because transcripts run ahead of audio."""

MOST_EARLY = 64
"""How many texts are kept for items that are not known yet."""


@attrs.define
class Words:
    """Text of one part of an item. It grows by pieces and is joined when it is read."""

    pieces: list[str] = attrs.field(factory=list)
    final: bool = False
    """The server has said that this is all of what the user said."""
    retold: bool = False
    """The server tells the growing text as a whole each time, instead of what is new."""

    def read(self) -> str:
        """Return the text so far."""
        if len(self.pieces) > 1:
            self.pieces[:] = ["".join(self.pieces)]
        return self.pieces[0] if self.pieces else ""

    def set(self, text: str) -> None:
        """Replace the text."""
        self.pieces[:] = [text]


@attrs.frozen
class _Heard:
    audio_end_ms: int
    share: float


@attrs.define
class _Node:
    item: Item
    item_id: str
    previous: str | None
    next: str | None
    status: ItemStatus = "in_progress"
    placed: bool = False
    """The server has said where it stands."""
    follows: str | None = None
    """The item, not known yet, that it stands after."""
    final: bool = False
    """The server has said its final word on it."""
    texts: dict[int, Words] = attrs.field(factory=dict)
    written: set[int] = attrs.field(factory=set)
    heard: dict[int, _Heard] = attrs.field(factory=dict)
    output: str | None = None
    shown: HistoryItem | None = None


class Conversation:
    """All items in the server's order."""

    def __init__(self) -> None:
        self._nodes: dict[str, _Node] = {}
        self._calls: dict[str, str] = {}
        self._first: str | None = None
        self._last: str | None = None
        self._hidden = 0
        self._early: dict[tuple[str, int], Words] = {}
        """Texts of parts whose item is not known yet: some servers tell an item's words before its place."""
        self._followers: dict[str, str] = {}
        """By the id of an item that is not known yet, the one that stands after it."""
        self._images = KeptImages[str]()
        self._tells_places = False
        """Whether this server says where items go. For one that never does, silence means the end, not the start."""

    # --- what the server says

    def add(self, item: Item, previous_item_id: str | None, *, known_place: bool = True) -> bool:
        """Put an item in its place. Returns whether it is new.

        Args:
            item: the item as it is told.
            previous_item_id: the item before it; None: it is the first, or nobody has said.
            known_place: this is the server's word on its place; otherwise it is moved when that comes.
        """
        item_id = _id_of(item)
        if (node := self._nodes.get(item_id)) is not None:
            if known_place and not node.placed and previous_item_id in self._nodes:
                node.placed = True
                self._move(node, previous_item_id)
            return False
        self._tells_places = self._tells_places or previous_item_id is not None
        node = _Node(item, item_id, None, None, placed=known_place and previous_item_id is not None)
        self._link(node, self._place_of(node, previous_item_id, known_place=known_place))
        if isinstance(item, FunctionCall):
            self._calls[item.call_id] = item_id
        if isinstance(item, FunctionCallOutput):
            self._hidden += 1
        self._learn(node, item)
        for key in [key for key in self._early if key[0] == item_id]:
            node.texts[key[1]] = self._early.pop(key)
        return True

    def _place_of(self, node: _Node, previous: str | None, *, known_place: bool) -> str | None:
        """Return the item that a new one is linked after."""
        follower = self._nodes.get(self._followers.pop(node.item_id, ""))
        if previous in self._nodes:
            return previous
        if previous in (None, ROOT):
            if known_place and self._tells_places:
                return None
            if follower is not None:
                return follower.previous
        else:
            node.follows, node.placed = previous, False
            self._followers[previous] = node.item_id
        return self._last

    def complete(self, item: Item) -> bool:
        """The server's final word on an item. Returns whether that is news (servers say it up to three times)."""
        if (node := self._nodes.get(_id_of(item))) is None:
            return False
        node.final = True
        return self._retell(node, item)

    def fill(self, item: Item) -> bool:
        """Take from a telling of an item what no other has told: its name, arguments, content. Returns whether there
        was anything."""
        if (node := self._nodes.get(_id_of(item))) is None or not _lacks(node, item):
            return False
        return self._retell(node, item, again=False)

    def close(self, item_id: str, status: ItemStatus) -> bool:
        """No more will come of an item. Returns whether that is news: its end has not been told."""
        if (node := self._nodes.get(item_id)) is None or node.status != "in_progress":
            return False
        node.status, node.shown = status, None
        return True

    def is_final(self, item: Item) -> bool:
        """Return whether the server has said its final word on an item, and this telling has nothing that it lacked."""
        node = self._nodes.get(_id_of(item))
        return node is not None and node.final and not _lacks(node, item)

    def item(self, item_id: str) -> Item | None:
        """Return an item as it was last told."""
        return node.item if (node := self._nodes.get(item_id)) is not None else None

    def previous_of(self, item_id: str) -> str | None:
        """Return the id of the item before an item; None if it is the first, or unknown."""
        return node.previous if (node := self._nodes.get(item_id)) is not None else None

    def grow(self, item_id: str, content_index: int, delta: str, *, spoken: bool) -> bool:
        """Add text to an item, written or spoken. Returns whether the item is known: if not, nothing is kept."""
        if (node := self._nodes.get(item_id)) is None:
            return False
        node.shown = None
        if not spoken:
            node.written.add(content_index)
        text = node.texts.get(content_index)
        if text is None:
            text = node.texts[content_index] = Words()
        text.pieces.append(delta)
        return True

    def say(self, item_id: str, content_index: int, text: str) -> bool:
        """Set the whole text of an item's part, as transcribed. Returns whether the item is known: it may follow."""
        self.words(item_id, content_index).set(text)
        return item_id in self._nodes

    def words(self, item_id: str, content_index: int) -> Words:
        """Return the text of an item's part, to be read or to be changed. The item may follow."""
        if (node := self._nodes.get(item_id)) is not None:
            node.shown = None
            return node.texts.setdefault(content_index, Words())
        words = self._early.setdefault((item_id, content_index), Words())
        if len(self._early) > MOST_EARLY:
            del self._early[next(iter(self._early))]
        return words

    def texts(self, item_id: str) -> list[tuple[int, str]]:
        """Return the text of each part of an item that has any."""
        node = self._nodes.get(item_id)
        return [(index, text.read()) for index, text in sorted(node.texts.items())] if node is not None else []

    def output(self, call_id: str, output: str) -> str | None:
        """A call got its output. Returns the id of the item that made the call, if that is news."""
        node = self._nodes.get(item_id) if (item_id := self._calls.get(call_id)) is not None else None
        if node is None or node.output == output:
            return None
        node.output, node.shown = output, None
        return item_id

    def cut(self, item_id: str, content_index: int, heard_ms: int, received_ms: int, *, complete: bool) -> bool:
        """An interruption: of `received_ms` milliseconds of audio, `heard_ms` were heard. Returns whether known."""
        if (node := self._nodes.get(item_id)) is None:
            return False
        length_ms = received_ms
        if not complete:
            text = node.texts.get(content_index)
            length_ms = max(received_ms, len(text.read()) * MS_PER_CHARACTER if text else 0)
        node.heard[content_index] = _Heard(heard_ms, min(1.0, heard_ms / length_ms) if length_ms else 0.0)
        node.status, node.shown = "incomplete", None
        return True

    def remove(self, item_id: str) -> HistoryItem | None:
        """The server deleted an item. Returns it as it was last."""
        shown = self.get(item_id)
        if (node := self._nodes.get(item_id)) is None:
            return None
        self._unlink(node)
        self._images.drop(item_id)
        if node.follows is not None:
            self._followers.pop(node.follows, None)
        if isinstance(node.item, FunctionCallOutput):
            self._hidden -= 1
        return shown

    # --- what an application reads

    def get(self, item_id: str) -> HistoryItem | None:
        """One item as it stands now; None if it is unknown or not shown by itself (a call's output)."""
        if (node := self._nodes.get(item_id)) is None or isinstance(node.item, FunctionCallOutput):
            return None
        if node.shown is None:
            node.shown = _show(node)
        return node.shown

    def __len__(self) -> int:
        return len(self._nodes) - self._hidden

    def __iter__(self) -> Iterator[HistoryItem]:
        at = self._first
        while at is not None:
            if (shown := self.get(at)) is not None:
                yield shown
            at = self._nodes[at].next

    @property
    def last_id(self) -> str | None:
        """The id of the newest item."""
        return self._last

    # --- inside

    def _link(self, node: _Node, after: str | None) -> None:
        node.previous = after
        if after is None:
            node.next, self._first = self._first, node.item_id
        else:
            node.next, self._nodes[after].next = self._nodes[after].next, node.item_id
        if node.next is None:
            self._last = node.item_id
        else:
            self._nodes[node.next].previous = node.item_id
            self._nodes[node.next].shown = None
        self._nodes[node.item_id] = node

    def _unlink(self, node: _Node) -> None:
        del self._nodes[node.item_id]
        if node.previous is None:
            self._first = node.next
        else:
            self._nodes[node.previous].next = node.next
        if node.next is None:
            self._last = node.previous
        else:
            self._nodes[node.next].previous = node.previous
            self._nodes[node.next].shown = None

    def _move(self, node: _Node, after: str | None) -> None:
        """Put an item after another one, now that its place is told."""
        if node.previous != after and node.item_id != after:
            self._unlink(node)
            self._link(node, after)
            node.shown = None

    def _retell(self, node: _Node, item: Item, *, again: bool = True) -> bool:
        whole = _merged(node.item, item)
        if whole == node.item and (not again or _says(node, item)):
            return False
        node.item, node.shown = whole, None
        if isinstance(whole, FunctionCall):
            self._calls[whole.call_id] = node.item_id
        self._learn(node, item, again=again)
        return True

    def _learn(self, node: _Node, item: Item, *, again: bool = True) -> None:
        """Take in an item's status and words; with `again`, also words of parts that had some."""
        if not node.heard:
            node.status = _status_of(item, node.status)
        if isinstance(item, Message):
            for index, part in enumerate(item.content):
                if (text := text_of(part)) and (again or index not in node.texts):
                    node.texts.setdefault(index, Words()).set(text)
                if isinstance(part, OutputText):
                    node.written.add(index)
        if size := image_size(node.item):
            for item_id in self._images.keep(node.item_id, size):
                dropped = self._nodes[item_id]
                dropped.item, dropped.shown = without_images(dropped.item), None


@attrs.frozen(eq=False)
class History(Sequence[HistoryItem]):
    """A live, read-only view of the conversation."""

    _conversation: Conversation

    def __len__(self) -> int:
        return len(self._conversation)

    def __iter__(self) -> Iterator[HistoryItem]:
        # As it is now: an application that waits between two items must not fall off one that has been deleted.
        return iter(tuple(self._conversation))

    @overload
    def __getitem__(self, index: int) -> HistoryItem: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[HistoryItem]: ...
    def __getitem__(self, index: int | slice) -> HistoryItem | Sequence[HistoryItem]:
        return tuple(self._conversation)[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<History of {len(self)} items>"


def _id_of(item: Item) -> str:
    return item.id if isinstance(item.id, str) else ""


def _status_of(item: Item, before: ItemStatus) -> ItemStatus:
    status = getattr(item, "status", None)
    if status in ("completed", "incomplete"):
        return status  # type: ignore[no-any-return]
    return "completed" if isinstance(item, FunctionCallOutput) else before


def text_of(part: Part | None) -> str | None:
    """Return what a part says, in words; None if it has no words, or if they are not known."""
    match part:
        case OutputText(text=text) | InputText(text=text):
            return text
        case OutputAudio(transcript=transcript) | InputAudio(transcript=transcript):
            return transcript
        case _:
            return None


def _says(node: _Node, item: Item) -> bool:
    """Return whether the texts of an item are those that are kept."""
    parts = enumerate(item.content if isinstance(item, Message) else ())
    told = {index: text for index, part in parts if (text := text_of(part))}
    return all(index in node.texts and node.texts[index].read() == text for index, text in told.items())


def _merged(before: Item, item: Item) -> Item:
    """Return an item as it is told again, with what this telling leaves out and an earlier one had."""
    match before, item:
        case FunctionCall(), FunctionCall():
            return evolve(
                item,
                name=item.name or before.name,
                call_id=item.call_id or before.call_id,
                arguments=item.arguments or before.arguments,
            )
        case Message(), Message() if before.content and not item.content:
            return evolve(item, content=before.content)
        case _:
            return item


def _lacks(node: _Node, item: Item) -> bool:
    """Return whether `item` tells what is not known of it yet."""
    match node.item, item:
        case FunctionCall() as known, FunctionCall():
            lacking = not known.name, not known.call_id, not known.arguments
            return any(
                lacks and told for lacks, told in zip(lacking, (item.name, item.call_id, item.arguments), strict=True)
            )
        case Message() as known, Message():
            return (bool(item.content) and not known.content) or any(
                text_of(part) and index not in node.texts for index, part in enumerate(item.content)
            )
        case _:
            return False


def _show(node: _Node) -> HistoryItem:
    item, previous = node.item, node.previous
    if isinstance(item, FunctionCall):
        return ToolCall(
            item_id=node.item_id, previous_item_id=previous, status=node.status, name=item.name,
            call_id=item.call_id, arguments=item.arguments, output=node.output,
        )  # fmt: skip
    if not isinstance(item, Message):
        return OtherItem(item_id=node.item_id, previous_item_id=previous, item=item)
    item_id = node.item_id
    if item.role == "assistant":
        return AssistantMessage(
            item_id=item_id, previous_item_id=previous, status=node.status, content=tuple(_spoken(node))
        )
    if item.role == "system":
        texts = tuple(part for part in _said(node, item) if isinstance(part, InputText))
        return SystemMessage(item_id=item_id, previous_item_id=previous, status=node.status, content=texts)
    return UserMessage(item_id=item_id, previous_item_id=previous, status=node.status, content=tuple(_said(node, item)))


def _said(node: _Node, item: Message) -> Iterator[InputText | InputImage | UserAudio]:
    for index, part in enumerate(item.content):
        if isinstance(part, InputAudio):
            text = node.texts.get(index)
            yield UserAudio(text.read() if text else None)
        elif isinstance(part, InputText | InputImage):
            yield part
        elif isinstance(part, OutputText):
            yield InputText(part.text)
    for index, text in sorted(node.texts.items()):
        if index >= len(item.content):
            yield UserAudio(text.read())


def _spoken(node: _Node) -> Iterator[AssistantText | AssistantAudio]:
    parts = dict(enumerate(node.item.content)) if isinstance(node.item, Message) else {}
    for index in sorted(parts.keys() | node.texts.keys() | node.heard.keys()):
        text = node.texts[index].read() if index in node.texts else ""
        if index in node.written or isinstance(parts.get(index), OutputText):
            yield AssistantText(text)
        elif (heard := node.heard.get(index)) is None:
            yield AssistantAudio(text)
        else:
            at = _word_boundary(text, round(len(text) * heard.share))
            yield AssistantAudio(text, heard.audio_end_ms, text[:at], text[at:])


def _word_boundary(text: str, at: int) -> int:
    """The end of the last whole word before `at`: a word that was cut was not heard."""
    if at >= len(text) or text[at].isspace():
        return at
    return text.rfind(" ", 0, at) + 1 if " " in text[:at] else 0

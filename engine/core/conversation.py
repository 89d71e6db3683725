"""The conversation as the server keeps it: a linked list of items, and what has become of each.

The server tells an item's place once (`previous_item_id` of *added* and *committed*; that of *done* is unreliable)
and nobody else ever decides it. Every step costs the same however long the conversation is: nodes are found by id,
pieces of transcript are kept as they came and joined when somebody reads them, and what an application reads is
built on demand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import attrs

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

ROOT = "root"
MS_PER_CHARACTER = 65
"""How long a character of speech lasts, about: 15 characters a second is ordinary English speech. Used only to
place a cut in the transcript of an item whose audio is not complete, because transcripts run ahead of audio."""

MOST_EARLY = 64
"""How many texts are kept for items that are not known yet."""


@attrs.define
class _Text:
    """Text that grows by pieces and is joined when it is read."""

    pieces: list[str] = attrs.field(factory=list)

    def read(self) -> str:
        if len(self.pieces) > 1:
            self.pieces[:] = ["".join(self.pieces)]
        return self.pieces[0] if self.pieces else ""

    def set(self, text: str) -> None:
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
    texts: dict[int, _Text] = attrs.field(factory=dict)
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
        self._early: dict[tuple[str, int], str] = {}
        """Whole texts of parts whose item is not known yet: some servers tell an item's words before its place."""
        self._tells_places = False
        """Whether this server says where items go. For one that never does, silence means the end, not the start."""

    # --- what the server says

    def add(self, item: Item, previous_item_id: str | None, *, known_place: bool = True) -> bool:
        """An item takes its place. Returns whether it is new."""
        item_id = _id_of(item)
        if item_id in self._nodes:
            return False
        self._tells_places = self._tells_places or previous_item_id is not None
        place = previous_item_id if previous_item_id in self._nodes else None
        if place is None and not (known_place and self._tells_places and previous_item_id in (None, ROOT)):
            place = self._last
        self._link(_Node(item, item_id, None, None), place)
        if isinstance(item, FunctionCall):
            self._calls[item.call_id] = item_id
        if isinstance(item, FunctionCallOutput):
            self._hidden += 1
        self._learn(self._nodes[item_id], item)
        for key in [key for key in self._early if key[0] == item_id]:
            self.say(*key, self._early.pop(key))
        return True

    def complete(self, item: Item) -> bool:
        """The server's final word on an item. Returns whether that is news (servers say it up to three times)."""
        if (node := self._nodes.get(_id_of(item))) is None or (node.item == item and _says(node, item)):
            return False
        node.item, node.shown = item, None
        self._learn(node, item)
        return True

    def grow(self, item_id: str, content_index: int, delta: str, *, spoken: bool) -> None:
        """More text of an item, written or spoken."""
        if node := self._nodes.get(item_id):
            node.shown = None
            if not spoken:
                node.written.add(content_index)
            text = node.texts.get(content_index)
            if text is None:
                text = node.texts[content_index] = _Text()
            text.pieces.append(delta)

    def say(self, item_id: str, content_index: int, text: str) -> bool:
        """The whole text of an item's part, as transcribed. Returns whether the item is known: it may follow."""
        if (node := self._nodes.get(item_id)) is None:
            self._early[item_id, content_index] = text
            if len(self._early) > MOST_EARLY:
                del self._early[next(iter(self._early))]
            return False
        node.shown = None
        node.texts.setdefault(content_index, _Text()).set(text)
        return True

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
        if (node := self._nodes.pop(item_id, None)) is None:
            return None
        if node.previous is None:
            self._first = node.next
        else:
            self._nodes[node.previous].next = node.next
        if node.next is None:
            self._last = node.previous
        else:
            self._nodes[node.next].previous = node.previous
            self._nodes[node.next].shown = None
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

    def _learn(self, node: _Node, item: Item) -> None:
        if not node.heard:
            node.status = _status_of(item, node.status)
        if isinstance(item, Message):
            for index, part in enumerate(item.content):
                if text := text_of(part):
                    node.texts.setdefault(index, _Text()).set(text)


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
    if status in ("in_progress", "completed", "incomplete"):
        return status  # type: ignore[no-any-return]
    return "completed" if isinstance(item, FunctionCallOutput) else before


def text_of(part: Part | None) -> str | None:
    """What a part says, in words; None if it has no words, or if they are not known."""
    match part:
        case OutputText(text=text) | InputText(text=text):
            return text
        case OutputAudio(transcript=transcript) | InputAudio(transcript=transcript):
            return transcript
        case _:
            return None


def _says(node: _Node, item: Item) -> bool:
    """Whether the texts of an item are those that are kept."""
    parts = enumerate(item.content if isinstance(item, Message) else ())
    told = {index: text for index, part in parts if (text := text_of(part))}
    return all(index in node.texts and node.texts[index].read() == text for index, text in told.items())


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
        texts = tuple(part for part in item.content if isinstance(part, InputText))
        return SystemMessage(item_id=item_id, previous_item_id=previous, status=node.status, content=texts)
    return UserMessage(item_id=item_id, previous_item_id=previous, status=node.status, content=tuple(_said(node, item)))


def _said(node: _Node, item: Message) -> Iterator[InputText | InputImage | UserAudio]:
    for index, part in enumerate(item.content):
        if isinstance(part, InputAudio):
            text = node.texts.get(index)
            yield UserAudio(text.read() if text else None)
        elif isinstance(part, InputText | InputImage):
            yield part


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

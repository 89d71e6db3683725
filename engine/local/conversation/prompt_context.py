"""From the conversation's items to what a responder may look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.local.conversation.items import ItemEntry
from engine.local.conversation.replies import Answered, Called, HistoryLine
from engine.wire.items import (
    FunctionCall,
    FunctionCallOutput,
    InputAudio,
    InputImage,
    InputText,
    Message,
    OutputAudio,
    OutputText,
)


def history_of(entries: Iterable[ItemEntry]) -> tuple[HistoryLine | Called | Answered, ...]:
    """The conversation as lines, oldest first. What is neither words nor calls (images, MCP items) is left
    out."""
    return tuple(_lines(entries))


def _lines(entries: Iterable[ItemEntry]) -> Iterator[HistoryLine | Called | Answered]:
    for entry in entries:
        item = entry.item
        if isinstance(item, FunctionCall):
            yield Called(item.call_id, item.name, item.arguments)
        elif isinstance(item, FunctionCallOutput):
            yield Answered(item.call_id, item.output)
        elif isinstance(item, Message):
            yield from _message(item, entry)


def _message(item: Message, entry: ItemEntry) -> Iterator[HistoryLine]:
    typed = " ".join(part.text for part in item.content if isinstance(part, (InputText, OutputText)))
    images = sum(isinstance(part, InputImage) for part in item.content)
    if typed or images:
        yield HistoryLine(item.role, typed or None, images=images)
    if any(isinstance(part, (InputAudio, OutputAudio)) for part in item.content):
        yield HistoryLine(item.role, entry.transcript or None, spoken=True)

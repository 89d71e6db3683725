"""What the user said, in words: it grows, is final once, and may be corrected afterwards.

Most servers send what is new (`delta`), and the whole once (`completed`). Some send the whole each time it has grown,
and the last time as `completed`; some repeat `completed`, or say the words in the item alone. The application sees the
same of all of them: pieces that together are the text, one `transcript_done`, and `history_updated` for every change
after it.
"""

from __future__ import annotations

from engine.core.naming import id_of
from engine.core.state import State
from engine.events import TranscriptDelta, TranscriptDone
from engine.wire.items import InputAudio, Item, Message


def words_grow(s: State, item_id: str, content_index: int, delta: str) -> None:
    """Add to what the user said; it may come before the item. What comes after the end is part of it already."""
    words = s.conversation.words(item_id, content_index)
    if not words.final:
        words.pieces.append(delta)
        _tell_growth(s, item_id, delta)


def words_so_far(s: State, item_id: str, content_index: int, text: str) -> None:
    """Set all that the user has said up to now. What it adds is told; other words change the history."""
    words = s.conversation.words(item_id, content_index)
    before = words.read()
    if words.final or text == before:
        return
    words.retold = True
    words.set(text)
    if text.startswith(before):
        _tell_growth(s, item_id, text[len(before) :])
    else:
        s.history_updated(item_id)


def words_end(s: State, item_id: str, content_index: int, text: str) -> None:
    """Set all that the user said, for the first time or again."""
    words = s.conversation.words(item_id, content_index)
    before, first = words.read(), not words.final
    if not first and text == before:
        return
    words.final = True
    words.set(text)
    s.conversation.close(item_id, "completed")
    if first:
        if words.retold and text != before and text.startswith(before):
            _tell_growth(s, item_id, text[len(before) :])
        s.emit(TranscriptDone, role="user", item_id=item_id, response_id=None, transcript=text)
    s.history_updated(item_id)


def words_in_item(s: State, item: Item) -> None:
    """Take the words of a spoken item that has been said to its end, where the server tells them in the item."""
    if isinstance(item, Message) and item.role == "user" and item.status != "in_progress":
        for index, part in enumerate(item.content):
            if isinstance(part, InputAudio) and part.transcript:
                words_end(s, id_of(item), index, part.transcript)


def _tell_growth(s: State, item_id: str, delta: str) -> None:
    s.emit(TranscriptDelta, role="user", item_id=item_id, response_id=None, delta=delta)

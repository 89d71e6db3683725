"""A response's text as the output guardrails read it, and when they do.

The text of a response is everything it says or writes: each part of each item whole, in the order in which the items
were told, with a line's end between two parts. Growing text is read each time it has grown by `step` characters, and
once more when the response ends, unless the last reading saw all of it. A part that is told again in other words counts
with these, and has grown by all of them; one that is told again in the same words has not grown.
"""

from __future__ import annotations

from collections.abc import Set

SEPARATOR = "\n"
"""What stands between two parts, so that the end of one and the beginning of the other make no word."""


class Debounce:
    """The text of one response, and when it is due."""

    def __init__(self, step: int) -> None:
        """
        Args:
            step: characters of growth between two readings, at least 1.
        """
        self._step = step
        self._items: dict[str, int] = {}
        self._parts: dict[tuple[str, int], list[str]] = {}
        self._unread = 0
        self._read = ""

    def has(self, item_id: str) -> bool:
        """Return whether an item is the response's, as far as has been told."""
        return item_id in self._items

    def begin(self, item_id: str) -> None:
        """Give an item its place, if it has none."""
        self._items.setdefault(item_id, len(self._items))

    def grow(self, item_id: str, content_index: int, delta: str) -> str | None:
        """Add to the text of a part. Returns the whole text if it is due."""
        pieces = self._parts.get((item_id, content_index))
        if pieces is None:
            pieces = self._open(item_id, content_index)
        pieces.append(delta)
        self._unread += len(delta)
        if self._unread < self._step:
            return None
        return self.end()

    def replace(self, item_id: str, content_index: int, text: str) -> str | None:
        """Set all text of a part. Returns the whole text if it is due."""
        before = self.part(item_id, content_index)
        if text == before:
            return None
        self._open(item_id, content_index)[:] = [text]
        self._unread += len(text) - len(before) if text.startswith(before) else len(text)
        return self.end() if self._unread >= self._step else None

    def end(self) -> str | None:
        """Return the whole text, unless there is none or the last reading saw all of it."""
        self._unread = 0
        text = self.text()
        if not text or text == self._read:
            return None
        self._read = text
        return text

    @property
    def parts(self) -> Set[tuple[str, int]]:
        """The parts that have text, by item and index."""
        return self._parts.keys()

    def part(self, item_id: str, content_index: int) -> str:
        """Return the text of one part so far."""
        return _joined(self._parts.get((item_id, content_index), []))

    def text(self) -> str:
        """Everything so far."""
        parts = self._parts
        order = parts if len(parts) < 2 else sorted(parts, key=lambda part: (self._items[part[0]], part[1]))
        return SEPARATOR.join(text for part in order if (text := _joined(parts[part])))

    def _open(self, item_id: str, content_index: int) -> list[str]:
        self.begin(item_id)
        return self._parts.setdefault((item_id, content_index), [])


def _joined(pieces: list[str]) -> str:
    """Join the pieces of a part in place: the next time there is one."""
    if len(pieces) > 1:
        pieces[:] = ["".join(pieces)]
    return pieces[0] if pieces else ""

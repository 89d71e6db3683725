"""When a response's text goes to the output guardrails.

Growing text is checked each time it has grown by `step` characters, and once more when the response ends, unless
the last check has seen all of it. The text of a response is everything it says or writes, over all its items.
"""

from __future__ import annotations


class Debounce:
    """The text of one response, and when it is due."""

    def __init__(self, step: int) -> None:
        """
        Args:
            step: characters of growth between two checks, at least 1.
        """
        self._step = step
        self._pieces: list[str] = []
        self._length = 0
        self._checked = 0

    def grow(self, delta: str) -> str | None:
        """More text. Returns the whole text if a check is due."""
        self._pieces.append(delta)
        self._length += len(delta)
        if self._length - self._checked < self._step:
            return None
        self._checked = self._length
        return self.text()

    def end(self) -> str | None:
        """The response ends. Returns the whole text if no check has seen all of it."""
        if self._length == self._checked:
            return None
        self._checked = self._length
        return self.text()

    def text(self) -> str:
        """Everything so far."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

"""Unseen: what was sent for the model to answer and the server has not confirmed.

A response that begins meanwhile has not read it, unless it was asked for later: what a request comes after is said by
one number, however much that is.
"""

from __future__ import annotations

MOST_UNSEEN = 256
"""How many ids are remembered; beyond it the oldest count as read, where a server confirms nothing."""


class Unseen:
    """Ids of messages, and of the last calls of their responses, in the order in which they were sent."""

    def __init__(self) -> None:
        self.count = 0
        """How many there have been: what has been sent so far comes before this number."""
        self._numbers: dict[str, int] = {}

    def add(self, sent_id: str) -> None:
        """Note that something was sent."""
        self._numbers.pop(sent_id, None)
        self._numbers[sent_id] = self.count
        self.count += 1
        if len(self._numbers) > MOST_UNSEEN:
            del self._numbers[next(iter(self._numbers))]

    def discard(self, *sent_ids: str) -> None:
        """Note that the server has confirmed these, or that nobody is to answer them."""
        for sent_id in sent_ids:
            self._numbers.pop(sent_id, None)

    def read_before(self, number: int) -> None:
        """Note that a response has read what was sent before a number."""
        self._numbers = {sent_id: sent for sent_id, sent in self._numbers.items() if sent >= number}

    def any_since(self, number: int) -> bool:
        """Return whether anything is unseen that was not sent before a number."""
        return any(sent >= number for sent in reversed(self._numbers.values()))

    def __bool__(self) -> bool:
        return bool(self._numbers)

"""A queue that serves its clients in rotation, one thing of each at a time."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Rotation(Generic[_T]):
    """What clients wait for. However much one of them asks for, another's next is served after one thing of each."""

    def __init__(self) -> None:
        self._waiting: dict[int, deque[_T]] = {}
        """By client, in the order in which they are served next."""

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def put(self, client: int, thing: _T) -> None:
        """Add a thing behind the others of its client."""
        self._waiting.setdefault(client, deque()).append(thing)

    def take(self) -> _T:
        """Return the next thing, and send its client to the end. Raises IndexError if there is none."""
        if not self._waiting:
            raise IndexError("nobody waits")
        client = next(iter(self._waiting))
        things = self._waiting.pop(client)
        thing = things.popleft()
        if things:
            self._waiting[client] = things
        return thing

    def drop(self, client: int, thing: _T) -> None:
        """Take a thing out that is not wanted any more, if it is still there."""
        things = self._waiting.get(client)
        if things is not None and thing in things:
            things.remove(thing)
            if not things:
                del self._waiting[client]

"""Weights: how many bytes of content an event holds, for queues that are bounded by bytes.

What is counted is what somebody else decides the size of: audio, text, images, payloads. The rest of an event is small,
and bounded by the number of events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar, cast

import msgspec

from engine.events import (
    Error,
    RawModelEvent,
    RealtimeSessionEvent,
    ToolEnd,
    ToolStart,
    TranscriptDone,
)
from engine.wire.client_events import ClientEvent, ConversationItemCreate, RawClientEvent, ResponseCreate, SessionUpdate

E = TypeVar("E", bound=RealtimeSessionEvent)

_DEEPEST = 32
"""Levels of a payload that are counted."""


def size_of(value: object, levels: int = _DEEPEST) -> int:
    """Return how many characters and bytes a value holds, in all that it consists of."""
    if isinstance(value, str | bytes):
        return len(value)
    if levels == 0:
        return 0
    if isinstance(value, Mapping):
        return sum(size_of(key) + size_of(each, levels - 1) for key, each in value.items())
    if isinstance(value, Sequence):
        return sum(size_of(each, levels - 1) for each in value)
    if isinstance(value, msgspec.Struct):
        return sum(size_of(getattr(value, name), levels - 1) for name in value.__struct_fields__)
    return 0


def client_event_weight(event: ClientEvent) -> int:
    """Return the bytes of content in a client event that the application, or a tool of its, made."""
    return size_of(event) if isinstance(event, _WRITTEN_BY_THE_APPLICATION) else 0


_WRITTEN_BY_THE_APPLICATION = (ConversationItemCreate, RawClientEvent, ResponseCreate, SessionUpdate)


def _weight(kind: type[E], weight: Callable[[E], int]) -> tuple[type, Callable[[RealtimeSessionEvent], int]]:
    return kind, cast("Callable[[RealtimeSessionEvent], int]", weight)


EVENT_WEIGHTS: Final[Mapping[type, Callable[[RealtimeSessionEvent], int]]] = dict(
    [
        _weight(TranscriptDone, lambda event: len(event.transcript)),
        _weight(ToolStart, lambda event: len(event.arguments)),
        _weight(ToolEnd, lambda event: len(event.arguments) + len(event.output)),
        _weight(RawModelEvent, lambda event: size_of(event.data)),
        _weight(Error, lambda event: size_of(event.error.args)),
    ]
)
"""Of events for the application, by class. What deltas become is weighed where it is queued; items of the history are
the history's, which holds them anyway."""

"""An application's event as plain data: what a recording keeps of it, and what a replay compares."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import attrs

from engine.events import RealtimeSessionEvent
from engine.secret.value import Secret
from engine.wire.struct import UnsetType

NOT_COMPARED = frozenset({"turn_metrics"})
"""Events that say how long things took, which is never the same twice."""
_LEFT_OUT = frozenset({"context", "at_ns", "tool", "history", "record", "turn", "metrics", "guardrail"})


def event_data(event: RealtimeSessionEvent) -> dict[str, object]:
    """The type and the fields of an event; sound as its length and a digest, agents by name."""
    return {"type": event.type, **_fields(event)}


def _fields(value: Any) -> dict[str, object]:
    fields = attrs.fields(type(value))
    return {each.name: _plain(getattr(value, each.name)) for each in fields if each.name not in _LEFT_OUT}


def _plain(value: object) -> object:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case UnsetType():
            return None
        case bytes():
            return {"bytes": len(value), "sha256": sha256(value).hexdigest()[:16]}
        case Mapping():
            return {str(name): _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case Secret():
            return value.shown()
        case Exception():
            return {"error": type(value).__name__, "message": str(value)}
        case _ if (name := getattr(value, "name", None)) is not None and hasattr(value, "instructions"):
            return name if isinstance(name, str) else str(name)
        case _ if attrs.has(type(value)):
            return {"type": getattr(value, "type", type(value).__name__), **_fields(value)}
        case _:
            return type(value).__name__

"""A call's events as JSON objects, one to a line: what ``--json`` prints and ``events.jsonl`` holds.

Every object has ``type``, ``at_ns`` (the session's monotonic clock) and ``t`` (seconds since the call began), then the
event's own fields. Agents and tools are their names. Audio is a number of bytes and milliseconds: the sound itself is
in the WAV file. The application's context and the history's view are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from engine.agents.agent import RealtimeAgent
from engine.agents.guardrail import OutputGuardrail
from engine.caller.call_events import CallEvent
from engine.errors import EngineError
from engine.events import Audio, HistoryUpdated, RawModelEvent
from engine.outside.json_line import json_line
from engine.wire.converter import converter
from engine.wire.formats import PCM16, AudioFormat
from engine.wire.server_events import MalformedEvent, ServerEvent, UnknownEvent
from engine.wire.struct import UNSET
from engine.wire.units import NS_PER_S

_LEFT_OUT = frozenset({"context", "at_ns", "tool"})


def event_line(event: CallEvent, *, began_ns: int = 0, audio_format: AudioFormat = PCM16) -> bytes:
    """The event as one line of JSON, with its line break, safe to look at on a terminal."""
    return json_line(event_object(event, began_ns=began_ns, audio_format=audio_format)) + b"\n"


def event_object(event: CallEvent, *, began_ns: int = 0, audio_format: AudioFormat = PCM16) -> dict[str, object]:
    """The event as a JSON object."""
    head = {"type": event.type, "t": round((event.at_ns - began_ns) / NS_PER_S, 6), "at_ns": event.at_ns}
    return head | _own_fields(event, audio_format)


def _own_fields(event: CallEvent, audio_format: AudioFormat) -> dict[str, object]:
    fields = {field.name: getattr(event, field.name) for field in attrs.fields(type(event))}
    left_out = set(_LEFT_OUT)
    if isinstance(event, Audio):
        fields |= {"bytes": len(event.data), "ms": audio_format.ms_of(len(event.data))}
        left_out.add("data")
    if isinstance(event, HistoryUpdated):
        left_out.add("history")
    if isinstance(event, RawModelEvent):
        return {"data": _raw(event.data)}
    return {name: _plain(value) for name, value in fields.items() if name not in left_out}


def _raw(event: ServerEvent) -> object:
    """A wire event as it came, or as it would be written."""
    if isinstance(event, MalformedEvent):
        return event.raw if isinstance(event.raw, str) else event.raw.decode(errors="replace")
    return event.raw if isinstance(event, UnknownEvent) else converter.unstructure(event)


def _plain(value: Any) -> object:
    if isinstance(value, EngineError):
        return {"type": type(value).__name__, "message": str(value)}
    if isinstance(value, RealtimeAgent | OutputGuardrail):
        return value.name
    if attrs.has(type(value)):
        tag = getattr(type(value), "type", None)
        named = {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}
        role = getattr(type(value), "role", None)
        head = {key: each for key, each in (("type", tag), ("role", role)) if isinstance(each, str)}
        return head | {name: _plain(each) for name, each in named.items() if each is not UNSET}
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value

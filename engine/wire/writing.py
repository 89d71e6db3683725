"""Hooks that make JSON values of wire classes.

`UNSET` is left out, and so is None except where the service writes null. Keys stand in the order of the service.
"""

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pybase64
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override

from engine.wire import items, response, server_conversation, server_session
from engine.wire.annotations import tag_of
from engine.wire.beta import PART_NAMES
from engine.wire.extra import with_extra
from engine.wire.struct import UNSET

Writer = Callable[[Any], Any]

_NULL_WHEN_NONE: Mapping[type, frozenset[str]] = {
    server_conversation.ConversationItemAdded: frozenset({"previous_item_id"}),
    server_conversation.ConversationItemDone: frozenset({"previous_item_id"}),
    server_conversation.InputAudioBufferCommitted: frozenset({"previous_item_id"}),
    server_conversation.TranscriptionError: frozenset({"code", "param"}),
    server_session.ErrorDetail: frozenset({"code", "param", "event_id"}),
    response.ResponseError: frozenset({"code"}),
    response.Response: frozenset({"status_details", "conversation_id", "usage", "metadata"}),
}
"""Fields that the service writes as null; every other None is left out."""


def object_writer(cls: Any, converter: Converter) -> Writer:
    """Writes `type`, then the fields in the order of the class, then what stands beside them."""
    besides: tuple[str, ...] = getattr(cls, "beside", ())
    apart: dict[str, Any] = dict.fromkeys(besides, override(omit=True))
    write = make_dict_unstructure_fn(cls, converter, **apart)
    tag = tag_of(cls)
    head = {} if tag is None else {"type": tag}
    keeps_null = _NULL_WHEN_NONE.get(cls, frozenset())
    left_out: dict[str, object] = {
        field.name: field.default
        for field in attrs.fields(cls)
        if (field.default is None and field.name not in keeps_null)
        or (field.name == "event_id" and field.default == "")
    }

    def write_object(value: Any) -> dict[str, object]:
        written: dict[str, object] = dict(head)
        for name, each in write(value).items():
            if each is UNSET or (name in left_out and each == left_out[name]):
                continue
            written[name] = each
        for name in besides:
            if extra := getattr(value, name):
                written = with_extra(written, extra)
        return written

    return write_object


def item_writer(cls: Any, converter: Converter) -> Writer:
    """Writes items: id, type and status come first."""
    write = object_writer(cls, converter)

    def write_item(value: Any) -> dict[str, object]:
        written: dict[str, object] = write(value)
        return {name: written[name] for name in ("id", "type", "status") if name in written} | written

    return write_item


def part_event_writer(cls: Any, converter: Converter) -> Writer:
    """Writes events about content parts, which call the types of their parts by the short names of the beta."""
    write = object_writer(cls, converter)
    short_names = {name: beta for beta, name in PART_NAMES.items()}

    def write_event(value: Any) -> dict[str, object]:
        written: dict[str, object] = write(value)
        part = written.get("part")
        if isinstance(part, dict) and part["type"] in short_names:
            written["part"] = {**part, "type": short_names[part["type"]]}
        return written

    return write_event


def write_input_audio(part: items.InputAudio) -> dict[str, object]:
    """A part without audio is one that the server tells of: it says null for a transcript that it does not know yet."""
    written: dict[str, object] = {"type": part.type}
    if part.audio is not None:
        written["audio"] = part.audio
    if part.audio is None or part.transcript is not None:
        written["transcript"] = part.transcript
    return written


def response_writer(cls: Any, converter: Converter) -> Writer:
    """Writes responses, which name what they are."""
    write = object_writer(cls, converter)
    return lambda value: {"object": "realtime.response", **write(value)}


def write_bytes(value: bytes) -> str:
    return pybase64.b64encode(value).decode("ascii")


def write_any(value: Any) -> Any:
    return value

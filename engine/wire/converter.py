"""The one cattrs converter between JSON values (dicts, lists, strings, numbers) and the wire classes.

Reading is strict about JSON types (nothing is coerced) and lenient about what compatible servers leave out. Objects
are told apart by their `type`; an object of a type that we do not know becomes the Unknown class of its place, raw. A
setting that does not fit its class stays raw too, because an odd setting in an echo must not cost the event; an item
that does not fit is an error. Writing leaves out `UNSET`, and None except where the service writes null.
"""

from collections.abc import Callable, Mapping
from typing import Any, get_args

import attrs
import pybase64
from cattrs import BaseValidationError, Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn

from engine.wire import items, response, server_conversation, server_response, server_session, session
from engine.wire.annotations import (
    hints,
    is_list,
    is_map,
    is_nullable,
    is_omissible,
    is_raw,
    json_name,
    members,
    tag_of,
)
from engine.wire.beta import PART_NAMES, SESSION_KEYS
from engine.wire.formats import AudioFormat, format_object, parse_format
from engine.wire.server_base import ServerEventBase
from engine.wire.unset import UNSET, Unset

Hook = Callable[[Any, Any], Any]

_WHEN_ABSENT: Mapping[str, object] = {
    "content_index": 0,
    "output_index": 0,
    "audio_start_ms": 0,
    "content": [],
    "text": "",
    "transcript": "",
}
"""Required fields that servers leave out when they are zero or empty, and what they mean then."""

_ITEMS = (
    items.Message,
    items.FunctionCall,
    items.FunctionCallOutput,
    items.McpListTools,
    items.McpCall,
    items.McpApprovalRequest,
    items.McpApprovalResponse,
)
_USAGE = (
    response.Usage,
    response.InputTokenDetails,
    response.OutputTokenDetails,
    response.CachedTokensDetails,
    server_conversation.TranscriptionTokens,
    server_conversation.TranscriptionTokenDetails,
)
_PART_EVENTS = (server_response.ResponseContentPartAdded, server_response.ResponseContentPartDone)

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


_EXACT_FLOATS = 2**53
"""Up to here, a whole number that a server writes as a decimal is what it meant."""


def _misfit(expected: str, value: object) -> TypeError:
    return TypeError(f"expected {expected}, got {json_name(value)}")


# ------------------------------------------------------------------------------------------------ reading scalars
def _read_str(value: object, _: object) -> str:
    if type(value) is not str:
        raise _misfit("a string", value)
    return value


def _read_int(value: object, _: object) -> int:
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer() and abs(value) <= _EXACT_FLOATS:
        return int(value)
    raise _misfit("an integer", value)


def _read_float(value: object, _: object) -> float:
    if type(value) is float or type(value) is int:
        return value
    raise _misfit("a number", value)


def _read_bool(value: object, _: object) -> bool:
    if type(value) is not bool:
        raise _misfit("a boolean", value)
    return value


def _read_bytes(value: object, _: object) -> bytes:
    return pybase64.b64decode(_read_str(value, _), validate=True)


def _read_any(value: Any, _: object) -> Any:
    return value


# ------------------------------------------------------------------------------------------------ reading containers
def _is_choice(annotation: object) -> bool:
    return len(members(annotation)) > 1


def _list_reader(annotation: Any, converter: Converter) -> Hook:
    entry = get_args(annotation)[0]
    read = converter.get_structure_hook(entry)

    def read_list(value: object, _: object) -> tuple[Any, ...]:
        if type(value) is list:
            return tuple([read(each, entry) for each in value])
        if type(value) is tuple:
            return tuple([read(each, entry) for each in value])
        raise _misfit("an array", value)

    return read_list


def _map_reader(annotation: Any, converter: Converter) -> Hook:
    _, value_type = get_args(annotation)
    read = converter.get_structure_hook(value_type)

    def read_map(value: object, _: object) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise _misfit("an object", value)
        if value_type is object:
            return value
        return {key: read(each, value_type) for key, each in value.items()}

    return read_map


class _Choice:
    """Reads a field of several alternatives: picks one by the JSON type of the value, and objects by their `type`."""

    def __init__(self, annotation: object, converter: Converter) -> None:
        alternatives = [member.type for member in members(annotation)]
        self._nullable = type(None) in alternatives
        self._omissible = Unset in alternatives
        self._tagged = {tag: self._reader(kind, converter) for kind in alternatives if (tag := tag_of(kind))}
        for beta, name in PART_NAMES.items():
            if name in self._tagged:
                self._tagged[beta] = self._tagged[name]
        self._raw: Any = next((kind for kind in alternatives if is_raw(kind)), None)
        self._by_json_type: dict[type, Callable[[Any], Any]] = {}
        for kind in alternatives:
            for json_type in _json_types_of(kind):
                self._by_json_type.setdefault(json_type, self._reader(kind, converter))
        names = [tag for tag in self._tagged if tag not in PART_NAMES]
        self._expected = f"one of the types {', '.join(names)}" if names else "another type"

    @staticmethod
    def _reader(kind: Any, converter: Converter) -> Callable[[Any], Any]:
        hook = converter.get_structure_hook(kind)
        return lambda value: hook(value, kind)

    def __call__(self, value: Any, _: object) -> Any:
        if value is None and self._nullable:
            return None
        if value is UNSET and self._omissible:
            return value
        read = self._pick(value)
        if read is None:
            if self._raw is not None and self._accepts_raw(value):
                return self._raw(value)
            raise _misfit(self._expected, value)
        if self._raw is not session.UnknownSetting:
            return read(value)
        try:
            return read(value)
        except (BaseValidationError, TypeError, ValueError):
            return session.UnknownSetting(value)

    def _pick(self, value: Any) -> Callable[[Any], Any] | None:
        if type(value) is dict and self._tagged:
            tag = value.get("type")
            if type(tag) is str and tag in self._tagged:
                return self._tagged[tag]
        return self._by_json_type.get(type(value))

    def _accepts_raw(self, value: object) -> bool:
        return self._raw is session.UnknownSetting or (type(value) is dict and type(value.get("type")) is str)


def _json_types_of(kind: Any) -> tuple[type, ...]:
    """The JSON types that stand for an alternative which is not told by its tag."""
    if kind is AudioFormat:
        return (dict, str)
    if kind is session.Session:
        return (dict,)  # beta servers do not say which kind of session it is: there was only one
    if kind in (str, bool):
        return (kind,)
    if kind is int or kind is float:
        return (int, float)
    if kind is object or is_raw(kind) or tag_of(kind):
        return ()
    if is_list(kind):
        return (list, tuple)
    if is_map(kind) or attrs.has(kind):
        return (dict,)
    return ()


# ------------------------------------------------------------------------------------------------ reading objects
def _object_reader(cls: Any, converter: Converter) -> Hook:
    read = make_dict_structure_fn(cls, converter)
    when_absent = _fill_of(cls)
    prepare = _PREPARE.get(cls)

    def read_object(value: Any, _: object) -> Any:
        if type(value) is not dict:
            raise _misfit("an object", value)
        missing = {name: default for name, default in when_absent.items() if value.get(name) is None}
        if missing:
            value = {**value, **missing}
        if prepare is not None:
            value = prepare(value)
        return read(value, cls)

    return read_object


def _fill_of(cls: type) -> dict[str, object]:
    fill: dict[str, object] = {}
    for field in attrs.fields(cls):
        if field.default is not attrs.NOTHING:
            continue
        annotation = hints(cls)[field.name]
        if is_omissible(annotation):
            fill[field.name] = UNSET
        elif is_nullable(annotation):
            fill[field.name] = None
        elif field.name in _WHEN_ABSENT:
            fill[field.name] = _WHEN_ABSENT[field.name]
    if cls in (items.FunctionCall, items.McpCall):
        fill["arguments"] = ""
    return fill


def _without_nulls(value: dict[str, object]) -> dict[str, object]:
    """Numbers that a server does not know are left out or null: both are the default."""
    return {key: each for key, each in value.items() if each is not None}


def _prepare_response(value: dict[str, object]) -> dict[str, object]:
    """Compatible servers: a status in words where an object belongs, null for an empty output."""
    details = value.get("status_details")
    if isinstance(details, str):
        value = {**value, "status_details": {"reason": details}}
    return value if value.get("output") is not None else {**value, "output": []}


def _prepare_session(value: dict[str, object]) -> dict[str, object]:
    """Flat keys of the beta session, moved to where the GA has them. What the GA form says already stays."""
    flat = [key for key in value if key in SESSION_KEYS]
    if not flat:
        return value
    nested = {key: each for key, each in value.items() if key not in SESSION_KEYS}
    for key in flat:
        *path, last = SESSION_KEYS[key]
        place = nested
        for name in path:
            inner = place.get(name)
            place[name] = place = dict(inner) if isinstance(inner, dict) else {}
        place.setdefault(last, value[key])
    return nested


_PREPARE: Mapping[type, Callable[[dict[str, object]], dict[str, object]]] = {
    response.Response: _prepare_response,
    session.Session: _prepare_session,
    session.TranscriptionSession: _prepare_session,
    **dict.fromkeys(_USAGE, _without_nulls),
}


def _read_format(value: object, _: object) -> AudioFormat:
    return parse_format(value)


def _raw_reader(cls: Any) -> Hook:
    return lambda value, _: cls(value)


# ------------------------------------------------------------------------------------------------ writing
def _object_writer(cls: Any, converter: Converter) -> Callable[[Any], Any]:
    write = make_dict_unstructure_fn(cls, converter)
    tag = tag_of(cls)
    head = {} if tag is None else {"type": tag}
    keeps_null = _NULL_WHEN_NONE.get(cls, frozenset())
    left_out: dict[str, object] = {
        field.name: None for field in attrs.fields(cls) if field.default is None and field.name not in keeps_null
    }
    if issubclass(cls, ServerEventBase):
        left_out["event_id"] = ""

    def write_object(value: Any) -> dict[str, object]:
        written: dict[str, object] = dict(head)
        for name, each in write(value).items():
            if each is UNSET or (name in left_out and each == left_out[name]):
                continue
            written[name] = each
        return written

    return write_object


def _item_writer(cls: Any, converter: Converter) -> Callable[[Any], Any]:
    write = _object_writer(cls, converter)

    def write_item(value: Any) -> dict[str, object]:
        written: dict[str, object] = write(value)
        return {name: written[name] for name in ("id", "type", "status") if name in written} | written

    return write_item


def _part_event_writer(cls: Any, converter: Converter) -> Callable[[Any], Any]:
    write = _object_writer(cls, converter)
    short_names = {name: beta for beta, name in PART_NAMES.items()}

    def write_event(value: Any) -> dict[str, object]:
        written: dict[str, object] = write(value)
        part = written.get("part")
        if isinstance(part, dict) and part["type"] in short_names:
            written["part"] = {**part, "type": short_names[part["type"]]}
        return written

    return write_event


def _write_input_audio(part: items.InputAudio) -> dict[str, object]:
    """A part without audio is one that the server tells of: it says null for a transcript that it does not know yet."""
    written: dict[str, object] = {"type": part.type}
    if part.audio is not None:
        written["audio"] = part.audio
    if part.audio is None or part.transcript is not None:
        written["transcript"] = part.transcript
    return written


def _response_writer(cls: Any, converter: Converter) -> Callable[[Any], Any]:
    write = _object_writer(cls, converter)
    return lambda value: {"object": "realtime.response", **write(value)}


def _write_bytes(value: bytes) -> str:
    return pybase64.b64encode(value).decode("ascii")


def _write_any(value: Any) -> Any:
    return value


# ------------------------------------------------------------------------------------------------ assembly
def _is(*classes: type) -> Callable[[Any], bool]:
    return lambda cls: cls in classes


def _build() -> Converter:
    built = Converter(detailed_validation=True)
    built.register_structure_hook_factory(attrs.has, _object_reader)
    built.register_structure_hook_factory(is_list, _list_reader)
    built.register_structure_hook_factory(is_map, _map_reader)
    built.register_structure_hook_factory(_is_choice, _Choice)
    built.register_structure_hook_factory(is_raw, _raw_reader)
    for kind, hook in ((str, _read_str), (int, _read_int), (float, _read_float), (bool, _read_bool)):
        built.register_structure_hook(kind, hook)
    built.register_structure_hook(bytes, _read_bytes)
    built.register_structure_hook_func(lambda kind: kind is object, _read_any)
    built.register_structure_hook(AudioFormat, _read_format)

    built.register_unstructure_hook_factory(attrs.has, _object_writer)
    built.register_unstructure_hook_factory(_is(*_ITEMS), _item_writer)
    built.register_unstructure_hook_factory(_is(*_PART_EVENTS), _part_event_writer)
    built.register_unstructure_hook_factory(_is(response.Response), _response_writer)
    built.register_unstructure_hook(items.InputAudio, _write_input_audio)
    built.register_unstructure_hook(AudioFormat, format_object)
    built.register_unstructure_hook(bytes, _write_bytes)
    built.register_unstructure_hook(Unset, _write_any)
    built.register_unstructure_hook_func(is_raw, lambda value: value.raw)
    built.register_unstructure_hook_func(is_map, _write_any)
    built.register_unstructure_hook(dict, _write_any)
    return built


converter: Converter = _build()

"""Hooks that make wire classes of JSON values.

Strict about JSON types (nothing is coerced) and lenient about what compatible servers leave out. Objects are told
apart by their `type`; an object of a type that we do not know becomes the Unknown class of its place, raw. A setting
that does not fit its class stays raw too, because an odd setting in an echo must not cost the event; an item that does
not fit is an error. What does not fit raises TypeError or ValueError, with the JSON types in its words. What a client
sends and an application configures goes through `engine.wire.check` first, which says where the first mistake is.
"""

from collections.abc import Callable, Mapping
from typing import Any, get_args

import attrs
import orjson
import pybase64
from cattrs import BaseValidationError, Converter
from cattrs.gen import make_dict_structure_fn, override

from engine._messages import json_type
from engine.secret.value import Secret, SecretUrl
from engine.wire import items, response, server_conversation, server_response, session
from engine.wire.annotations import (
    hints,
    is_list,
    is_map,
    is_nullable,
    is_omissible,
    is_raw,
    members,
    tag_of,
)
from engine.wire.beta import PART_NAMES, SESSION_KEYS
from engine.wire.formats import AudioFormat, parse_format
from engine.wire.struct import UNSET, UnsetType

Hook = Callable[[Any, Any], Any]

_WHEN_ABSENT: Mapping[str, object] = {
    "content_index": 0,
    "output_index": 0,
    "audio_start_ms": 0,
    "audio_end_ms": 0,
    "content": [],
    "text": "",
    "transcript": "",
    "response_id": "",
    "item_id": "",
    "call_id": "",
}
"""Required fields that servers leave out when they are zero, empty or nothing to them, and what they mean then."""

_UNNAMED = {"item_id": ""}
_CALL = {"name": "", "call_id": "", "arguments": ""}
_ABSENT_IN: Mapping[type, Mapping[str, object]] = {
    # Of a call, each event may tell what no other does.
    items.FunctionCall: _CALL,
    server_response.ResponseFunctionCallArgumentsDelta: {"call_id": ""},
    server_response.ResponseFunctionCallArgumentsDone: {"call_id": "", "arguments": ""},
    items.McpCall: {"arguments": ""},
    items.FunctionCallOutput: {"output": ""},
    # That the user speaks, and stops, counts also where the item that this becomes is not named.
    server_conversation.InputAudioBufferCommitted: _UNNAMED,
    server_conversation.InputAudioBufferSpeechStarted: _UNNAMED,
    server_conversation.InputAudioBufferSpeechStopped: _UNNAMED,
    server_conversation.InputAudioBufferTimeoutTriggered: _UNNAMED,
    server_conversation.ConversationItemInputAudioTranscriptionFailed: {"error": {}},
}
"""The same for fields that have such a meaning in some classes only."""

_USAGE = (
    response.Usage,
    response.InputTokenDetails,
    response.OutputTokenDetails,
    response.CachedTokensDetails,
    server_conversation.TranscriptionTokens,
    server_conversation.TranscriptionTokenDetails,
)

_EXACT_FLOATS = 2**53
"""Up to here, a whole number that a server writes as a decimal is what it meant."""


def _misfit(expected: str, value: object) -> TypeError:
    return TypeError(f"expected {expected}, got {json_type(value)}")


# ------------------------------------------------------------------------------------------------ reading scalars
def read_str(value: object, _: object) -> str:
    if type(value) is not str:
        raise _misfit("a string", value)
    return value


def read_int(value: object, _: object) -> int:
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer() and abs(value) <= _EXACT_FLOATS:
        return int(value)
    raise _misfit("an integer", value)


def read_float(value: object, _: object) -> float:
    if type(value) is float or type(value) is int:
        return value
    raise _misfit("a number", value)


def read_bool(value: object, _: object) -> bool:
    if type(value) is not bool:
        raise _misfit("a boolean", value)
    return value


def read_bytes(value: object, _: object) -> bytes:
    return pybase64.b64decode(read_str(value, _), validate=True)


def read_any(value: Any, _: object) -> Any:
    return value


# ------------------------------------------------------------------------------------------------ reading containers
def is_choice(annotation: object) -> bool:
    """Whether a field has more than one alternative."""
    return len(members(annotation)) > 1


def list_reader(annotation: Any, converter: Converter) -> Hook:
    """Reads arrays as tuples."""
    entry = get_args(annotation)[0]
    read = converter.get_structure_hook(entry)

    def read_list(value: object, _: object) -> tuple[Any, ...]:
        if type(value) is list:
            return tuple([read(each, entry) for each in value])
        if type(value) is tuple:
            return tuple([read(each, entry) for each in value])
        raise _misfit("an array", value)

    return read_list


def map_reader(annotation: Any, converter: Converter) -> Hook:
    """Reads objects that have no class; their values are checked if their type is known."""
    _, value_type = get_args(annotation)
    read = converter.get_structure_hook(value_type)

    def read_map(value: object, _: object) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise _misfit("an object", value)
        if value_type is object:
            return value
        return {key: read(each, value_type) for key, each in value.items()}

    return read_map


class AlternativesReader:
    """Reads a field of several alternatives: picks one by the JSON type of the value, and objects by their `type`."""

    def __init__(self, annotation: object, converter: Converter) -> None:
        alternatives = [member.type for member in members(annotation)]
        self._nullable = type(None) in alternatives
        self._omissible = UnsetType in alternatives
        self._tagged = {tag: self._reader(kind, converter) for kind in alternatives if (tag := tag_of(kind))}
        for beta, name in PART_NAMES.items():
            if name in self._tagged:
                self._tagged[beta] = self._tagged[name]
        self._raw: Any = next((kind for kind in alternatives if is_raw(kind)), None)
        self._by_json_type: dict[type, Callable[[Any], Any]] = {}
        for kind in alternatives:
            for each in _json_types_of(kind):
                self._by_json_type.setdefault(each, self._reader(kind, converter))
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
    if kind in (str, bool, Secret, SecretUrl):
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
def object_reader(cls: Any, converter: Converter) -> Hook:
    """Reads objects of a class. Keys that the class does not have are ignored."""
    unread: dict[str, Any] = dict.fromkeys(getattr(cls, "beside", ()), override(omit=True))
    read = make_dict_structure_fn(cls, converter, **unread)
    when_absent = tuple(_fill_of(cls).items())
    prepare = _PREPARE.get(cls)

    def read_object(value: Any, _: object) -> Any:
        if type(value) is not dict:
            raise _misfit("an object", value)
        for name, default in when_absent:
            if value.get(name) is None:
                value = {**value, name: default}
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
    return {**fill, **_ABSENT_IN.get(cls, {})}


def _without_nulls(value: dict[str, object]) -> dict[str, object]:
    """Numbers that a server does not know are left out or null: both are the default."""
    return {key: each for key, each in value.items() if each is not None}


def _prepare_response(value: dict[str, object]) -> dict[str, object]:
    """Compatible servers: a status in words where an object belongs, null for an empty output or for no id."""
    details = value.get("status_details")
    if isinstance(details, str):
        value = {**value, "status_details": {"reason": details}}
    if value.get("id", "") is None:
        value = {**value, "id": ""}
    return value if value.get("output") is not None else {**value, "output": []}


def _prepare_response_done(value: dict[str, object]) -> dict[str, object]:
    """Put what the response cost into it, where that stands beside it."""
    told = value.get("response")
    if isinstance(told, dict) and not told.get("usage") and isinstance(value.get("usage"), dict):
        return {**value, "response": {**told, "usage": value["usage"]}}
    return value


def _prepare_output_item(value: dict[str, object]) -> dict[str, object]:
    """Make a message of a response the assistant's, also where it does not say so."""
    item = value.get("item")
    if isinstance(item, dict) and item.get("type") == items.Message.type and item.get("role") is None:
        return {**value, "item": {**item, "role": "assistant"}}
    return value


def _prepare_call(value: dict[str, object]) -> dict[str, object]:
    """Arguments that come as the object itself, instead of its JSON text."""
    arguments = value.get("arguments")
    return {**value, "arguments": orjson.dumps(arguments).decode()} if isinstance(arguments, dict) else value


_INPUT_RATE = "input_audio_sampling_rate"
"""Azure Voice Live names the rate of the user's audio beside its format."""


def _prepare_session(value: dict[str, object]) -> dict[str, object]:
    """Flat keys of the beta session, moved to where the GA has them. What the GA form says already stays."""
    flat = [key for key in value if key in SESSION_KEYS]
    if not flat:
        return value
    if value.get("input_audio_format") == "pcm16" and type(rate := value.get(_INPUT_RATE)) is int:
        value = {**value, "input_audio_format": {"type": "audio/pcm", "rate": rate}}
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
    server_response.ResponseDone: _prepare_response_done,
    server_response.ResponseOutputItemAdded: _prepare_output_item,
    server_response.ResponseOutputItemDone: _prepare_output_item,
    server_response.ResponseFunctionCallArgumentsDone: _prepare_call,
    items.FunctionCall: _prepare_call,
    session.Session: _prepare_session,
    session.TranscriptionSession: _prepare_session,
    **dict.fromkeys(_USAGE, _without_nulls),
}


def read_format(value: object, _: object) -> AudioFormat:
    return parse_format(value)


def raw_reader(cls: Any) -> Hook:
    """Keeps what came, in one of the Unknown classes."""
    return lambda value, _: cls(value)

"""Finds the first thing that is wrong with a JSON value, given the class that it is meant for.

The classes' annotations and their markers (`engine.wire.constraints`) are the rules. Two callers put a `Problem` into
words: the embedded server as the API's error, the settings as an error for the application. Nothing is made of the
value: that is for `engine.wire.reading`, which forgives what servers leave out.
"""

import enum
import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, get_args

import attrs
import pybase64

from engine._messages import KeyPath, quote
from engine.secret.value import Secret, SecretUrl
from engine.wire import items
from engine.wire.annotations import (
    Member,
    hints,
    is_list,
    is_map,
    is_nullable,
    is_omissible,
    is_raw,
    members,
    tag_of,
)
from engine.wire.constraints import MapLimits, MaxLength, OneOf, Only, Range, ServerOnly
from engine.wire.formats import PCM16, AudioFormat


class ProblemKind(enum.Enum):
    """What can be wrong."""

    UNKNOWN_KEY = enum.auto()
    MISSING = enum.auto()
    TYPE = enum.auto()
    VALUE = enum.auto()
    COMBINATION = enum.auto()
    BELOW = enum.auto()
    ABOVE = enum.auto()
    TOO_LONG = enum.auto()
    TOO_MANY = enum.auto()
    BASE64 = enum.auto()


@attrs.frozen
class Problem:
    """`path` leads to the culprit, `value` is what stands there (None where it is missing).

    `known` lists the valid keys (UNKNOWN_KEY), values (VALUE) or single entries (COMBINATION); `expected` describes
    what would be right (TYPE, and VALUE where there are alternatives); `limit` is the bound that is broken (BELOW,
    ABOVE, TOO_LONG, TOO_MANY). `secret` says that a `Secret` belongs there: nothing of `value` may be shown.
    """

    kind: ProblemKind
    path: KeyPath
    value: object = None
    known: tuple[str, ...] = ()
    expected: str = ""
    limit: float = 0
    secret: bool = False


def find_problem(value: object, annotation: object, path: KeyPath = ()) -> Problem | None:
    """The first problem of `value`, or None if `annotation` accepts it."""
    alternatives = members(annotation)
    if any(member.type is object for member in alternatives):
        return None
    if value is None:
        return None if is_nullable(annotation) else _misfit(value, alternatives, path)
    if isinstance(value, Mapping):
        return _in_mapping(value, alternatives, path)
    if isinstance(value, list | tuple):
        return _in_list(value, alternatives, path)
    for member in alternatives:
        if _holds_scalar(member.type, value):
            problem = _in_scalar(value, member, path)
            if problem is not None and problem.kind is ProblemKind.VALUE:
                return attrs.evolve(problem, expected=_describe(alternatives))
            return problem
    return _misfit(value, alternatives, path)


# ------------------------------------------------------------------------------------------------ descriptions
def _misfit(value: object, alternatives: tuple[Member, ...], path: KeyPath) -> Problem:
    secret = any(_holds_secrets(member.type) for member in alternatives)
    return Problem(ProblemKind.TYPE, path, value, expected=_describe(alternatives), secret=secret)


def _holds_secrets(kind: object) -> bool:
    return kind in _SECRET or (is_map(kind) and any(each.type in _SECRET for each in members(get_args(kind)[1])))


def _describe(alternatives: tuple[Member, ...]) -> str:
    return " or ".join(dict.fromkeys(name for member in alternatives if (name := _name_of(member))))


_SCALAR_NAMES: Mapping[object, str] = {
    str: "a string",
    bytes: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    Secret: "a string",
    SecretUrl: "a string",
}

_SECRET = frozenset({Secret, SecretUrl})


def _name_of(member: Member) -> str:
    kind = member.type
    for marker in member.markers:
        if isinstance(marker, OneOf):
            return quote(marker.values, "or")
    if kind in _SCALAR_NAMES:
        return _SCALAR_NAMES[kind]
    if is_list(kind):
        return "an array"
    if is_map(kind) or (attrs.has(kind) and not is_raw(kind)):
        return "an object"
    return ""


# ------------------------------------------------------------------------------------------------ scalars
def _holds_scalar(kind: object, value: object) -> bool:
    if kind is float:
        return type(value) is float or type(value) is int
    if kind is bytes:
        return type(value) is str
    return type(value) is kind


def _in_scalar(value: Any, member: Member, path: KeyPath) -> Problem | None:
    if type(value) is float and not math.isfinite(value):
        return Problem(ProblemKind.TYPE, path, value, expected="a finite number")
    if member.type is bytes and not _is_base64(value):
        return Problem(ProblemKind.BASE64, path, value)
    for marker in member.markers:
        match marker:
            case OneOf(values=values) if value not in values:
                return Problem(ProblemKind.VALUE, path, value, known=values)
            case Range(minimum=low) if low is not None and value < low:
                return Problem(ProblemKind.BELOW, path, value, limit=low)
            case Range(maximum=high) if high is not None and value > high:
                return Problem(ProblemKind.ABOVE, path, value, limit=high)
            case MaxLength(limit=limit) if len(value) > limit:
                return Problem(ProblemKind.TOO_LONG, path, value, limit=limit)
    return None


def _is_base64(text: str) -> bool:
    try:
        pybase64.b64decode(text, validate=True)
    except ValueError:
        return False
    return True


# ------------------------------------------------------------------------------------------------ lists
def _in_list(value: Any, alternatives: tuple[Member, ...], path: KeyPath) -> Problem | None:
    for member in alternatives:
        if is_list(member.type):
            return _in_entries(value, member, path)
    return _misfit(value, alternatives, path)


def _in_entries(value: Any, member: Member, path: KeyPath) -> Problem | None:
    entry = get_args(member.type)[0]
    for index, each in enumerate(value):
        problem = find_problem(each, entry, (*path, index))
        if problem is not None:
            return problem
    for marker in member.markers:
        if isinstance(marker, Only) and (len(value) != 1 or value[0] not in marker.values):
            return Problem(ProblemKind.COMBINATION, path, value, known=marker.values)
    return None


# ------------------------------------------------------------------------------------------------ objects
def _in_mapping(value: Mapping[Any, Any], alternatives: tuple[Member, ...], path: KeyPath) -> Problem | None:
    for member in alternatives:
        kind = member.type
        if is_map(kind):
            return _in_map(value, member, path)
        if attrs.has(kind) and not is_raw(kind) and tag_of(kind) is None:
            return _in_object(value, kind, path)
    tagged = {tag: member.type for member in alternatives if (tag := tag_of(member.type)) is not None}
    if not tagged:
        return _misfit(value, alternatives, path)
    return _in_tagged(value, tagged, path)


def _in_tagged(value: Mapping[Any, Any], tagged: Mapping[str, Any], path: KeyPath) -> Problem | None:
    if "type" not in value:
        return Problem(ProblemKind.MISSING, (*path, "type"), known=tuple(tagged))
    tag = value["type"]
    if not isinstance(tag, str):
        return Problem(ProblemKind.TYPE, (*path, "type"), tag, expected="a string")
    if tag not in tagged:
        return Problem(ProblemKind.VALUE, (*path, "type"), tag, known=tuple(tagged))
    return _in_object(value, tagged[tag], path)


def _in_map(value: Mapping[Any, Any], member: Member, path: KeyPath) -> Problem | None:
    _, value_type = get_args(member.type)
    limits = next((marker for marker in member.markers if isinstance(marker, MapLimits)), None)
    if limits is not None and len(value) > limits.pairs:
        return Problem(ProblemKind.TOO_MANY, path, value, limit=limits.pairs)
    for key, each in value.items():
        if not isinstance(key, str):
            return Problem(ProblemKind.TYPE, path, key, expected="a string as key")
        problem = find_problem(each, value_type, (*path, key))
        if problem is not None:
            return problem
        if limits is not None and len(key) > limits.key_length:
            return Problem(ProblemKind.TOO_LONG, path, key, limit=limits.key_length)
        if limits is not None and len(each) > limits.value_length:
            return Problem(ProblemKind.TOO_LONG, (*path, key), each, limit=limits.value_length)
    return None


def _in_object(value: Mapping[Any, Any], cls: Any, path: KeyPath) -> Problem | None:
    annotations = writable_fields(cls)
    has_tag = tag_of(cls) is not None
    for key, each in value.items():
        if key == "type" and has_tag:
            continue
        if key not in annotations:
            return Problem(ProblemKind.UNKNOWN_KEY, (*path, str(key)), each, known=tuple(annotations))
        problem = find_problem(each, annotations[key], (*path, key))
        if problem is not None:
            return problem
    for field in attrs.fields(cls):
        if field.default is attrs.NOTHING and field.name not in value and not is_omissible(annotations[field.name]):
            return Problem(ProblemKind.MISSING, (*path, field.name))
    special = _SPECIAL.get(cls)
    return special(value, path) if special is not None else None


@cache
def writable_fields(cls: Any) -> Mapping[str, object]:
    """The fields that a client may write, with their annotations."""
    annotations = hints(cls)
    return {
        field.name: annotations[field.name]
        for field in attrs.fields(cls)
        if field.name not in getattr(cls, "beside", ())
        and not any(isinstance(mark, ServerOnly) for each in members(annotations[field.name]) for mark in each.markers)
    }


# ------------------------------------------------------------------------------------------------ across fields
_PARTS_OF_ROLE: Mapping[str, tuple[str, ...]] = {
    "system": ("input_text",),
    "user": ("input_text", "input_audio", "input_image"),
    "assistant": ("output_text",),
}
"""What a client may put into a message: the assistant's audio is for the server alone."""


def _in_message(value: Mapping[str, Any], path: KeyPath) -> Problem | None:
    known = _PARTS_OF_ROLE[value["role"]]
    for index, part in enumerate(value["content"]):
        place = (*path, "content", index)
        if part["type"] not in known:
            return Problem(ProblemKind.VALUE, (*place, "type"), part["type"], known=known)
        if part["type"] != "input_audio":
            continue
        audio = part.get("audio")
        if audio is None:
            return Problem(ProblemKind.MISSING, (*place, "audio"))
        if not _is_base64(audio):
            return Problem(ProblemKind.BASE64, (*place, "audio"), audio)
    return None


def _in_format(value: Mapping[str, Any], path: KeyPath) -> Problem | None:
    """G.711 has one rate and needs no key for it; one that repeats its 8000 is let pass. The rates of PCM are the
    server's: see `client_decoding` for those of the service."""
    rate = value.get("rate")
    only = AudioFormat(value["type"]).rate
    if rate is None or rate == only or value["type"] == PCM16.type:
        return None
    return Problem(ProblemKind.BELOW if rate < only else ProblemKind.ABOVE, (*path, "rate"), rate, limit=only)


_SPECIAL: Mapping[type, Callable[[Mapping[str, Any], KeyPath], Problem | None]] = {
    items.Message: _in_message,
    AudioFormat: _in_format,
}

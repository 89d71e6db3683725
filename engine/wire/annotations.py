"""Reads the annotations of the wire classes: what JSON a field may hold.

One reading serves the converter (which class does this object become?) and the checker (what is wrong with it?).
"""

from collections.abc import Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import attrs

from engine.wire.struct import UnsetType


@attrs.frozen
class Member:
    """One alternative of a field's type: a plain type or generic alias, with its markers."""

    type: Any
    markers: tuple[object, ...] = ()


@cache
def members(annotation: object) -> tuple[Member, ...]:
    """The alternatives of an annotation, unions and `Annotated` taken apart."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *markers = get_args(annotation)
        return tuple(Member(each.type, (*each.markers, *markers)) for each in members(inner))
    if origin is Union or origin is UnionType:
        return tuple(each for part in get_args(annotation) for each in members(part))
    return (Member(annotation),)


@cache
def hints(cls: type) -> Mapping[str, object]:
    """The annotations of a class, markers included."""
    return get_type_hints(cls, include_extras=True)


def tag_of(cls: object) -> str | None:
    """The value of `type` that an object of this class carries on the wire, or None if it is not told by `type`."""
    tag = getattr(cls, "type", None)
    return tag if isinstance(tag, str) else None


def is_nullable(annotation: object) -> bool:
    return any(member.type is NoneType for member in members(annotation))


def is_omissible(annotation: object) -> bool:
    return any(member.type is UnsetType for member in members(annotation))


def is_list(annotation: object) -> bool:
    return get_origin(annotation) is tuple


def is_map(annotation: object) -> bool:
    return get_origin(annotation) is Mapping


def is_raw(cls: object) -> bool:
    """Whether a class is one of the Unknown ones, which keep what came."""
    return isinstance(cls, type) and attrs.has(cls) and [field.name for field in attrs.fields(cls)] == ["raw"]

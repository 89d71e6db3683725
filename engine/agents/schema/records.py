"""Records: objects with known keys.

The parameters of a tool, attrs classes, dataclasses, TypedDicts, NamedTuples, msgspec structs. They read what a model
writes, and tell it all that is wrong at once; settings are read by `engine.wire.check`, which knows the wire classes
only and stops at the first mistake.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Final

import attrs
import msgspec

from engine._messages import KeyPath, suggest, wire_text
from engine.agents.schema.shapes import (
    Json,
    Literals,
    Misfit,
    NamedShape,
    Reading,
    SchemaWriter,
    Shape,
    problem_at,
    with_description,
)

NO_DEFAULT: Final = object()


@attrs.frozen
class RawField:
    """A field as its class or function declares it. `hint` is None where there is no annotation at all."""

    key: str
    """Its name in JSON, and as an argument."""
    hint: object
    required: bool
    default: object = NO_DEFAULT
    """`NO_DEFAULT` also where a factory makes the default."""


@attrs.frozen
class Field:
    """A field of a record, its type understood."""

    key: str
    shape: Shape
    required: bool
    description: str = ""
    default: object = NO_DEFAULT

    def schema(self, writer: SchemaWriter) -> Json:
        """In strict mode every key has to be there; an optional one takes null, which stands for its default."""
        body = self.shape.schema(writer)
        if self.required:
            return with_description(body, self.description)
        default = _plain(self.default)
        if not writer.strict:
            body = with_description(body, self.description)
            return body if default is NO_DEFAULT or "$ref" in body else {**body, "default": default}
        if not self.shape.takes_null and not _is_tag(self.shape):
            words = "Use the default." if default is NO_DEFAULT else f"Use the default, {_json(default)}."
            members = body["anyOf"] if set(body) == {"anyOf"} else [body]
            assert isinstance(members, list)
            body = {"anyOf": [*members, {"type": "null", "description": words}]}
        return with_description(body, self.description)


@attrs.define(eq=False)
class Record(NamedShape):
    """An object with known keys. Its fields are set after it was made: a recursive class is its own field's type."""

    name: str
    build: Callable[[dict[str, object]], object]
    title: str = attrs.field(default=attrs.Factory(lambda self: self.name, takes_self=True))
    """Its name in the schema: what a complaint about it calls it."""
    description: str = ""
    fields: tuple[Field, ...] = ()
    container: ClassVar[type[object] | None] = dict

    @property
    def expects(self) -> str:
        return f"an object ({self.name})"

    def schema(self, writer: SchemaWriter) -> Json:
        return writer.named(self)

    def body(self, writer: SchemaWriter) -> Json:
        """The schema in place."""
        properties = {field.key: field.schema(writer) for field in self.fields}
        body: Json = {"title": self.title} if self.title else {}
        body |= {"type": "object", "properties": properties}
        body["required"] = [field.key for field in self.fields if writer.strict or field.required]
        if writer.strict:
            body["additionalProperties"] = False
        return with_description(body, self.description)

    def convert(self, value: object, reading: Reading, at: KeyPath) -> object:
        if not isinstance(value, dict):
            raise self.refuse(value, at)
        problems = [] if reading.ignore_unknown else list(self._unknown(value, at))
        given: dict[str, object] = {}
        for field in self.fields:
            if field.key not in value:
                if field.required:
                    problems.append(problem_at((*at, field.key), f"missing; expected {field.shape.expects}"))
                continue
            if value[field.key] is None and not field.required and not field.shape.takes_null:
                continue
            try:
                given[field.key] = field.shape.convert(value[field.key], reading, (*at, field.key))
            except Misfit as misfit:
                problems.extend(misfit.problems)
        if problems:
            raise Misfit(*problems)
        try:
            return self.build(given)
        except Exception as error:  # the class's own checks may raise whatever they like
            raise Misfit(problem_at(at, _complaint(error))) from error

    def tagged_as(self, value: Mapping[str, object]) -> bool:
        """Whether its `Literal` and `Enum` keys, as far as they are there, have one of their values."""
        tags = [(field.key, field.shape.options) for field in self.fields if isinstance(field.shape, Literals)]
        return all(any(value[key] == given for given, _ in options) for key, options in tags if key in value)

    def _unknown(self, value: Mapping[str, object], at: KeyPath) -> Iterator[str]:
        known = [field.key for field in self.fields]
        for key in value:
            if key not in known:
                left = [other for other in known if other not in value] or known
                yield problem_at((*at, key), f"unknown{suggest(key, left)}")


def has_fields(cls: type) -> bool:
    """Whether it is one of the kinds of class that have named, typed fields."""
    named = (issubclass(cls, dict) and hasattr(cls, "__required_keys__")) or (
        issubclass(cls, tuple) and hasattr(cls, "_fields")
    )
    return named or attrs.has(cls) or dataclasses.is_dataclass(cls) or issubclass(cls, msgspec.Struct)


def raw_fields(cls: type, hints: Mapping[str, object]) -> list[RawField]:
    """The fields that a class (see `has_fields`) is built from. `hints` are its annotations, evaluated."""
    if attrs.has(cls):
        return [
            RawField(a.alias or a.name, hints.get(a.name, a.type), a.default is attrs.NOTHING, _not_made(a.default))
            for a in attrs.fields(cls)
            if a.init
        ]
    if dataclasses.is_dataclass(cls):
        return [
            RawField(
                f.name,
                hints.get(f.name),
                f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING,
                NO_DEFAULT if f.default is dataclasses.MISSING else f.default,
            )
            # unlike dataclasses.fields(), this has the InitVars, which have to be given too
            for f in cls.__dataclass_fields__.values()
            if f.init and typing.get_origin(hints.get(f.name)) is not ClassVar and hints.get(f.name) is not ClassVar
        ]
    if issubclass(cls, dict):
        return [RawField(key, hint, _is_required(cls, key, hint)) for key, hint in hints.items()]
    if issubclass(cls, tuple):
        defaults: Mapping[str, object] = getattr(cls, "_field_defaults", {})
        keys: tuple[str, ...] = getattr(cls, "_fields")  # noqa: B009 (a plain tuple has none)
        return [RawField(k, hints.get(k), k not in defaults, defaults.get(k, NO_DEFAULT)) for k in keys]
    assert issubclass(cls, msgspec.Struct)
    return [
        RawField(f.name, f.type, f.required, NO_DEFAULT if f.default is msgspec.NODEFAULT else f.default)
        for f in msgspec.structs.fields(cls)
    ]


def _is_required(cls: Any, key: str, hint: object) -> bool:
    # `__required_keys__` is wrong for annotations that were strings when the class was made, so the marker counts.
    marker = typing.get_origin(hint)
    if getattr(marker, "_name", None) in ("Required", "NotRequired"):
        return getattr(marker, "_name", None) == "Required"
    return key in cls.__required_keys__


def _not_made(default: object) -> object:
    made = default is attrs.NOTHING or isinstance(default, attrs.Factory)  # type: ignore[arg-type]
    return NO_DEFAULT if made else default


def _plain(default: object) -> object:
    """The default as JSON, or `NO_DEFAULT` if it has no JSON form."""
    if default is NO_DEFAULT:
        return default
    try:
        return msgspec.to_builtins(default, str_keys=True)
    except (TypeError, ValueError, RecursionError):
        return NO_DEFAULT


def _json(default: object) -> str:
    return msgspec.json.encode(default).decode()


def _is_tag(shape: Shape) -> bool:
    """A single choice tells classes apart; null in its place would say nothing."""
    return isinstance(shape, Literals) and len(shape.options) == 1


def _complaint(error: Exception) -> str:
    """What a class says of values it does not take. Validators of attrs put the sentence first among the arguments."""
    first = error.args[0] if error.args else ""
    return wire_text(first) if isinstance(first, str) and first else type(error).__name__

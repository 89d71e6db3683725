"""Shapes: one description of a type that both writes its JSON schema and converts a model's value to it.

Scalars, their formats and their bounds are `msgspec`'s. What holds them together (arrays, objects, unions, classes)
is here, because `msgspec` (0.22) refuses unions of two classes, of a string and a date, of an object and a class;
ignores keys that a class does not have; and stops at the first problem, where a model corrects its call best when
it is told all of them. Schema and conversion come out of the same object, so they cannot disagree.
"""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar

import attrs
import msgspec

from engine._messages import KeyPath, describe, write_path
from engine.outside.depth import holds_infinity

Json = dict[str, object]


class Misfit(Exception):
    """A value does not have the shape. Turned into `BadArguments` before anybody outside sees it.

    `problems` are lines, one for each thing that does not fit (see `problem_at`).
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def problem_at(path: KeyPath, text: str) -> str:
    """Return the line for one thing that does not fit: where it stands, and what is wrong."""
    where = write_path(path)
    return f"`{where}`: {text}" if where else text


@attrs.frozen
class Reading:
    """How generously a value is read."""

    lenient: bool
    """`"5"` is an integer too, `"true"` a boolean, `5.0` an integer: as `msgspec.convert(strict=False)` has it."""
    ignore_unknown: bool
    """Keys that a class does not have are passed over."""


EXACT = Reading(lenient=False, ignore_unknown=False)


class Shape(ABC):
    """How one type looks in JSON."""

    container: ClassVar[type[object] | None] = None
    """What JSON value the shape looks into, if any: a union then speaks of the problems in there."""

    @property
    def rank(self) -> int:
        """Members of a union are tried in this order: a date before any string, an integer before any number."""
        return 0

    @property
    def takes_null(self) -> bool:
        """Whether JSON null is a value of the type."""
        return False

    @property
    @abstractmethod
    def expects(self) -> str:
        """What a value should be, in words."""

    @abstractmethod
    def schema(self, writer: SchemaWriter) -> Json:
        """The JSON schema."""

    @abstractmethod
    def convert(self, value: object, reading: Reading, at: KeyPath) -> object:
        """The value of the type that the JSON value stands for. Raises `Misfit`."""

    def tagged_as(self, value: Mapping[str, object]) -> bool:
        """Whether nothing in an object says that it is meant as another class (see `Record`)."""
        return True

    def refuse(self, value: object, at: KeyPath) -> Misfit:
        """The complaint about a value of the wrong kind."""
        return Misfit(problem_at(at, f"expected {self.expects}, got {describe(value)}"))


class NamedShape(Shape):
    """A shape that a schema can refer to by its name, where it contains itself."""

    name: str

    @abstractmethod
    def body(self, writer: SchemaWriter) -> Json:
        """Return the schema in place."""


@attrs.define
class SchemaWriter:
    """Writes one schema document. Classes are written in place; only recursive ones go to `$defs`.

    Several hosts of models do not resolve `$ref`, and OpenAI's refuses one that has a description beside it.
    """

    strict: bool
    definitions: dict[str, Json] = attrs.field(factory=dict)
    _open: list[NamedShape] = attrs.field(factory=list)
    _names: dict[NamedShape, str] = attrs.field(factory=dict)

    def named(self, shape: NamedShape) -> Json:
        """Return the schema of a class, in place or by reference."""
        if shape in self._names or shape in self._open:
            return self._reference(shape)
        self._open.append(shape)
        body = shape.body(self)
        self._open.pop()
        if shape not in self._names:
            return body
        self.definitions[self._names[shape]] = body
        return self._reference(shape)

    def document(self, shape: NamedShape) -> Json:
        """Return the whole document of a tool's parameters: an object at its root."""
        body = self.named(shape)
        if shape in self._names:
            body = dict(self.definitions[self._names[shape]])
        return {**body, "$defs": self.definitions} if self.definitions else body

    def _reference(self, shape: NamedShape) -> Json:
        if shape not in self._names:
            taken = set(self._names.values())
            names = (f"{shape.name}{'' if n == 1 else f'_{n}'}" for n in range(1, len(taken) + 2))
            self._names[shape] = next(name for name in names if name not in taken)
        return {"$ref": f"#/$defs/{self._names[shape]}"}


def with_description(body: Json, description: str) -> Json:
    """Return the schema with a description, never beside a `$ref`."""
    if not description:
        return body
    return {"anyOf": [body], "description": description} if "$ref" in body else {**body, "description": description}


@attrs.frozen
class Described(Shape):
    """A shape inside another one that has a description of its own."""

    inner: Shape
    text: str

    @property
    def rank(self) -> int:
        return self.inner.rank

    @property
    def takes_null(self) -> bool:
        return self.inner.takes_null

    @property
    def expects(self) -> str:
        return self.inner.expects

    def schema(self, writer: SchemaWriter) -> Json:
        return with_description(self.inner.schema(writer), self.text)

    def convert(self, value: object, reading: Reading, at: KeyPath) -> object:
        return self.inner.convert(value, reading, at)


@attrs.frozen
class Leaf(Shape):
    """A scalar that `msgspec` reads by itself, bounds included."""

    hint: object
    expects: str
    rank: int = 0
    format: str = ""
    from_text: Callable[[str], object] | None = None
    """What a lenient reading does instead of `msgspec`'s own, which takes any number for a time since 1970."""

    @property
    def takes_null(self) -> bool:
        return self.hint is None

    def schema(self, writer: SchemaWriter) -> Json:
        body = dict(msgspec.json.schema(self.hint))
        return {**body, "format": self.format} if self.format else body

    def convert(self, value: object, reading: Reading, at: KeyPath) -> object:
        try:
            return self._checked(msgspec.convert(value, self.hint))
        except (msgspec.ValidationError, ValueError):
            if not reading.lenient:
                raise self.refuse(value, at) from None
        try:
            if self.from_text is None:
                return self._checked(msgspec.convert(value, self.hint, strict=False))
            if isinstance(value, str):
                return self.from_text(value)
        except (msgspec.ValidationError, ValueError):
            pass
        raise self.refuse(value, at)

    @staticmethod
    def _checked(value: object) -> object:
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError("not finite: JSON has no such number, so this was text")
        return value


@attrs.frozen
class Anything(Shape):
    """Any JSON value, left as it is."""

    rank: int = 9
    expects: str = "anything"

    @property
    def takes_null(self) -> bool:
        return True

    def schema(self, writer: SchemaWriter) -> Json:
        return {}

    def convert(self, value: object, reading: Reading, at: KeyPath) -> object:
        if holds_infinity(value):
            raise Misfit(problem_at(at, "a number is beyond what can be held"))
        return value


_JSON_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


@attrs.frozen
class Literals(Shape):
    """One of some scalars: a `Literal` or an `Enum`."""

    options: tuple[tuple[object, object], ...]
    """What stands in JSON, and what it means."""

    @property
    def takes_null(self) -> bool:
        return any(given is None for given, _ in self.options)

    @property
    def expects(self) -> str:
        words = [json.dumps(given, ensure_ascii=False) for given, _ in self.options]
        return f"one of {', '.join(words)}" if len(words) > 1 else words[0]

    def schema(self, writer: SchemaWriter) -> Json:
        types = list(dict.fromkeys(_JSON_TYPES[type(given)] for given, _ in self.options))
        return {"type": types[0] if len(types) == 1 else types, "enum": [given for given, _ in self.options]}

    def convert(self, value: object, reading: Reading, at: KeyPath) -> object:
        for given, meant in self.options:
            if type(given) is type(value) and given == value:
                return meant
        for given, meant in self.options if reading.lenient else ():
            if json.dumps(given) == value or (type(value) is float and type(given) is int and value == given):
                return meant
        raise self.refuse(value, at)

"""From type hints to shapes (see `shapes`): what a tool's parameters may be.

Scalars (`str`, `int`, `float`, `bool`, `None`, `bytes` as base64), dates, times, durations, `UUID`, `Decimal`, `Any`;
`Literal`, `Enum`; lists, sets, tuples, dicts and their abstract kinds; unions of anything; attrs classes, dataclasses,
TypedDicts, NamedTuples and msgspec structs, nested, generic and recursive; `Annotated` with a description, a
`msgspec.Meta` or the bounds of `annotated_types`; `NewType` and type aliases.
"""

from __future__ import annotations

import collections.abc as abc
import datetime as dt
import decimal
import enum
import types
import typing
import uuid
from collections.abc import Callable
from typing import Any

import attrs
import msgspec

from engine._messages import type_name
from engine.agents.schema import docstring
from engine.agents.schema.containers import DictOf, ListOf, TupleOf, Union
from engine.agents.schema.hints import LENGTHS, NO_BOUNDS, NUMERIC, Bounds, peel, resolve_hints, show_hint, substitute
from engine.agents.schema.records import Field, RawField, Record, has_fields, raw_fields
from engine.agents.schema.shapes import Anything, Described, Json, Leaf, Literals, SchemaWriter, Shape
from engine.errors import SettingsError

_STRING = Leaf(str, "a string", 4)
_LEAVES: dict[object, Leaf] = {
    bool: Leaf(bool, "true or false"),
    int: Leaf(int, "an integer", 1),
    float: Leaf(float, "a number", 2),
    decimal.Decimal: Leaf(decimal.Decimal, "a decimal number", 3),
    str: _STRING,
    None: Leaf(None, "null", 8),
    bytes: Leaf(bytes, "base64 text"),
    uuid.UUID: Leaf(uuid.UUID, "a UUID"),
    dt.timedelta: Leaf(dt.timedelta, "a duration such as PT1H30M"),
    dt.date: Leaf(dt.date, "a date such as 2026-08-22", from_text=dt.date.fromisoformat),
    dt.time: Leaf(dt.time, "a time such as 18:30:00", 0, "time", dt.time.fromisoformat),
    dt.datetime: Leaf(
        dt.datetime, "a date and time such as 2026-08-22T18:30:00Z", 0, "date-time", dt.datetime.fromisoformat
    ),
}
_BOUNDS_OF: dict[object, tuple[str, ...]] = {
    int: NUMERIC,
    float: NUMERIC,
    str: (*LENGTHS, "pattern"),
    bytes: LENGTHS,
}
_Build = Callable[[list[object]], object]
_LISTS: dict[object, _Build] = {
    list: list,
    abc.Sequence: list,
    abc.MutableSequence: list,
    abc.Collection: list,
    abc.Iterable: list,
    set: set,
    abc.Set: set,
    abc.MutableSet: set,
    frozenset: frozenset,
}
_DICTS = (dict, abc.Mapping, abc.MutableMapping)
_SCALAR_KEYS = (str, int, dt.date, dt.time, dt.datetime, uuid.UUID)


def parameters_record(name: str, fields: typing.Iterable[tuple[RawField, str]], owner: str) -> Record:
    """The record of a tool's parameters. Each field comes with its description from the docstring."""
    record = Record(name, build=dict, title="")
    compiler = Compiler()
    record.fields = tuple(compiler.field(raw, text, f"parameter `{raw.key}` of {owner}") for raw, text in fields)
    return record


def class_record(hint: object, where: str) -> Record:
    """The record of a class with fields. Raises `SettingsError` if it is none."""
    shape = Compiler().shape(hint, where)
    if not isinstance(shape, Record):
        raise SettingsError(
            f"{where}: expected a class with fields (attrs, dataclass, TypedDict), got {show_hint(hint)}"
        )
    return shape


def write_schema(record: Record, *, strict: bool) -> Json:
    """The JSON schema of a tool's parameters.

    In strict mode every object says `additionalProperties: false` and requires all of its keys; one that has a default
    takes null, which stands for the default. A `dict` keeps the schema of its values: the Realtime API has no
    server-side strictness that would refuse it.
    """
    return SchemaWriter(strict).document(record)


@attrs.frozen
class Compiler:
    """Turns the type hints of one tool into shapes. Raises `SettingsError`, which says where the hint stands."""

    _records: dict[object, Record] = attrs.field(factory=dict)

    def field(self, raw: RawField, text: str, where: str) -> Field:
        """A parameter, or a field of a class. An annotation's description counts before the docstring's."""
        if raw.hint is None:
            raise SettingsError(f"{where} has no type: write `{raw.key}: str`, or what it is; the model is told of it")
        hint, description, bounds = peel(raw.hint)
        shape = self._bounded(hint, bounds, where)
        return Field(raw.key, shape, raw.required, description or text, raw.default)

    def shape(self, hint: object, where: str, bounds: Bounds = NO_BOUNDS) -> Shape:
        """The shape of any type hint."""
        hint, description, bounds = peel(hint, bounds)
        shape = self._bounded(hint, bounds, where)
        return Described(shape, description) if description else shape

    def _bounded(self, hint: object, bounds: Bounds, where: str) -> Shape:
        shape, taken = self._plain(hint, bounds, where)
        if left := bounds.names - taken:
            raise SettingsError(f"{where}: {', '.join(sorted(left))} cannot bound {show_hint(hint)}")
        return shape

    def _plain(self, hint: object, bounds: Bounds, where: str) -> tuple[Shape, set[str]]:
        """The shape, and the names of the bounds that it takes into account."""
        origin, arguments = typing.get_origin(hint) or hint, typing.get_args(hint)
        if hint is Any or hint is object:
            return Anything(), set()
        if origin is typing.Union or origin is types.UnionType:
            return self._union(arguments, bounds, where)
        if origin is typing.Literal:
            return _literal(arguments, where), set()
        if hint is type(None):
            return _LEAVES[None], set()
        if isinstance(hint, type) and hint in _LEAVES:
            return _leaf(hint, bounds, where)
        if origin in _LISTS:
            return self._list(hint, _LISTS[origin], arguments, bounds, where), set(LENGTHS)
        if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
            return self._list(hint, tuple, arguments, bounds, where), set(LENGTHS)
        if origin is tuple and arguments:
            places = [self.shape(argument, f"item {index} of {where}") for index, argument in enumerate(arguments)]
            return TupleOf(tuple(places)), set()
        if origin is tuple:  # `tuple[()]` looks like this too, and is not worth a shape of its own
            return self._list(hint, tuple, (Any,), bounds, where), set(LENGTHS)
        if origin in _DICTS:
            return self._dict(arguments or (str, Any), bounds, where), set(LENGTHS)
        if isinstance(origin, type) and issubclass(origin, enum.Enum):
            return _enum(origin, where), set()
        if isinstance(origin, type) and has_fields(origin):
            return self._class(hint, origin, arguments, where), set()
        raise SettingsError(
            f"{where}: {show_hint(hint)} has no JSON form that a model could be told of; "
            "use a plain type or a class with fields, or make a FunctionTool with a params_json_schema of your own"
        )

    def _union(self, members: tuple[object, ...], bounds: Bounds, where: str) -> tuple[Shape, set[str]]:
        shapes: list[Shape] = []
        taken: set[str] = set()
        for member in members:
            inner, description, own = peel(member)
            fitting = bounds.only(_bounds_of(inner))
            taken |= fitting.names
            both = attrs.evolve(fitting, **{name: getattr(own, name) for name in own.names})
            shape = self._bounded(inner, both, where)
            shapes.append(Described(shape, description) if description else shape)
        return Union(tuple(sorted(shapes, key=lambda shape: shape.rank))), taken

    def _list(self, hint: object, build: _Build, arguments: tuple[object, ...], bounds: Bounds, where: str) -> ListOf:
        item = self.shape(arguments[0] if arguments else Any, f"items of {where}")
        is_set = build in (set, frozenset)
        if is_set and (isinstance(item, DictOf) or (isinstance(item, ListOf) and item.build in (list, set))):
            raise SettingsError(
                f"{where}: {show_hint(hint)} cannot be: items of a set must be hashable, such as tuples"
            )
        words = f"an array{bounds.only(LENGTHS).describe('items')}"
        return ListOf(item, build, is_set, bounds.min_length, bounds.max_length, words)

    def _dict(self, arguments: tuple[object, ...], bounds: Bounds, where: str) -> DictOf:
        key, names = self._key(arguments[0], where)
        value = self.shape(arguments[1], f"values of {where}")
        words = f"an object{bounds.only(LENGTHS).describe('entries')}"
        return DictOf(key, value, names, bounds.min_length, bounds.max_length, words)

    def _key(self, hint: object, where: str) -> tuple[Shape, Json | None]:
        inner, _, _ = peel(hint)
        shape = self.shape(hint, f"keys of {where}")
        if inner in _SCALAR_KEYS:
            schema = shape.schema(SchemaWriter(strict=False))
            if inner is int:
                return shape, {"pattern": "^-?[0-9]+$"}
            return shape, None if schema == {"type": "string"} else schema
        if isinstance(shape, Literals) and all(isinstance(given, str) for given, _ in shape.options):
            return shape, {"enum": [given for given, _ in shape.options]}
        raise SettingsError(f"{where}: {show_hint(hint)} cannot be a key: keys of a JSON object are strings")

    def _class(self, hint: object, cls: type, arguments: tuple[object, ...], where: str) -> Record:
        if hint in self._records:
            return self._records[hint]
        fields = raw_fields(cls, resolve_hints(cls, where))
        text = docstring.read_class(cls)
        build: Callable[..., object] = dict if issubclass(cls, dict) else cls
        record = Record(cls.__name__, lambda given: build(**given), description=text.description)
        self._records[hint] = record
        meant = dict(zip(getattr(cls, "__parameters__", ()), arguments, strict=False))
        record.fields = tuple(
            self.field(
                attrs.evolve(raw, hint=substitute(raw.hint, meant)),
                text.parameters.get(raw.key, ""),
                f"field `{raw.key}` of {cls.__qualname__} ({where})",
            )
            for raw in fields
        )
        return record


def _leaf(hint: type, bounds: Bounds, where: str) -> tuple[Leaf, set[str]]:
    leaf = _LEAVES[hint]
    fitting = bounds.only(_bounds_of(hint))
    if not fitting.names:
        return leaf, set()
    try:
        msgspec.json.schema(fitting.on(hint))
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{where}: {show_hint(hint)} cannot have these bounds: {error}") from None
    expects = leaf.expects + fitting.describe("characters")
    return attrs.evolve(leaf, hint=fitting.on(hint), expects=expects), fitting.names


def _bounds_of(hint: object) -> tuple[str, ...]:
    """The names of the bounds that a type can have."""
    origin = typing.get_origin(hint) or hint
    if origin in _BOUNDS_OF:
        return _BOUNDS_OF[origin]
    return LENGTHS if origin in _LISTS or origin in _DICTS or origin is tuple else ()


def _literal(values: tuple[object, ...], where: str) -> Literals:
    options = [(value.value if isinstance(value, enum.Enum) else value, value) for value in values]
    return _choice(options, where)


def _enum(cls: type[enum.Enum], where: str) -> Literals:
    if not list(cls):
        raise SettingsError(f"{where}: the enum {cls.__qualname__} has no members")
    return _choice([(member.value, member) for member in cls], where)


def _choice(options: list[tuple[object, object]], where: str) -> Literals:
    for given, meant in options:
        if given is not None and type(given) not in (str, int, float, bool):
            allowed = "a choice is text, a number, true, false or null"
            raise SettingsError(f"{where}: {meant!r} stands for {type_name(given)}; {allowed}")
    return Literals(tuple(options))

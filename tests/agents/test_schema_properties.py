"""Schema and conversion agree: for types that Hypothesis makes up, nested in each other."""

import base64
import dataclasses
import datetime as dt
import decimal
import enum
import inspect
import uuid
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import annotated_types
import attrs
import jsonschema
import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.agents import FunctionTool, function_tool
from engine.errors import BadArguments

Typed = tuple[object, st.SearchStrategy[Any], frozenset[str]]
"""A type hint, its values, and the JSON types of them (members of a union must not share one)."""

NAMES = ["a", "b", "city", "when", "how_many", "type", "class_", "self_"]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


# a type checker wants to see the fields of these two
functional_typed_dict: Any = TypedDict
functional_named_tuple: Any = NamedTuple


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


class Mixed(enum.Enum):
    WORD = "word"
    NUMBER = 3
    HALF = 0.5
    YES = True


def to_json(value: Any) -> Any:
    """The JSON form that the schema promises to a model."""
    match value:
        case enum.Enum():
            return value.value
        case dict():
            return {str(to_json(key)): to_json(item) for key, item in value.items()}
        case tuple() if (names := getattr(value, "_fields", None)) is not None:
            return {name: to_json(item) for name, item in zip(names, value, strict=True)}
        case list() | tuple() | set() | frozenset():
            return [to_json(item) for item in value]
        case bytes():
            return base64.b64encode(value).decode()
        case None | str() | bool() | int() | float():
            return value
    if attrs.has(type(value)):
        return {a.name: to_json(getattr(value, a.name)) for a in attrs.fields(type(value))}
    if dataclasses.is_dataclass(value):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, msgspec.Struct):
        return {name: to_json(getattr(value, name)) for name in value.__struct_fields__}
    return msgspec.to_builtins(value)


def leaf(hint: object, values: st.SearchStrategy[Any], *kinds: str) -> Typed:
    return hint, values, frozenset(kinds)


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SMALL_FLOATS = st.floats(-1e15, 1e15)  # beyond 2**53 a float is no integer, though a validator may say so
TIMES = st.times()
LEAVES: list[Typed] = [
    leaf(str, TEXT, "string"),
    leaf(int, st.integers(), "number"),
    leaf(float, FLOATS, "number"),
    leaf(bool, st.booleans(), "boolean"),
    leaf(Literal["x", "y"], st.sampled_from(["x", "y"]), "string"),
    leaf(Literal[1, "two", True], st.sampled_from([1, "two", True]), "string", "number", "boolean"),
    leaf(Colour, st.sampled_from(Colour), "string"),
    leaf(Mixed, st.sampled_from(Mixed), "string", "number", "boolean"),
    leaf(dt.date, st.dates(), "string"),
    leaf(dt.time, TIMES, "string"),
    leaf(dt.datetime, st.datetimes(timezones=st.sampled_from([None, dt.UTC])), "string"),
    leaf(dt.timedelta, st.timedeltas(dt.timedelta(0), dt.timedelta(days=900)), "string"),
    leaf(uuid.UUID, st.uuids(), "string"),
    leaf(decimal.Decimal, st.decimals(allow_nan=False, allow_infinity=False), "string"),
    leaf(bytes, st.binary(max_size=8), "string"),
    leaf(Annotated[int, msgspec.Meta(ge=1, le=9)], st.integers(1, 9), "number"),
    leaf(Annotated[int, annotated_types.Interval(gt=0, lt=10)], st.integers(1, 9), "number"),
    leaf(Annotated[float, annotated_types.Ge(0)], st.floats(0, 1e9), "number"),
    leaf(Annotated[int, msgspec.Meta(multiple_of=5)], st.integers(-9, 9).map(lambda n: n * 5), "number"),
    leaf(Annotated[str, annotated_types.Len(1, 3), "short"], TEXT.map(lambda text: text[:3] or "-"), "string"),
    leaf(Annotated[str, msgspec.Meta(pattern="^[ab]+$")], st.text("ab", min_size=1), "string"),
]


def lists(inner: Typed) -> st.SearchStrategy[Typed]:
    hint, values, _ = inner
    some = st.lists(values, max_size=3)
    choices: list[Typed] = [
        leaf(list[hint], some, "array"),  # type: ignore[valid-type]
        leaf(tuple[hint, ...], some.map(tuple), "array"),  # type: ignore[valid-type]
        leaf(tuple[hint, int], st.tuples(values, st.integers()), "array"),  # type: ignore[valid-type]
        leaf(Annotated[list[hint], annotated_types.MaxLen(3)], some, "array"),  # type: ignore[valid-type]
    ]
    return st.sampled_from(choices)


def sets(inner: Typed) -> st.SearchStrategy[Typed]:
    hint, values, _ = inner
    kind = frozenset if isinstance(hint, type) else set
    return st.just(leaf(kind[hint], st.frozensets(values, max_size=3).map(kind), "array"))


def dicts(inner: Typed) -> st.SearchStrategy[Typed]:
    hint, values, _ = inner
    choices: list[Typed] = [
        leaf(dict[str, hint], st.dictionaries(TEXT, values, max_size=3), "object"),  # type: ignore[valid-type]
        leaf(Mapping[int, hint], st.dictionaries(st.integers(), values, max_size=3), "object"),  # type: ignore[valid-type]
        leaf(
            dict[Colour, hint],  # type: ignore[valid-type]
            st.dictionaries(st.sampled_from(Colour), values, max_size=2),
            "object",
        ),
        leaf(dict[dt.date, hint], st.dictionaries(st.dates(), values, max_size=2), "object"),  # type: ignore[valid-type]
    ]
    return st.sampled_from(choices)


def optionals(inner: Typed) -> st.SearchStrategy[Typed]:
    hint, values, kinds = inner
    return st.just(leaf(hint | None, st.none() | values, *kinds, "null"))  # type: ignore[operator]


@st.composite
def unions(draw: st.DrawFn, inner: st.SearchStrategy[Typed]) -> Typed:
    hint, values, kinds = draw(inner)
    for other, other_values, other_kinds in draw(st.lists(inner, min_size=1, max_size=2)):
        if kinds.isdisjoint(other_kinds):
            hint, values, kinds = hint | other, values | other_values, kinds | other_kinds  # type: ignore[operator]
    return hint, values, kinds


@st.composite
def classes(draw: st.DrawFn, inner: st.SearchStrategy[Typed]) -> Typed:
    fields = draw(st.dictionaries(st.sampled_from(NAMES), inner, max_size=3))
    hints: dict[str, Any] = {name: hint for name, (hint, _, _) in fields.items()}
    values = {name: strategy for name, (_, strategy, _) in fields.items()}
    kind = draw(st.sampled_from(["attrs", "dataclass", "keyword dataclass", "TypedDict", "NamedTuple", "Struct"]))
    cls: Any
    match kind:
        case "attrs":
            cls = attrs.make_class("Thing", {name: attrs.field(type=hint) for name, hint in hints.items()}, frozen=True)
        case "dataclass" | "keyword dataclass":
            cls = dataclasses.make_dataclass("Thing", list(hints.items()), frozen=True, kw_only=kind != "dataclass")
        case "TypedDict":
            cls = functional_typed_dict("Thing", hints)
        case "NamedTuple":
            cls = functional_named_tuple("Thing", list(hints.items()))
        case _:
            cls = msgspec.defstruct("Thing", list(hints.items()), frozen=True)
    return leaf(cls, st.fixed_dictionaries(values).map(lambda given: cls(**given)), "object")


TYPES: st.SearchStrategy[Typed] = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        inner.flatmap(lists), inner.flatmap(dicts), inner.flatmap(optionals), unions(inner), classes(inner)
    ),
    max_leaves=6,
) | st.sampled_from(LEAVES).flatmap(sets)


def tool_for(*hints: object, strict: bool) -> FunctionTool:
    def function(**given: object) -> None: ...

    names = [f"p{index}" for index in range(len(hints))]
    function.__annotations__ = dict(zip(names, hints, strict=True))
    parameters = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names]
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return function_tool(function, strict_mode=strict)


def same(left: object, right: object) -> bool:
    """Equal, and of equal types all the way down as far as `repr` tells."""
    return left == right and type(left) is type(right)


@settings(deadline=None)
@given(st.data(), st.lists(TYPES, min_size=1, max_size=2), st.booleans())
def test_a_value_of_the_type_fits_the_schema_and_comes_back_equal(
    data: st.DataObject, types: list[Typed], strict: bool
) -> None:
    tool = tool_for(*(hint for hint, _, _ in types), strict=strict)
    jsonschema.Draft202012Validator.check_schema(tool.params_json_schema)
    args = {f"p{index}": data.draw(values) for index, (_, values, _) in enumerate(types)}
    given_json = to_json(args)
    jsonschema.validate(given_json, tool.params_json_schema, jsonschema.Draft202012Validator)
    text = msgspec.json.encode(given_json)
    parsed = tool.parse(text.decode())
    assert parsed == args
    assert all(same(parsed[name], args[name]) for name in args)
    assert tool.parse(msgspec.json.format(text, indent=2).decode()) == args


TEMPTING = ["red", "x", "5", "true", "null", "nan"]
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), SMALL_FLOATS, TEXT, st.sampled_from(TEMPTING)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | TEXT, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def disturbed(draw: st.DrawFn, value: Any) -> Any:
    """A JSON value with one place in it replaced by something else."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(value)))
        return {**value, key: draw(disturbed(value[key]))}
    if isinstance(value, list) and value and draw(st.booleans()):
        index = draw(st.integers(0, len(value) - 1))
        return [*value[:index], draw(disturbed(value[index])), *value[index + 1 :]]
    return draw(JSON)


UNCHECKED = frozenset({"format", "contentEncoding", "propertyNames"})


def has_formats(schema: object) -> bool:
    """Whether the validator does not look at everything that the schema says."""
    if isinstance(schema, Mapping):
        return not UNCHECKED.isdisjoint(schema) or any(map(has_formats, schema.values()))
    return isinstance(schema, list) and any(map(has_formats, schema))


def refused(tool: FunctionTool, text: str) -> str | None:
    """What the model is told if the arguments do not fit; it must be fit for the wire itself."""
    try:
        tool.parse(text)
    except BadArguments as error:
        return str(error).encode().decode()
    return None


@settings(deadline=None)
@given(st.data(), TYPES, st.booleans())
def test_whatever_the_schema_allows_is_taken_and_the_rest_is_refused_in_words(
    data: st.DataObject, typed: Typed, strict: bool
) -> None:
    hint, values, _ = typed
    tool = tool_for(hint, strict=strict)
    given_json = data.draw(disturbed(to_json({"p0": data.draw(values)})) | JSON)
    refusal = refused(tool, msgspec.json.encode(given_json).decode())
    assert refusal is None or refusal.startswith("`function` was not called, its arguments do not fit:\n- ")
    if jsonschema.Draft202012Validator(tool.params_json_schema).is_valid(given_json):
        assert refusal is None or has_formats(tool.params_json_schema)


@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda raw: raw.decode("utf-8", "surrogateescape")))
def test_any_text_is_arguments_or_is_refused(text: str) -> None:
    refused(tool_for(int, Colour, strict=True), text)

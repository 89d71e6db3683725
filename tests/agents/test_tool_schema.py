"""What a model is told of a function's parameters."""

import dataclasses
import datetime as dt
import enum
from typing import Annotated, Any, Generic, Literal, NewType, NotRequired, Required, TypedDict, TypeVar

import annotated_types
import attrs
import msgspec
import pydantic
import pytest
from typing_extensions import TypeAliasType

from engine.agents import FunctionTool, RunContext, ToolContext, function_tool
from engine.errors import SettingsError

NO_JSON_FORM = object()
T = TypeVar("T")
OrderNumber = NewType("OrderNumber", int)
Guests = TypeAliasType("Guests", Annotated[int, annotated_types.Ge(1)])


def properties(tool: FunctionTool) -> dict[str, Any]:
    found = tool.params_json_schema["properties"]
    assert isinstance(found, dict)
    return found


# ------------------------------------------------------------------------------------------------ strict and not
def weather(city: str, unit: Literal["c", "f"] = "c", days: int | None = None) -> str:
    """Get the weather."""
    return f"{city} {unit} {days}"


def test_strict_requires_every_key_and_null_stands_for_the_default() -> None:
    assert function_tool(weather).params_json_schema == {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "unit": {
                "anyOf": [
                    {"type": "string", "enum": ["c", "f"]},
                    {"type": "null", "description": 'Use the default, "c".'},
                ]
            },
            "days": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        },
        "required": ["city", "unit", "days"],
        "additionalProperties": False,
    }


def test_not_strict_tells_the_defaults() -> None:
    assert function_tool(weather, strict_mode=False).params_json_schema == {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "unit": {"type": "string", "enum": ["c", "f"], "default": "c"},
            "days": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
        },
        "required": ["city"],
    }


def test_null_and_absence_both_give_the_default() -> None:
    tool = function_tool(weather)
    assert tool.parse('{"city": "Oslo", "unit": null}') == tool.parse('{"city": "Oslo"}') == {"city": "Oslo"}
    assert tool.parse('{"city": "Oslo", "days": null}') == {"city": "Oslo", "days": None}


def test_no_parameters() -> None:
    @function_tool
    def now() -> str:
        return "now"

    assert now.params_json_schema == {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


def test_what_takes_null_anyway_is_given_null() -> None:
    @function_tool
    def f(a: Any = 3, b: Annotated[None, "nothing"] | Annotated[int, "a number"] = 3) -> None: ...

    assert properties(f) == {
        "a": {},
        "b": {"anyOf": [{"type": "integer", "description": "a number"}, {"type": "null", "description": "nothing"}]},
    }
    assert f.parse('{"a": null, "b": null}') == {"a": None, "b": None}


def test_a_default_without_a_json_form_is_not_told() -> None:
    @function_tool(strict_mode=False)
    def f(a: Any = NO_JSON_FORM, b: int = 3) -> None: ...

    assert properties(f) == {"a": {}, "b": {"type": "integer", "default": 3}}


@attrs.frozen
class Basket:
    size: int
    items: list[str] = attrs.field(factory=list)


def test_a_default_that_a_factory_makes_is_not_spelled_out() -> None:
    @function_tool
    def f(basket: Basket) -> None: ...

    assert properties(f)["basket"]["properties"]["items"]["anyOf"][1] == {
        "type": "null",
        "description": "Use the default.",
    }
    assert f.parse('{"basket": {"size": 1, "items": null}}') == {"basket": Basket(1, [])}


# ------------------------------------------------------------------------------------------------ descriptions
class Doc:
    """Stands in for `typing_extensions.Doc`."""

    def __init__(self, documentation: str) -> None:
        self.documentation = documentation


def test_descriptions_from_annotations_come_before_the_docstring() -> None:
    @function_tool
    def f(
        a: Annotated[str, "from the annotation"],
        b: Annotated[int, msgspec.Meta(ge=1, description="from Meta")],
        c: Annotated[int, pydantic.Field(le=5, description="from Field")],
        d: Annotated[list[Annotated[str, "one of them"]], Doc("all of them")],
        e: str,
    ) -> None:
        """Do it.

        Args:
            a: Not this.
            e: From the docstring.
        """

    assert properties(f) == {
        "a": {"type": "string", "description": "from the annotation"},
        "b": {"type": "integer", "minimum": 1, "description": "from Meta"},
        "c": {"type": "integer", "maximum": 5, "description": "from Field"},
        "d": {
            "type": "array",
            "items": {"type": "string", "description": "one of them"},
            "description": "all of them",
        },
        "e": {"type": "string", "description": "From the docstring."},
    }


@attrs.frozen
class Address:
    """Where somebody lives.

    Attributes:
        street: With the house number.
    """

    street: str
    city: Annotated[str, "The town."]


def test_classes_are_described_by_their_docstrings() -> None:
    @function_tool
    def f(address: Address, other: Annotated[Address, "The second home."]) -> None: ...

    assert properties(f)["address"] == {
        "title": "Address",
        "type": "object",
        "properties": {
            "street": {"type": "string", "description": "With the house number."},
            "city": {"type": "string", "description": "The town."},
        },
        "required": ["street", "city"],
        "additionalProperties": False,
        "description": "Where somebody lives.",
    }
    assert properties(f)["other"]["description"] == "The second home."


def test_docstrings_that_decorators_write_are_not_descriptions() -> None:
    @dataclasses.dataclass
    class Point:
        x: int

    def f(point: Point) -> None: ...

    f.__annotations__["point"] = Point
    assert "description" not in properties(function_tool(f))["point"]


# ------------------------------------------------------------------------------------------------ bounds
def test_bounds() -> None:
    @function_tool
    def f(
        a: Annotated[int, annotated_types.Gt(0), annotated_types.Lt(10)],
        b: Annotated[float, annotated_types.Interval(ge=0, le=1)],
        c: Annotated[str, annotated_types.Len(1, 5)],
        d: Annotated[list[int], annotated_types.MinLen(1), annotated_types.MaxLen(3)],
        e: Annotated[dict[str, int], annotated_types.MaxLen(3)],
        f: Annotated[int, msgspec.Meta(multiple_of=5)],
        g: Annotated[str, msgspec.Meta(pattern="^x")],
        h: Annotated[int | str | None, annotated_types.Ge(1), annotated_types.MaxLen(4)],
        i: Annotated[tuple[int, ...], annotated_types.MinLen(2)],
        j: Annotated[Annotated[int, annotated_types.Ge(1)], annotated_types.Le(2), NO_JSON_FORM],
    ) -> None: ...

    assert properties(f) == {
        "a": {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10},
        "b": {"type": "number", "minimum": 0, "maximum": 1},
        "c": {"type": "string", "minLength": 1, "maxLength": 5},
        "d": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3},
        "e": {"type": "object", "additionalProperties": {"type": "integer"}, "maxProperties": 3},
        "f": {"type": "integer", "multipleOf": 5},
        "g": {"type": "string", "pattern": "^x"},
        "h": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "maxLength": 4}, {"type": "null"}]},
        "i": {"type": "array", "items": {"type": "integer"}, "minItems": 2},
        "j": {"type": "integer", "minimum": 1, "maximum": 2},
    }


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (Annotated[str, annotated_types.Ge(1)], "parameter `x` of `f`: ge cannot bound str"),
        (Annotated[bool, annotated_types.MaxLen(1)], "parameter `x` of `f`: max_length cannot bound bool"),
        (Annotated[int | None, annotated_types.MaxLen(1)], "max_length cannot bound"),
        (Annotated[int, annotated_types.Ge("1")], "int cannot have these bounds: "),
        (Annotated[int, annotated_types.Ge(1.5)], "int cannot have these bounds: "),
        (Annotated[str, msgspec.Meta(pattern="a"), annotated_types.MinLen(-1)], "str cannot have these bounds: "),
        (Annotated[dt.date, annotated_types.Ge(dt.date(2026, 1, 1))], "ge cannot bound date"),
    ],
)
def test_bounds_that_make_no_sense_are_refused(hint: object, words: str) -> None:
    def f(x: object) -> None: ...

    f.__annotations__["x"] = hint
    with pytest.raises(SettingsError) as caught:
        function_tool(f)
    assert words in str(caught.value)


# ------------------------------------------------------------------------------------------------ classes
@attrs.frozen
class Card:
    number: str
    kind: Literal["card"] = "card"


@attrs.frozen
class Cash:
    kind: Literal["cash"] = "cash"


@attrs.frozen
class Line:
    dish: str
    parts: "list[Line]" = attrs.field(factory=list)


def test_a_union_of_classes() -> None:
    @function_tool
    def pay(by: Card | Cash) -> None: ...

    assert properties(pay)["by"] == {
        "anyOf": [
            {
                "title": "Card",
                "type": "object",
                "properties": {"number": {"type": "string"}, "kind": {"type": "string", "enum": ["card"]}},
                "required": ["number", "kind"],
                "additionalProperties": False,
            },
            {
                "title": "Cash",
                "type": "object",
                "properties": {"kind": {"type": "string", "enum": ["cash"]}},
                "required": ["kind"],
                "additionalProperties": False,
            },
        ]
    }
    assert pay.parse('{"by": {"kind": "cash"}}') == {"by": Cash()}
    assert pay.parse('{"by": {"number": "1"}}') == {"by": Card("1")}


def test_recursive_classes_and_only_those_are_references() -> None:
    @function_tool
    def order(first: Line, second: Annotated[Line, "More."], by: Card) -> None: ...

    schema = order.params_json_schema
    assert properties(order)["first"] == {"$ref": "#/$defs/Line"}
    assert properties(order)["second"] == {"anyOf": [{"$ref": "#/$defs/Line"}], "description": "More."}
    assert list(schema["$defs"]) == ["Line"]  # type: ignore[call-overload]
    assert properties(order)["by"]["title"] == "Card"
    parsed = order.parse(
        '{"first": {"dish": "a", "parts": [{"dish": "b"}]}, "second": {"dish": "c"}, "by": {"number": "1"}}'
    )
    assert parsed["first"] == Line("a", [Line("b")])


def test_two_recursive_classes_of_one_name_get_two_definitions() -> None:
    other = attrs.make_class("Line", {"parts": attrs.field(type=list["Line"], factory=list)})
    other.__annotations__ = {"parts": list[other]}  # type: ignore[valid-type]

    def f(a: Line, b: object) -> None: ...

    f.__annotations__["b"] = other
    tool = function_tool(f)
    assert list(tool.params_json_schema["$defs"]) == ["Line", "Line_2"]  # type: ignore[call-overload]
    assert properties(tool)["b"] == {"$ref": "#/$defs/Line_2"}


@attrs.frozen
class Page(Generic[T]):
    items: list[T]
    first: T
    number: int = 1


def test_generic_classes() -> None:
    @function_tool
    def f(page: Page[int], other: Page[Card]) -> None: ...

    assert properties(f)["page"]["properties"]["items"]["items"] == {"type": "integer"}
    assert properties(f)["other"]["properties"]["first"]["title"] == "Card"
    with pytest.raises(SettingsError, match=r"field `items` of Page .*: ~T has no JSON form"):

        @function_tool
        def g(page: Page) -> None: ...  # type: ignore[type-arg]


class Options(TypedDict, total=False):
    loud: bool
    name: Required[str]


class Later(TypedDict):
    when: "dt.date"
    note: "NotRequired[str]"


def test_typed_dicts() -> None:
    @function_tool(strict_mode=False)
    def f(options: Options, later: Later) -> None: ...

    assert properties(f)["options"]["required"] == ["name"]
    assert properties(f)["later"]["required"] == ["when"]
    assert f.parse('{"options": {"name": "x"}, "later": {"when": "2026-08-22"}}') == {
        "options": {"name": "x"},
        "later": {"when": dt.date(2026, 8, 22)},
    }


def test_attrs_aliases_and_what_is_not_given_to_init() -> None:
    @attrs.frozen
    class Account:
        _number: int
        label: str = attrs.field(init=False, default="x")

    def f(account: Account) -> None: ...

    f.__annotations__["account"] = Account
    tool = function_tool(f)
    assert list(properties(tool)["account"]["properties"]) == ["number"]
    assert tool.parse('{"account": {"number": 5}}') == {"account": Account(5)}


@dataclasses.dataclass
class Measured:
    value: int
    scale: dataclasses.InitVar[int]
    total: int = dataclasses.field(init=False)

    def __post_init__(self, scale: int) -> None:
        self.total = self.value * scale


def test_dataclass_init_variables_are_given_and_computed_fields_are_not() -> None:
    @function_tool
    def f(measured: Measured) -> None: ...

    assert list(properties(f)["measured"]["properties"]) == ["value", "scale"]
    assert f.parse('{"measured": {"value": 2, "scale": 3}}') == {"measured": Measured(2, 3)}


# ------------------------------------------------------------------------------------------------ other types
class Colour(enum.Enum):
    RED = "red"
    GREEN = 2


def test_aliases_enums_and_tuples() -> None:
    @function_tool
    def f(
        number: OrderNumber, guests: Guests, colour: Colour, members: Literal[Colour.RED, None], pair: tuple[int, str]
    ) -> None: ...

    assert properties(f) == {
        "number": {"type": "integer"},
        "guests": {"type": "integer", "minimum": 1},
        "colour": {"type": ["string", "integer"], "enum": ["red", 2]},
        "members": {"type": ["string", "null"], "enum": ["red", None]},
        "pair": {
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "prefixItems": [{"type": "integer"}, {"type": "string"}],
            "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        },
    }
    given = '{"number": 1, "guests": 2, "colour": 2, "members": "red", "pair": [1, "x"]}'
    assert f.parse(given) == {"number": 1, "guests": 2, "colour": Colour.GREEN, "members": Colour.RED, "pair": (1, "x")}


def test_bare_containers_hold_anything() -> None:
    @function_tool
    def f(a: list, b: dict, c: tuple, d: Any, e: object) -> None: ...  # type: ignore[type-arg]

    assert properties(f) == {
        "a": {"type": "array", "items": {}},
        "b": {"type": "object", "additionalProperties": {}},
        "c": {"type": "array", "items": {}},
        "d": {},
        "e": {},
    }


def test_a_union_tries_the_special_before_the_general() -> None:
    @function_tool
    def f(when: str | dt.date, amount: float | int, who: dict[str, str] | Card) -> None: ...

    parsed = f.parse('{"when": "2026-08-22", "amount": 5, "who": {"number": "5"}}')
    assert parsed == {"when": dt.date(2026, 8, 22), "amount": 5, "who": Card("5")}
    assert isinstance(parsed["amount"], int)
    parsed = f.parse('{"when": "today", "amount": 5.5, "who": {"name": "5"}}')
    assert parsed == {"when": "today", "amount": 5.5, "who": {"name": "5"}}


# ------------------------------------------------------------------------------------------------ refused declarations
def sum_all(*numbers: int) -> int:
    return sum(numbers)


def anything(**rest: int) -> int:
    return len(rest)


def late_context(city: str, ctx: RunContext[None]) -> str:
    return city


def untyped(city) -> str:  # type: ignore[no-untyped-def]
    return str(city)


def untyped_context(ctx, city: str) -> str:  # type: ignore[no-untyped-def]
    return city


def unknown_name(city: "Town") -> str:  # type: ignore[name-defined]  # noqa: F821
    return str(city)


def half_a_type(city: "int |") -> None: ...  # type: ignore[valid-type]  # noqa: F722


def strange(number: complex) -> None: ...


def nested(numbers: list[dict[str, complex]]) -> None: ...


def keys(numbers: dict[float, str]) -> None: ...


def lists_in_a_set(numbers: set[list[int]]) -> None: ...


def strange_choice(choice: Literal[b"x"]) -> None: ...


class Empty(enum.Enum):
    pass


def no_choice(choice: Empty) -> None: ...


class Booking:
    def cancel(self, number: int) -> None: ...


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (sum_all, "parameter `*numbers` of `sum_all`: a model cannot be told of it; take a list instead"),
        (anything, "parameter `**rest` of `anything`: a model cannot be told of it; take a dict, or a class"),
        (late_context, "parameter `ctx` of `late_context`: the context must be the first parameter"),
        (untyped, "parameter `city` of `untyped` has no type: write `city: str`"),
        (untyped_context, "parameter `ctx` of `untyped_context` has no type: write `ctx: ToolContext` if it takes"),
        (Booking.cancel, "`cancel` is not bound to an object: make the tool of a bound method, x.cancel"),
        (unknown_name, "`unknown_name`: name 'Town' is not defined. Annotations are read when the tool is made"),
        (half_a_type, "`half_a_type`: its annotations cannot be read: Forward reference must be an expression"),
        (
            strange,
            "parameter `number` of `strange`: complex has no JSON form that a model could be told of; use a plain",
        ),
        (nested, "values of items of parameter `numbers` of `nested`: complex has no JSON form"),
        (keys, "float cannot be a key: keys of a JSON object are strings"),
        (lists_in_a_set, "set[list[int]] cannot be: items of a set must be hashable, such as tuples"),
        (strange_choice, "b'x' stands for bytes; a choice is text, a number, true, false or null"),
        (no_choice, "the enum Empty has no members"),
    ],
)
def test_what_a_model_could_not_fill_in_is_refused_when_the_tool_is_made(function: Any, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        function_tool(function)
    assert words in str(caught.value)


def test_the_return_annotation_is_nobodys_business() -> None:
    def f(city: str) -> "Town":  # type: ignore[name-defined]  # noqa: F821
        return city

    assert list(properties(function_tool(f))) == ["city"]


def test_a_context_parameter_is_not_shown_to_the_model() -> None:
    class OwnContext(ToolContext[int]): ...

    def with_run_context(ctx: RunContext[str], a: int) -> None: ...
    def with_tool_context(ctx: ToolContext, a: int) -> None: ...
    def with_own(ctx: object, a: int) -> None: ...
    def by_name(*, ctx: RunContext[Any], a: int) -> None: ...

    with_own.__annotations__["ctx"] = Annotated[OwnContext, "mine"]
    for function in (with_run_context, with_tool_context, with_own, by_name):
        assert list(properties(function_tool(function))) == ["a"]

"""Arguments as models write them, and what a model is told when they do not fit."""

import datetime as dt
import enum
import uuid
from typing import Annotated, Any, Literal, NamedTuple

import attrs
import msgspec
import pytest

from engine.agents import FunctionTool, function_tool
from engine.errors import BadArguments, ToolFailed


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@attrs.frozen
class Line:
    dish: str
    count: Annotated[int, msgspec.Meta(ge=1, le=20)] = 1


@attrs.frozen
class Card:
    number: str
    kind: Literal["card"] = "card"


@attrs.frozen
class Cash:
    amount: float
    kind: Literal["cash"] = "cash"


class Point(NamedTuple):
    x: int
    y: int = 0


@attrs.frozen
class Even:
    number: int = attrs.field(validator=attrs.validators.in_([2, 4, 6]))


@attrs.frozen
class Fussy:
    word: str

    def __attrs_post_init__(self) -> None:
        raise LookupError


def tool_of(hint: object, default: object = None, *, strict: bool = True) -> FunctionTool:
    def f(x: Any) -> None: ...

    f.__annotations__["x"] = hint
    return function_tool(f, strict_mode=strict)


def complaint(tool: FunctionTool, text: str) -> str:
    with pytest.raises(BadArguments) as caught:
        tool.parse(text)
    first, _, rest = str(caught.value).partition("\n")
    assert first == f"`{tool.name}` was not called, its arguments do not fit:"
    return rest


# ------------------------------------------------------------------------------------------------ the text itself
@function_tool
def order(lines: list[Line], name: str, colour: Colour = Colour.RED) -> None: ...


@function_tool
def ping() -> None: ...


@pytest.mark.parametrize("text", ["", "  \n", "{}", "null", "\n{ }\n"])
def test_no_arguments_can_be_written_in_many_ways(text: str) -> None:
    assert ping.parse(text) == {}


def test_pretty_printed_json_and_line_breaks_in_strings() -> None:
    text = '{\n  "lines": [\n    {"dish": "two\nlines\tand a tab"}\n  ],\n  "name": "Ann"\n}\n'
    assert order.parse(text) == {"lines": [Line("two\nlines\tand a tab")], "name": "Ann"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"name": ', "- this is not JSON: Expecting value: line 1 column 10 (char 9)"),
        ("{'name': 'x'}", "- this is not JSON: Expecting property name enclosed in double quotes"),
        ('{"name": "x"} and more', "- this is not JSON: Extra data"),
        ('{"name": NaN}', "- this is not JSON: there is no NaN in JSON"),
        ("9" * 5000, "- this is not JSON: "),
        ("[1, 2]", "- expected one JSON object with the arguments, got an array of 2 items"),
        ('"Ann"', '- expected one JSON object with the arguments, got "Ann"'),
        ("[" * 100_000, "- the JSON is nested too deeply"),
    ],
)
def test_what_is_no_json_object_is_refused(text: str, words: str) -> None:
    assert complaint(order, text).startswith(words)


# ------------------------------------------------------------------------------------------------ messages
def test_all_problems_are_told_at_once_with_their_places() -> None:
    text = '{"lines": [{"dish": "soup"}, {"dish": 5, "count": 0, "sauce": true}], "nmae": "Ann", "colour": "green"}'
    assert complaint(order, text).split("\n") == [
        "- `nmae`: unknown; did you mean 'name'?",
        "- `lines[1].sauce`: unknown; there is 'count', 'dish'",
        "- `lines[1].dish`: expected a string, got 5",
        "- `lines[1].count`: expected an integer of at least 1 and at most 20, got 0",
        "- `name`: missing; expected a string",
        '- `colour`: expected one of "red", "blue", got "green"',
    ]


def test_bad_arguments_are_a_failed_tool() -> None:
    with pytest.raises(ToolFailed):
        order.parse("[]")


@pytest.mark.parametrize(
    ("hint", "given", "words"),
    [
        (int, '"many"', '`x`: expected an integer, got "many"'),
        (int, "2.5", "`x`: expected an integer, got 2.5"),
        (int, "true", "`x`: expected an integer, got true"),
        (int, "null", "`x`: expected an integer, got null"),
        (float, '"nan"', '`x`: expected a number, got "nan"'),
        (float, "1e999", "`x`: expected a number, got "),
        (bool, '"perhaps"', '`x`: expected true or false, got "perhaps"'),
        (str, "{}", "`x`: expected a string, got an object"),
        (str, "[1]", "`x`: expected a string, got an array of 1 item"),
        (dt.date, '"tomorrow"', '`x`: expected a date such as 2026-08-22, got "tomorrow"'),
        (dt.time, '"noon"', '`x`: expected a time such as 18:30:00, got "noon"'),
        (dt.datetime, "5", "`x`: expected a date and time such as 2026-08-22T18:30:00Z, got 5"),
        (dt.timedelta, '"an hour"', '`x`: expected a duration such as PT1H30M, got "an hour"'),
        (uuid.UUID, '"5"', '`x`: expected a UUID, got "5"'),
        (bytes, '"?"', '`x`: expected base64 text, got "?"'),
        (int | None, '""', '`x`: expected an integer or null, got ""'),
        (Literal["a"], '"b"', '`x`: expected "a", got "b"'),
        (Line, '{"dish": "a", "dihs": "b"}', "`x.dihs`: unknown; there is 'count'"),
        (Literal[1, 2], "true", "`x`: expected one of 1, 2, got true"),
        (tuple[int, int], "[1]", "`x`: expected an array of 2 items, got an array of 1 item"),
        (tuple[int, str], '["a", "b"]', '`x[0]`: expected an integer, got "a"'),
        (list[int], '{"a": 1}', "`x`: expected an array, got an object"),
        (Annotated[list[int], msgspec.Meta(min_length=2)], "[1]", "`x`: expected an array of at least 2 items, got"),
        (Annotated[set[int], msgspec.Meta(max_length=1)], "[1, 2]", "`x`: expected an array of at most 1 items, got"),
        (Annotated[dict[str, int], msgspec.Meta(min_length=1)], "{}", "`x`: expected an object of at least 1 entries"),
        (Annotated[str, msgspec.Meta(min_length=2)], '"a"', '`x`: expected a string of at least 2 characters, got "a"'),
        (Annotated[str, msgspec.Meta(pattern="^a")], '"b"', '`x`: expected a string that matches ^a, got "b"'),
        (Annotated[int, msgspec.Meta(multiple_of=5, gt=0)], "3", "expected an integer of more than 0, a multiple of 5"),
        (dict[int, str], '{"one": "a"}', '`x.one`: expected the key to be an integer, got "one"'),
        (dict[Colour, int], '{"pink": 1}', '`x.pink`: expected the key to be one of "red", "blue", got "pink"'),
        (dict[str, list[int]], '{"a": [1, "b"]}', '`x.a[1]`: expected an integer, got "b"'),
        (Point, '{"y": 1}', "`x.x`: missing; expected an integer"),
        (Point, "[1, 2]", "`x`: expected an object (Point), got an array of 2 items"),
        (Even, '{"number": 3}', "`x`: 'number' must be in [2, 4, 6] (got 3)"),
        (Fussy, '{"word": "a"}', "`x`: LookupError"),
        (set[Any], "[[1]]", "`x`: unhashable type: 'list'"),
        (str, '"' + "a" * 100 + '"x', "this is not JSON"),
        (int, '"' + "a" * 100 + '"', "`x`: expected an integer, got " + '"' + "a" * 59 + "…"),
    ],
)
def test_the_message_names_the_place_what_was_expected_and_what_was_given(hint: object, given: str, words: str) -> None:
    assert words in complaint(tool_of(hint), f'{{"x": {given}}}')


def test_the_message_about_a_union_is_about_the_member_that_was_meant() -> None:
    tool = tool_of(Card | Cash | list[int] | None)
    assert complaint(tool, '{"x": {"kind": "cash"}}') == "- `x.amount`: missing; expected a number"
    assert complaint(tool, '{"x": {"number": 5}}') == "- `x.number`: expected a string, got 5"
    assert complaint(tool, '{"x": [1, "a"]}') == '- `x[1]`: expected an integer, got "a"'
    described = tool_of(list[Annotated[int, "a count"]] | Annotated[bool, "or none"] | None)
    assert complaint(described, '{"x": ["a"]}') == '- `x[0]`: expected an integer, got "a"'
    assert complaint(described, '{"x": 5}') == "- `x`: expected an array or true or false or null, got 5"
    free = tool_of(dict[str, int] | Card)
    assert complaint(free, '{"x": {"number": 5, "kind": "gift"}}') == '- `x.kind`: expected an integer, got "gift"'
    everything = "an object (Card) or an object (Cash) or an array or null"
    assert complaint(tool, '{"x": 5}') == f"- `x`: expected {everything}, got 5"


def test_text_that_has_no_utf8_form_does_not_get_into_the_message() -> None:
    assert complaint(tool_of(int), '{"x": "\\ud800"}') == '- `x`: expected an integer, got "?"'
    assert complaint(tool_of(int), '{"\\udfff": 1}').startswith("- `?`: unknown")


# ------------------------------------------------------------------------------------------------ leniency
@pytest.mark.parametrize(
    ("hint", "given", "meant"),
    [
        (int, '"5"', 5),
        (int, "5.0", 5),
        (float, '"1.5"', 1.5),
        (float, "2", 2.0),
        (bool, '"true"', True),
        (bool, "0", False),
        (int | None, '"null"', None),
        (Literal[1, 2], '"2"', 2),
        (Literal[1, 2], "2.0", 2),
        (dict[int, int], '{"1": "2"}', {1: 2}),
        (dict[int, int] | dict[str, int], '{"1": 2}', {1: 2}),
        (dict[int, int] | dict[str, int], '{"one": 2}', {"one": 2}),
        (dt.time, '"19:30"', dt.time(19, 30)),
        (dt.datetime, '"2026-08-22 19:30"', dt.datetime(2026, 8, 22, 19, 30)),
        (dt.timedelta, "90", dt.timedelta(seconds=90)),
        (Line, '{"dish": "soup", "count": "3"}', Line("soup", 3)),
        (list[int] | None, '["1"]', [1]),
    ],
)
def test_numbers_and_booleans_may_be_text(hint: object, given: str, meant: object) -> None:
    assert tool_of(hint).parse(f'{{"x": {given}}}') == {"x": meant}


@pytest.mark.parametrize(
    ("hint", "given", "meant"),
    [
        (str | None, '"null"', "null"),
        (int | str, '"5"', "5"),
        (bool | str, '"true"', "true"),
        (dict[str, int | str], '{"a": "1"}', {"a": "1"}),
    ],
)
def test_text_stays_text_where_text_was_allowed(hint: object, given: str, meant: object) -> None:
    assert tool_of(hint).parse(f'{{"x": {given}}}') == {"x": meant}


def test_a_choice_tells_true_from_one() -> None:
    tool = tool_of(Literal[True, 1])
    assert tool.parse('{"x": 1}')["x"] is not True
    assert tool.parse('{"x": true}')["x"] is True


def test_unknown_arguments_are_passed_over_when_not_strict() -> None:
    tool = tool_of(Line, strict=False)
    assert tool.parse('{"x": {"dish": "a", "sauce": 1}, "y": 2}') == {"x": Line("a")}
    union = tool_of(Card | Cash, strict=False)
    assert union.parse('{"x": {"amount": 2, "coins": 3}}') == {"x": Cash(2.0)}

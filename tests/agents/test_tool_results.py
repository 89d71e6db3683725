"""What a tool returned, as the model reads it."""

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import io
import json
import pathlib
import types
import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

import attrs
import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.agents.tool_output import render
from engine.errors import ToolFailed, UnserialisableResult


class Colour(enum.Enum):
    RED = "red"
    BOTH = 3


class Loud(str): ...


class Money(int): ...


@attrs.frozen
class Booking:
    when: dt.date
    guests: int
    colour: Colour = Colour.RED


@dataclasses.dataclass
class Row:
    booking: Booking
    notes: set[str]


class Pair(NamedTuple):
    a: int
    b: str


@attrs.frozen
class Private:
    shown: int
    _hidden: str = "secret"


class Struct(msgspec.Struct):
    a: int
    b: int | msgspec.UnsetType = msgspec.UNSET


class Model(pydantic.BaseModel):
    when: dt.date
    parent: "Model | None" = None


class Array:
    """Like a numpy array or number."""

    def tolist(self) -> list[float]:
        return [1.5, 2.0]


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("as it is", "as it is"),
        ("", ""),
        (Loud("hey"), "hey"),
        (None, "null"),
        (True, "true"),
        (5, "5"),
        (1.5, "1.5"),
        (float("nan"), "null"),
        (Money(3), "3"),
        ([1, "a", None], '[1,"a",null]'),
        ({"b": 1, "a": 2}, '{"b":1,"a":2}'),
        ({1: "a", dt.date(2026, 8, 22): "b"}, '{"1":"a","2026-08-22":"b"}'),
        ({"text": "Grüße"}, '{"text":"Grüße"}'),
        (Booking(dt.date(2026, 8, 22), 2), '{"when":"2026-08-22","guests":2,"colour":"red"}'),
        (
            Row(Booking(dt.date(2026, 8, 22), 2), {"x"}),
            '{"booking":{"when":"2026-08-22","guests":2,"colour":"red"},"notes":["x"]}',
        ),
        (Pair(1, "x"), '{"a":1,"b":"x"}'),
        (Private(1), '{"shown":1}'),
        ({"b", "a", "c"}, '["a","b","c"]'),
        (frozenset({1, "a"}), '["a",1]'),
        ({None: 1, Colour.RED: 2}, '{"null":1,"red":2}'),
        (Struct(1), '{"a":1}'),
        (Struct(1, 2), '{"a":1,"b":2}'),
        ([Model(when=dt.date(2026, 8, 22))], '[{"when":"2026-08-22","parent":null}]'),
        ({"values": Array()}, '{"values":[1.5,2.0]}'),
        (Colour.BOTH, "3"),
        (uuid.UUID(int=5), '"00000000-0000-0000-0000-000000000005"'),
        (decimal.Decimal("1.50"), '"1.50"'),
        (pathlib.PurePosixPath("/a/b"), '"/a/b"'),
        (collections.deque([1, 2]), "[1,2]"),
        (types.MappingProxyType({"a": (1,)}), '{"a":[1]}'),
        (range(3), "[0,1,2]"),
        (dt.timedelta(minutes=90), '"PT5400S"'),
    ],
)
def test_what_the_model_reads(result: object, text: str) -> None:
    assert render(result) == text


def numbers() -> Iterator[int]:
    yield 1


def itself() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (b"raw", "`look` returned bytes, which cannot be made into JSON: "),
        ({"a": [b"raw"]}, "`look` returned dict, which cannot be made into JSON: there is no JSON form of bytes"),
        (bytearray(b"raw"), "`look` returned bytearray, which"),
        (memoryview(b"raw"), "`look` returned memoryview, which"),
        (io.StringIO(), "`look` returned StringIO, which cannot be made into JSON: there is no JSON form of StringIO"),
        ([numbers()], "`look` returned list, which cannot be made into JSON: there is no JSON form of generator"),
        (Booking, "`look` returned the class Booking, which cannot"),
        (itself(), "`look` returned list, which cannot be made into JSON: Recursion limit reached"),
        (
            {(1, 2): 3},
            "`look` returned dict, which cannot be made into JSON: Dict key must",
        ),
        (["\ud800"], "`look` returned list, which cannot be made into JSON: str is not valid UTF-8"),
        (2**80, "`look` returned int, which cannot be made into JSON: Integer exceeds 64-bit range"),
        (ValueError("x"), "`look` returned ValueError, which"),
    ],
)
def test_what_has_no_json_form(result: object, words: str) -> None:
    with pytest.raises(UnserialisableResult) as caught:
        render(result, "look")
    assert str(caught.value).startswith(words)
    assert isinstance(caught.value, ToolFailed)


def test_half_a_surrogate_pair_does_not_reach_the_wire() -> None:
    assert render("a\ud800b") == "a?b"


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    # no lone halves of surrogate pairs: they have no UTF-8 form
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(PLAIN.filter(lambda value: not isinstance(value, str)))
def test_plain_data_is_told_without_a_loss(value: object) -> None:
    assert json.loads(render(value)) == value

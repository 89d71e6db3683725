"""Frozen structs: frozen, compared by value, and to attrs and cattrs what a class of attrs' own is."""

from __future__ import annotations

import copy
import pickle
import weakref
from typing import Annotated, Any, ClassVar

import attrs
import pytest
from cattrs import Converter

from engine.wire.struct import UNSET, FrozenStruct, UnsetType, evolve


class Base(FrozenStruct, frozen=True, kw_only=True):
    type: ClassVar[str]
    event_id: str = ""


class Made(Base, frozen=True):
    type: ClassVar[str] = "made"
    item: Annotated[int, "marked"]
    text: str = "none"


@attrs.frozen
class AttrsBase:
    event_id: str = attrs.field(default="", kw_only=True)


@attrs.frozen
class AttrsMade(AttrsBase):
    item: Annotated[int, "marked"]
    text: str = "none"


def test_attrs_sees_the_fields_that_a_class_of_its_own_would_have() -> None:
    def of(cls: Any) -> list[tuple[str, object]]:
        return [(field.name, field.default) for field in attrs.fields(cls)]

    assert attrs.has(Made)
    assert of(Made) == of(AttrsMade) == [("event_id", ""), ("item", attrs.NOTHING), ("text", "none")]
    assert attrs.fields(Made)[1].type == Annotated[int, "marked"]
    assert attrs.fields(Base) is attrs.fields(Base)


def test_what_attrs_and_cattrs_do_with_an_object() -> None:
    made = Made(3, event_id="x")
    plain = {"event_id": "x", "item": 3, "text": "none"}
    assert attrs.asdict(made) == plain  # type: ignore[arg-type]  # mypy looks for the decorator
    assert Converter().unstructure(made) == plain
    assert Converter().structure(plain, Made) == made


class WithDefaults(FrozenStruct, frozen=True):
    fields: dict[str, int] = {}  # noqa: RUF012 - each object gets its own


def test_a_default_that_is_made_anew_is_a_factory_to_attrs_too() -> None:
    assert attrs.fields(WithDefaults)[0].default == attrs.Factory(dict)
    assert WithDefaults().fields is not WithDefaults().fields


def test_it_can_be_referred_to_weakly() -> None:
    made = Made(3)
    assert weakref.ref(made)() is made


def test_it_is_frozen_and_compared_by_value() -> None:
    made = Made(3)
    with pytest.raises(AttributeError):
        made.item = 4  # type: ignore[misc]
    assert made == Made(3) != Made(4)
    assert hash(made) == hash(Made(3))
    assert len({made, Made(3), Made(4)}) == 2


def test_evolving_changes_what_is_named_and_nothing_else() -> None:
    made = Made(3, text="old", event_id="x")
    assert evolve(made, text="new") == Made(3, text="new", event_id="x")
    assert made.text == "old"
    with pytest.raises(TypeError):
        evolve(made, nothing=1)


class WithUnset(FrozenStruct, frozen=True):
    value: int | UnsetType | None = UNSET


def test_unset_is_false_and_neither_none_nor_equal_to_anything_else() -> None:
    assert not UNSET
    assert UNSET not in (None, False, 0, "")
    assert repr(UNSET) == str(UNSET) == "UNSET"
    assert isinstance(UNSET, UnsetType)


def test_unset_stays_the_same_wherever_it_is_taken() -> None:
    made = WithUnset()
    for copied in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made), evolve(made), evolve(made, value=UNSET)):
        assert copied.value is UNSET
    assert attrs.asdict(made) == {"value": UNSET}  # type: ignore[arg-type]  # mypy looks for the decorator
    assert attrs.fields(WithUnset)[0].default is UNSET

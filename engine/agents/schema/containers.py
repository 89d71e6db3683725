"""Shapes with other shapes inside: arrays, objects with free keys, unions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import attrs

from engine._messages import KeyPath, describe
from engine.agents.schema.shapes import EXACT, Json, Misfit, Reading, SchemaWriter, Shape, problem_at


@attrs.frozen
class ListOf(Shape):
    """An array of any length: lists, sets, tuples with `...`."""

    item: Shape
    build: Callable[[list[object]], object]
    unique: bool = False
    shortest: int | None = None
    longest: int | None = None
    expects: str = "an array"
    container: ClassVar[type[object] | None] = list

    def schema(self, writer: SchemaWriter) -> Json:
        body: Json = {"type": "array", "items": self.item.schema(writer)}
        if self.unique:
            body["uniqueItems"] = True
        return body | _limits("Items", self.shortest, self.longest)

    def convert(self, value: object, reading: Reading, at: KeyPath) -> object:
        if not isinstance(value, list) or not _within(len(value), self.shortest, self.longest):
            raise self.refuse(value, at)
        items = _convert_all([(self.item, item, (*at, index)) for index, item in enumerate(value)], reading)
        try:
            return self.build(items)
        except TypeError as error:  # a set of values that cannot be hashed
            raise Misfit(problem_at(at, str(error))) from None


@attrs.frozen
class TupleOf(Shape):
    """An array with a shape for each place."""

    items: tuple[Shape, ...]
    container: ClassVar[type[object] | None] = list

    @property
    def expects(self) -> str:
        return f"an array of {len(self.items)} item{'' if len(self.items) == 1 else 's'}"

    def schema(self, writer: SchemaWriter) -> Json:
        bodies = [item.schema(writer) for item in self.items]
        different = [body for index, body in enumerate(bodies) if body not in bodies[:index]]
        # `items` stands beside `prefixItems` for readers of older drafts, which know only the former.
        # For readers of the present one it speaks of further items, and there are none.
        body: Json = {"type": "array", "minItems": len(bodies), "maxItems": len(bodies)}
        if len(different) > 1:
            return {**body, "prefixItems": bodies, "items": {"anyOf": different}}
        return {**body, "items": different[0] if different else {}}

    def convert(self, value: object, reading: Reading, at: KeyPath) -> object:
        if not isinstance(value, list) or len(value) != len(self.items):
            raise self.refuse(value, at)
        places = zip(self.items, value, strict=True)
        return tuple(_convert_all([(shape, item, (*at, i)) for i, (shape, item) in enumerate(places)], reading))


@attrs.frozen
class DictOf(Shape):
    """An object with keys that the model chooses."""

    key: Shape
    value: Shape
    key_schema: Json | None = None
    """What `propertyNames` says; None where any string is a key."""
    shortest: int | None = None
    longest: int | None = None
    expects: str = "an object"
    rank: int = 5
    container: ClassVar[type[object] | None] = dict

    def schema(self, writer: SchemaWriter) -> Json:
        body: Json = {"type": "object", "additionalProperties": self.value.schema(writer)}
        if self.key_schema is not None:
            body["propertyNames"] = self.key_schema
        return body | _limits("Properties", self.shortest, self.longest)

    def convert(self, value: object, reading: Reading, at: KeyPath) -> object:
        if not isinstance(value, dict) or not _within(len(value), self.shortest, self.longest):
            raise self.refuse(value, at)
        keys: list[object] = []
        problems: list[str] = []
        for key in value:
            try:
                # JSON has string keys only, so an integer key is always read from text
                keys.append(self.key.convert(key, attrs.evolve(reading, lenient=True), at))
            except Misfit:
                problems.append(
                    problem_at((*at, key), f"expected the key to be {self.key.expects}, got {describe(key)}")
                )
        values = _convert_all([(self.value, item, (*at, key)) for key, item in value.items()], reading, problems)
        return dict(zip(keys, values, strict=True))


@attrs.frozen
class Union(Shape):
    """A union. The first member that fits exactly is taken; without one, the first that fits generously."""

    members: tuple[Shape, ...]

    @property
    def takes_null(self) -> bool:
        return any(member.takes_null for member in self.members)

    @property
    def expects(self) -> str:
        return " or ".join(member.expects for member in self.members)

    def schema(self, writer: SchemaWriter) -> Json:
        return {"anyOf": [member.schema(writer) for member in self.members]}

    def convert(self, value: object, reading: Reading, at: KeyPath) -> object:
        for way in (EXACT, reading) if reading != EXACT else (EXACT,):
            for member in self.members:
                try:
                    return member.convert(value, way, at)
                except Misfit:
                    continue
        raise self._nearest_misfit(value, reading, at)

    def _nearest_misfit(self, value: object, reading: Reading, at: KeyPath) -> Misfit:
        """The problems of the member that was probably meant: the one with the fewest."""
        misfits: list[tuple[bool, int, Misfit]] = []
        for member in self.members:
            if member.container is None or not isinstance(value, member.container):
                continue
            try:
                member.convert(value, reading, at)
            except Misfit as misfit:
                other = isinstance(value, dict) and not member.tagged_as(value)
                misfits.append((other, len(misfit.problems), misfit))
        return min(misfits, key=lambda entry: entry[:2])[2] if misfits else self.refuse(value, at)


def _convert_all(
    places: Sequence[tuple[Shape, object, KeyPath]], reading: Reading, known: Sequence[str] = ()
) -> list[object]:
    """Convert every value, and complain of all that do not fit at once, after the problems known already."""
    converted: list[object] = []
    problems = list(known)
    for shape, value, at in places:
        try:
            converted.append(shape.convert(value, reading, at))
        except Misfit as misfit:
            problems.extend(misfit.problems)
    if problems:
        raise Misfit(*problems)
    return converted


def _within(length: int, shortest: int | None, longest: int | None) -> bool:
    return (shortest is None or length >= shortest) and (longest is None or length <= longest)


def _limits(what: str, shortest: int | None, longest: int | None) -> Json:
    return {f"{end}{what}": n for end, n in (("min", shortest), ("max", longest)) if n is not None}

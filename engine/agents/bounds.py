"""What `Annotated` adds to a type: a description, and bounds.

Bounds are recognised by the names of their attributes (`ge`, `max_length`...), which `msgspec.Meta`, the classes of
`annotated_types` and pydantic's `Field` have in common: none of these packages needs to be imported for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import attrs
import msgspec

NUMERIC = ("gt", "ge", "lt", "le", "multiple_of")
LENGTHS = ("min_length", "max_length")
NAMES = (*NUMERIC, *LENGTHS, "pattern")


@attrs.frozen
class Bounds:
    """The bounds that a type was annotated with; None where there is none."""

    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None
    multiple_of: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None

    @property
    def names(self) -> set[str]:
        """Those that are set."""
        return {name for name in NAMES if getattr(self, name) is not None}

    def only(self, names: Iterable[str]) -> Bounds:
        """Without any but these."""
        return Bounds(**{name: getattr(self, name) for name in self.names.intersection(names)})

    def on(self, hint: object) -> object:
        """The type with these bounds, for `msgspec`. Raises `TypeError` or `ValueError` if they make no sense."""
        return Annotated[hint, msgspec.Meta(**{name: getattr(self, name) for name in self.names})]

    def words(self, unit: str) -> str:
        """Them as the end of a phrase: ` of at least 1 and at most 8`. `unit` is what a length counts."""
        parts = [
            f"{words} {getattr(self, name)}"
            for name, words in (("gt", "more than"), ("ge", "at least"), ("lt", "less than"), ("le", "at most"))
            if getattr(self, name) is not None
        ]
        parts += [
            f"{words} {getattr(self, name)} {unit}"
            for name, words in (("min_length", "at least"), ("max_length", "at most"))
            if getattr(self, name) is not None
        ]
        text = f" of {' and '.join(parts)}" if parts else ""
        if self.multiple_of is not None:
            text += f", a multiple of {self.multiple_of}"
        return text if self.pattern is None else f"{text} that matches {self.pattern}"


def read_extras(extras: Iterable[object], known: Bounds) -> tuple[str, Bounds]:
    """The description (empty if there is none) and the bounds, on top of those known already."""
    description = ""
    found: dict[str, Any] = {}
    for extra in _flat(extras):
        if isinstance(extra, str):
            description = description or extra
            continue
        text = getattr(extra, "description", None) or getattr(extra, "documentation", None)
        description = description or (text if isinstance(text, str) else "")
        found |= {name: value for name in NAMES if (value := getattr(extra, name, None)) is not None}
    return description, attrs.evolve(known, **found)


def _flat(extras: Iterable[object]) -> Iterator[object]:
    for extra in extras:
        yield extra
        # pydantic's Field keeps its bounds in a list of their own
        nested = getattr(extra, "metadata", ())
        if isinstance(nested, list | tuple):
            yield from nested

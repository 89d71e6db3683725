"""Type hints, read: the type behind what surrounds it, its description, and its bounds.

Bounds are recognised by the names of their attributes (`ge`, `max_length`...), which `msgspec.Meta`, the classes of
`annotated_types` and pydantic's `Field` have in common: none of these packages needs to be imported for it.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

import attrs
import msgspec

from engine.errors import SettingsError

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
        """The names of the bounds that are set."""
        return {name for name in NAMES if getattr(self, name) is not None}

    def only(self, names: Iterable[str]) -> Bounds:
        """Return the bounds of these names, without the others."""
        return Bounds(**{name: getattr(self, name) for name in self.names.intersection(names)})

    def on(self, hint: object) -> object:
        """Return the type with these bounds, for `msgspec`. Raises `TypeError` or `ValueError`."""
        return Annotated[hint, msgspec.Meta(**{name: getattr(self, name) for name in self.names})]

    def describe(self, unit: str) -> str:
        """Return the bounds as the end of a phrase: ` of at least 1 and at most 8`. `unit` is what a length counts."""
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


NO_BOUNDS = Bounds()


def peel(hint: object, bounds: Bounds = NO_BOUNDS) -> tuple[object, str, Bounds]:
    """Return the type behind `Annotated`, `Required`, `NewType` and aliases, and their description and bounds."""
    description = ""
    while True:
        origin = typing.get_origin(hint)
        if origin is Annotated:
            found, bounds = _read_extras(typing.get_args(hint)[1:], bounds)
            description = description or found
            hint = typing.get_args(hint)[0]
        elif getattr(origin, "_name", None) in ("Required", "NotRequired", "ReadOnly", "Final"):
            hint = typing.get_args(hint)[0]
        elif hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        elif type(hint).__name__ == "TypeAliasType":
            hint = getattr(hint, "__value__")  # noqa: B009
        elif isinstance(hint, dataclasses.InitVar):
            hint = hint.type
        else:
            return hint, description, bounds


def resolve_hints(owner: object, where: str, namespace: Mapping[str, object] | None = None) -> dict[str, Any]:
    """Return the annotations of a class or function, with those that are strings evaluated. Raises `SettingsError`."""
    try:
        return typing.get_type_hints(owner, dict(namespace) if namespace is not None else None, include_extras=True)
    except NameError as error:
        raise SettingsError(
            f"{where}: {error}. Annotations are read when the tool is made: what they name has to be imported at "
            "run time (not under TYPE_CHECKING) and to stand at the top level of its module"
        ) from None
    except (TypeError, SyntaxError) as error:
        raise SettingsError(f"{where}: its annotations cannot be read: {error}") from None


def substitute(hint: object, meant: Mapping[object, object]) -> object:
    """Return the hint of a generic class's field, its type variables replaced by the types in `meant`."""
    if isinstance(hint, typing.TypeVar):
        return meant.get(hint, hint)
    parameters = getattr(hint, "__parameters__", ())
    if not parameters or isinstance(hint, type):
        return hint
    return hint[tuple(meant.get(parameter, parameter) for parameter in parameters)]  # type: ignore[index]


def show_hint(hint: object) -> str:
    """Return a type hint as a message shows it."""
    return hint.__qualname__ if isinstance(hint, type) and not typing.get_args(hint) else str(hint)


def _read_extras(extras: Iterable[object], known: Bounds) -> tuple[str, Bounds]:
    """Return the description (empty if there is none), and the bounds on top of those known already."""
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

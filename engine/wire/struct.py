"""The base of frozen data, and `UNSET`. The rule: events of the wire and of the session, the classes that the protocol
is made of, and what is made anew for each event are msgspec structs; all other data are attrs classes.

attrs sets each field of a frozen object by a call of its own: 1.4 us for six fields; and it compiles each class when it
is imported: 0.9 ms. msgspec makes the object in C, 0.1 us, and the class in 0.03 ms (Python 3.11). So what there is
much of is made by msgspec: events come by the hundreds, and the classes of the protocol are a hundred.
What attrs can do with its own classes (`fields`, `has`, `asdict`), and so what cattrs can, it can do with these: they
show it their fields.

`UNSET` is the value of a field that is not on the wire at all (`None` is JSON null). It is false.
"""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar, TypeVar, get_type_hints

import attrs
from msgspec import NODEFAULT, UNSET, Struct, UnsetType
from msgspec.structs import replace

__all__ = ["UNSET", "FrozenStruct", "UnsetType", "evolve"]

L = TypeVar("L", bound="FrozenStruct")


@cache
def _fields_of(cls: type[Struct]) -> object:
    """As attrs would have them: those of the base first."""
    defaults = dict(zip(reversed(cls.__struct_fields__), reversed(cls.__struct_defaults__), strict=False))
    types = get_type_hints(cls, include_extras=True)
    fields = {}
    for name in sorted(cls.__struct_fields__, key=list(types).index):
        fields[name] = attrs.field(type=types[name], default=_default(defaults.get(name, NODEFAULT)), kw_only=True)
    return attrs.fields(attrs.make_class(cls.__name__, fields, slots=False, init=False, repr=False, eq=False))


def _default(default: object) -> object:
    """As attrs says it."""
    if default is NODEFAULT:
        return attrs.NOTHING
    made = getattr(default, "factory", None)
    return default if made is None else attrs.Factory(made)


class _Fields:
    def __get__(self, _: object, cls: type[Struct]) -> object:
        return _fields_of(cls)


class FrozenStruct(Struct, frozen=True, weakref=True):
    """The base of frozen structs, which show attrs their fields."""

    __attrs_attrs__: ClassVar[Any] = _Fields()
    beside: ClassVar[tuple[str, ...]] = ()
    """Fields that are no keys on the wire: what they hold is written beside the others (`engine.wire.extra`)."""


def evolve(value: L, /, **changes: object) -> L:
    """The same with some fields changed, as `attrs.evolve` does it."""
    return replace(value, **changes)

"""What a tool returned, as the text that the model reads."""

from __future__ import annotations

import collections.abc as abc
import decimal
import os
from datetime import timedelta

import attrs

from engine._messages import type_name, wire_text
from engine.errors import UnserialisableResult
from engine.wire.struct import UNSET


def render(result: object, tool_name: str = "the tool") -> str:
    """The text of a result.

    A string goes as it is, `None` as `null`. Everything else is JSON: plain data, attrs classes, dataclasses, named
    tuples and msgspec structs (with the names of their fields, but for those that begin with an underscore or are
    `msgspec.UNSET`), enums, dates, UUIDs, decimals, paths, mappings, sequences, sets (in a fixed order, so that a run
    can be repeated), and objects with a `model_dump()` (pydantic) or a `tolist()` (numpy). A float that is not finite
    becomes `null`.

    Raises:
        UnserialisableResult: it has no JSON form: bytes, a file, a generator, an object that contains itself.
    """
    if isinstance(result, str):
        return wire_text(str(result))
    import orjson

    try:
        return orjson.dumps(result, _plain, orjson.OPT_NON_STR_KEYS).decode()
    except TypeError as error:
        reason = wire_text(str(error.__cause__ or error))
    raise UnserialisableResult(f"`{tool_name}` returned {type_name(result)}, which cannot be made into JSON: {reason}")


def _plain(value: object) -> object:
    """What `orjson` does not know by itself, one layer taken off."""
    if isinstance(value, type | bytes | bytearray | memoryview):
        raise TypeError(f"there is no JSON form of {type_name(value)}")
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, timedelta):
        import msgspec

        return msgspec.to_builtins(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if (names := _field_names(value)) is not None:
        fields = {name: getattr(value, name) for name in names if not name.startswith("_")}
        return {name: each for name, each in fields.items() if each is not UNSET}
    for method, options in (("model_dump", {"mode": "json"}), ("tolist", {})):
        if callable(dump := getattr(value, method, None)):
            return dump(**options)
    if isinstance(value, abc.Mapping):
        return dict(value)
    if isinstance(value, abc.Set):
        return _sorted(value)
    if isinstance(value, abc.Sequence):
        return list(value)
    raise TypeError(f"there is no JSON form of {type_name(value)}")


def _field_names(value: object) -> abc.Iterable[str] | None:
    """The fields of an attrs object, a named tuple or a msgspec struct; `orjson` knows dataclasses itself."""
    kind = type(value)
    if attrs.has(kind):
        return [field.name for field in attrs.fields(kind)]
    return getattr(kind, "_fields" if issubclass(kind, tuple) else "__struct_fields__", None)


def _sorted(values: abc.Set[object]) -> list[object]:
    try:
        return sorted(values)  # type: ignore[type-var]
    except TypeError:
        return sorted(values, key=repr)

"""What a tool returned, as the text that the model reads."""

from __future__ import annotations

import collections.abc as abc
import os

from engine.agents.wording import type_name, wire_text
from engine.errors import UnserialisableResult


def render(result: object, tool_name: str = "the tool") -> str:
    """The text of a result.

    A string goes as it is, `None` as `null`. Everything else is JSON: plain data, attrs classes, dataclasses, named
    tuples, enums, dates, UUIDs, decimals, paths, mappings, sequences, sets, and objects with a `model_dump()`
    (pydantic) or a `tolist()` (numpy). A float that is not finite becomes `null`.

    Raises:
        UnserialisableResult: it has no JSON form: bytes, a file, a generator, an object that contains itself.
    """
    if isinstance(result, str):
        return wire_text(str(result))
    import msgspec
    import orjson

    try:
        # bytes are kept as they are, so that orjson refuses them: a model can do nothing with base64
        plain = msgspec.to_builtins(result, builtin_types=_BYTES, str_keys=True, enc_hook=_plain)
        return orjson.dumps(plain).decode()
    except RecursionError:
        reason = "it contains itself"
    except (TypeError, ValueError) as error:
        reason = str(error)
    raise UnserialisableResult(
        f"`{tool_name}` returned {type_name(result)}, which cannot be made into JSON: {wire_text(reason)}"
    )


_BYTES = (bytes, bytearray, memoryview)


def _plain(value: object) -> object:
    """What `msgspec` does not know by itself, one layer taken off."""
    if callable(dump := getattr(value, "model_dump", None)):
        return dump(mode="json")
    if callable(numbers := getattr(value, "tolist", None)):
        return numbers()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, abc.Mapping):
        return dict(value)
    if isinstance(value, abc.Sequence | abc.Set) and not isinstance(value, _BYTES):
        return list(value)
    raise TypeError(f"there is no JSON form of {type_name(value)}")

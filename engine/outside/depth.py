"""How deep data nests, and what is in it, found out level by level."""

from __future__ import annotations

import math
from collections.abc import Iterable

MAX_DEPTH = 200
"""How deep JSON may nest: what is read must be possible to write again, inside of something else."""

_WRITTEN_LEVELS = 254
"""How deep orjson writes."""


def is_too_deep(text: str | bytes, value: object) -> bool:
    """Return whether a value that orjson has read from a text nests deeper than `MAX_DEPTH`.

    To find that out it is written again, but only if the text has so many brackets.
    """
    if brackets(text) <= MAX_DEPTH:
        return False
    import orjson

    for _ in range(_WRITTEN_LEVELS - MAX_DEPTH):
        value = [value]
    try:
        orjson.dumps(value)
    except TypeError:
        return True
    return False


def brackets(text: str | bytes) -> int:
    """Return how many brackets a JSON text opens, those inside strings too: it nests no deeper."""
    if isinstance(text, str):
        return text.count("[") + text.count("{")
    return text.count(b"[") + text.count(b"{")


def nests_deeper(value: object, levels: int) -> bool:
    """Return whether dicts and lists stand in each other on more than so many levels."""
    level: list[object] = [value]
    for _ in range(levels + 1):
        level = [inner for outer in level for inner in _children(outer)]
        if not level:
            return False
    return True


def holds_infinity(value: object) -> bool:
    """Return whether a number in JSON data, at any depth, is not finite."""
    level: list[object] = [value]
    while level:
        if any(type(each) is float and not math.isfinite(each) for each in level):
            return True
        level = [inner for outer in level for inner in _children(outer)]
    return False


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()

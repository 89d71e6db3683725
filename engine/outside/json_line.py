"""JSON that can always be written, whatever it is to hold, and always be looked at."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from engine.outside.depth import MAX_DEPTH
from engine.outside.printable import escape_json

_LONGEST_DECIMAL_BITS = 3000
_I64, _U64 = -(1 << 63), (1 << 64) - 1


def json_line(value: object) -> bytes:
    """Return a value as JSON on one line, without a line break at its end. Never raises for what it holds.

    What has no JSON form is replaced: lone surrogates by `?`, numbers beyond 64 bits by their digits as text, what is
    deeper than `MAX_DEPTH` by `…`, other classes by their `str`. Control characters are written as escapes, also those
    that JSON allows, so that the line is safe to look at.
    """
    try:
        data = orjson.dumps(value, _mapping_or_text)
    except TypeError:
        data = orjson.dumps(_plain(value, MAX_DEPTH))
    return escape_json(data)


def _mapping_or_text(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _plain(value: object, depth: int) -> object:
    match value:
        case bool() | None | float():
            return value
        case int():
            return int(value) if _I64 <= value <= _U64 else _digits(value)
        case str():
            return value.encode("utf-8", "replace").decode("utf-8")
        case Mapping() | list() | tuple() if depth == 0:
            return "…"
        case Mapping():
            return {str(_plain(str(name), 1)): _plain(each, depth - 1) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each, depth - 1) for each in value]
    return _plain(str(value), depth)


def _digits(number: int) -> str:
    return str(number) if number.bit_length() < _LONGEST_DECIMAL_BITS else hex(number)

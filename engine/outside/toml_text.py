"""TOML that somebody else wrote, read within stated limits."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from engine.outside.depth import nests_deeper

MAX_CHARACTERS = 256 * 1024
"""Characters of a text. `tomllib` is written in Python, and some of it takes a time that grows with the square."""

MAX_DEPTH = 50
"""How deep values nest, and parts of a dotted key."""

MAX_DIGITS = 1000
"""Digits of a number."""

_PLACE = re.compile(r"^(?P<what>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)$", re.DOTALL)
_LONG_KEY = re.compile(rf"(?<![\w\"'-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){{{MAX_DEPTH}}}")
_LONG_NUMBER = re.compile(rf"(?<![\w.])[+-]?[0-9](?:_?[0-9]){{{MAX_DIGITS}}}")


class NotToml(ValueError):
    """The text is not TOML, or beyond the limits. `line` and `column` are where, from 1; None where nobody knows."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def parse_toml(text: str) -> dict[str, Any]:
    """Return the table that a TOML text holds.

    Raises:
        NotToml: it is not TOML, or longer, deeper, or with longer numbers than is read here.
    """
    if len(text) > MAX_CHARACTERS:
        raise NotToml(f"it is longer than {MAX_CHARACTERS:,} characters")
    for pattern, what in (
        (_LONG_KEY, f"a key has more than {MAX_DEPTH} parts"),
        (_LONG_NUMBER, f"a number has more than {MAX_DIGITS} digits"),
    ):
        if (found := pattern.search(text)) is not None:
            raise NotToml(what, text.count("\n", 0, found.start()) + 1)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _at(str(error)) from None
    except RecursionError:
        raise _too_deep() from None
    except (ValueError, OverflowError) as error:  # dates, times and numbers that Python cannot hold
        raise NotToml(str(error)) from None
    if nests_deeper(data, MAX_DEPTH):
        raise _too_deep()
    return data


def _at(message: str) -> NotToml:
    match = _PLACE.match(message)
    return NotToml(message) if match is None else NotToml(match["what"], int(match["line"]), int(match["column"]))


def _too_deep() -> NotToml:
    return NotToml(f"it is nested deeper than {MAX_DEPTH} levels")

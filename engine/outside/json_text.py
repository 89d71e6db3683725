"""JSON that somebody else wrote, read within stated limits: arguments of calls, lines of logs and recordings.

The wire has a faster reader of its own (`engine.wire.codec`), with the same limit of depth. Of a key that stands twice
in an object the last value counts.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from engine.outside.depth import MAX_DEPTH, brackets, nests_deeper

MAX_DIGITS = 1000
"""Digits of a whole number. Python reads and writes long numbers in a time that grows with the square."""

MAX_CHARACTERS = 8 * 1024 * 1024
"""Characters of a text that is parsed in one step."""


class NotJson(ValueError):
    """The text is not JSON. The message says what is wrong, in one line; `line` is where, from 1."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


class BeyondLimits(NotJson):
    """The text is deeper, longer, or has longer numbers than is read here."""


class TooDeep(BeyondLimits):
    """The text is nested deeper than is read here."""


def parse_json(text: str | bytes, *, of_a_model: bool = False, most: int = MAX_CHARACTERS) -> Any:
    """Return the value of a JSON text.

    Args:
        text: characters, or UTF-8.
        of_a_model: allow control characters in strings, which models write as they are, and read a number beyond a
            float as infinity: whoever knows what it was to be says so.
        most: characters of the longest text that is read.

    Raises:
        NotJson: it is not JSON. `NaN` and `Infinity` are not.
        BeyondLimits: it may be, but it is beyond `most`, `MAX_DEPTH` or `MAX_DIGITS`, or a number is beyond a float.
    """
    if len(text) > most:
        raise BeyondLimits(f"it is longer than {most:,} characters")
    try:
        written = text if isinstance(text, str) else text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotJson(f"not UTF-8 (byte {error.start})", text.count(b"\n", 0, error.start) + 1) from None  # type: ignore[arg-type]
    try:
        value = json.loads(
            written,
            strict=not of_a_model,
            parse_constant=_refuse,
            parse_int=_whole,
            parse_float=_decimal if of_a_model else _finite,
        )
    except json.JSONDecodeError as error:
        raise NotJson(str(error), error.lineno) from None
    except RecursionError:
        raise _too_deep() from None
    if brackets(written) > MAX_DEPTH and nests_deeper(value, MAX_DEPTH):
        raise _too_deep()
    return value


def _too_deep() -> TooDeep:
    return TooDeep(f"the JSON is nested too deeply: {MAX_DEPTH} levels are read")


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise BeyondLimits(f"a number has more than {MAX_DIGITS} digits")
    return int(text)


def _decimal(text: str) -> float:
    if len(text) > MAX_DIGITS:
        raise BeyondLimits(f"a number has more than {MAX_DIGITS} digits")
    return float(text)


def _finite(text: str) -> float:
    number = _decimal(text)
    if not math.isfinite(number):
        raise BeyondLimits(f"the number {text[:40]} is beyond what can be held")
    return number


def _refuse(word: str) -> NoReturn:
    raise NotJson(f"there is no {word} in JSON")

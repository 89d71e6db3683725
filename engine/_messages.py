"""Puts values, types, places and errors into the words of a message.

The readers are an application's developer, and a model that has to correct its own call. What is quoted of others is
quoted in part, and without what a terminal would obey (`engine.outside.printable`).
"""

from __future__ import annotations

import json
import re
import reprlib
from collections.abc import Iterable, Mapping, Sequence

from engine.outside.printable import one_line

KeyPath = tuple[str | int, ...]
"""The keys and indices that lead to a value inside nested mappings and arrays."""

LONGEST_QUOTE = 60
"""Characters of a wrong value that a message repeats."""

_LOOKS_LIKE_A_KEY = re.compile(r"\b(?:sk|ek)[-_][\w*.…-]{4,}")
"""Servers repeat a refused key, with its middle starred out: what is left is still the key's."""

_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = LONGEST_QUOTE

_HIDDEN = "[key]"


def suggest(word: object, known: Iterable[str], otherwise: str | None = None) -> str:
    """Return the end of a message about a wrong word: `; did you mean 'x'?` if a known word is near.

    If none is near, return `otherwise`, or by default a list of the known words: `; there is 'x', 'y'`.
    """
    from difflib import get_close_matches

    words = sorted(set(known))
    if near := get_close_matches(str(word), words, 1):
        return did_you_mean(repr(near[0]))
    if otherwise is not None:
        return otherwise
    return f"; there is {', '.join(map(repr, words))}" if words else ""


def did_you_mean(meant: str) -> str:
    """Return the end of a message about a value that was probably meant otherwise."""
    return f"; did you mean {meant}?"


def quote(words: Sequence[str], conjunction: str = "and") -> str:
    """Return words in quotation marks as a list in a sentence: `'a', 'b', and 'c'`."""
    marked = [f"'{word}'" for word in words]
    if len(marked) < 3:
        return f" {conjunction} ".join(marked)
    return f"{', '.join(marked[:-1])}, {conjunction} {marked[-1]}"


def show(value: object) -> str:
    """Return `repr(value)`, cut in depth and length; the name of its class if it has none."""
    try:
        return shorten(_REPR.repr(value), LONGEST_QUOTE)
    except Exception:  # whatever a class of somebody else's does, or an integer of too many digits
        return f"<{type(value).__name__}>"


def shorten(text: str, limit: int = LONGEST_QUOTE) -> str:
    """Return the text on one line, cut to `limit` characters with dots at its end if it is longer."""
    return one_line(text if len(text) <= limit else f"{text[: limit - 3]}...")


def write_path(path: KeyPath) -> str:
    """Return `("item", "content", 0, "type")` as `item.content[0].type`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{shorten(step)}" if text else shorten(step)
    return text


def describe(value: object) -> str:
    """Return a JSON value in a few words: `"tomorrow"`, `null`, `an object`, `an array of 3 items`."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"an array of {len(value)} item{'' if len(value) == 1 else 's'}"
    if isinstance(value, str):
        value = value[: LONGEST_QUOTE + 1]  # what is beyond is not shown, and may be a megabyte
    return one_line(json.dumps(value, ensure_ascii=False), LONGEST_QUOTE)


def json_type(value: object) -> str:
    """Return what JSON calls the type of a value, with its article."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a decimal"
        case str():
            return "a string"
        case list() | tuple():
            return "an array"
        case Mapping():
            return "an object"
    return f"a {type(value).__name__}"


def type_name(value: object) -> str:
    """Return the name of a value's type, or of the value if it is a class itself."""
    return f"the class {value.__qualname__}" if isinstance(value, type) else type(value).__qualname__


def wire_text(text: str) -> str:
    """Return the text with lone halves of surrogate pairs replaced by `?`: they have no UTF-8 form to be sent in."""
    return text.encode("utf-8", "replace").decode("utf-8")


def error_text(error: BaseException) -> str:
    """Return the words of an error for a model: of a group, its members' words; its type where it has none."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(map(error_text, error.exceptions))
    try:
        return wire_text(str(error)) or type(error).__name__
    except Exception:  # whoever wrote the error may have written its words wrongly
        return type(error).__name__


def error_name(error: BaseException) -> str:
    """Return an error with its type, for a developer."""
    try:
        return repr(error)
    except Exception:  # as above
        return type(error).__name__


def without_keys(text: str) -> str:
    """Return the text with everything that looks like a key taken out."""
    return _LOOKS_LIKE_A_KEY.sub(_HIDDEN, text)

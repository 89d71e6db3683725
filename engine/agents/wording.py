"""Words for messages: what was given, what was probably meant, and text that is fit for the wire.

The readers are an application's developer, and a model that has to correct its own call.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

LONGEST_QUOTE = 60
"""Characters of a wrong value that a message repeats."""

_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def nearest(word: object, known: Iterable[str]) -> str:
    """A hint that ends a message: `; did you mean 'x'?`, or the words there are, or nothing."""
    from difflib import get_close_matches

    words = sorted(set(known))
    if close := get_close_matches(str(word), words, n=1, cutoff=0.6):
        return f"; did you mean {close[0]!r}?"
    return f"; there is {', '.join(map(repr, words))}" if words else ""


def said(value: object) -> str:
    """A JSON value in a few words: `"tomorrow"`, `null`, `an object`, `an array of 3 items`."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"an array of {len(value)} item{'' if len(value) == 1 else 's'}"
    text = wire_text(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"


def wire_text(text: str) -> str:
    """The text with lone halves of surrogate pairs replaced by `?`: they have no UTF-8 form to be sent in."""
    return text.encode("utf-8", "replace").decode("utf-8")


def error_text(error: BaseException) -> str:
    """What an error says, for a model to read. Of a group, what its members say; its type where it says nothing."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(map(error_text, error.exceptions))
    try:
        return wire_text(str(error)) or type(error).__name__
    except Exception:  # whoever wrote the error may have written its words wrongly
        return type(error).__name__


def error_name(error: BaseException) -> str:
    """An error with its type, for a developer to read."""
    try:
        return repr(error)
    except Exception:  # as above
        return type(error).__name__


def type_name(value: object) -> str:
    """The name of a value's type, or of the value if it is a type itself."""
    return f"the class {value.__qualname__}" if isinstance(value, type) else type(value).__qualname__


def snake_case(name: str) -> str:
    """A name in lower case with underscores: `Billing Support` and `BillingSupport` give `billing_support`."""
    humps = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^A-Za-z0-9]+", "_", humps).strip("_").lower()


def is_tool_name(name: str) -> bool:
    """Whether a model's API takes the name: 1 to 64 letters, digits, underscores and hyphens."""
    return _TOOL_NAME.fullmatch(name) is not None

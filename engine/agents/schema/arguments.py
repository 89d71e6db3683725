"""The arguments of a call, from the text that the model wrote to the values that the function is given."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, NoReturn

from engine._messages import describe, wire_text
from engine.errors import BadArguments

if TYPE_CHECKING:
    from engine.agents.schema.records import Record


def read_object(text: str, tool_name: str) -> dict[str, object]:
    """The JSON object in the text. Empty text and `null` mean that there are no arguments.

    Models write line breaks into strings as they are, so those are allowed. `NaN` and `Infinity` are not.

    Raises:
        BadArguments: it is not JSON, or not an object.
    """
    if not text.strip():
        return {}
    try:
        value: object = json.loads(text, strict=False, parse_constant=_refuse_constant)
    except RecursionError:
        raise BadArguments(_complain(tool_name, ["the JSON is nested too deeply"])) from None
    except ValueError as error:
        raise BadArguments(_complain(tool_name, [f"this is not JSON: {wire_text(str(error))}"])) from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadArguments(
            _complain(tool_name, [f"expected one JSON object with the arguments, got {describe(value)}"])
        )
    return value


def convert(record: Record, values: dict[str, object], tool_name: str, *, strict: bool) -> object:
    """The values as the record builds them. Numbers and booleans given as text are converted.

    Raises:
        BadArguments: with a line for each thing that does not fit.
    """
    from engine.agents.schema.shapes import Misfit, Reading

    try:
        return record.convert(values, Reading(lenient=True, ignore_unknown=not strict), ())
    except Misfit as misfit:
        raise BadArguments(_complain(tool_name, misfit.problems)) from None


def _complain(tool_name: str, problems: Iterable[str]) -> str:
    lines = "\n".join(f"- {problem}" for problem in problems)
    return f"`{tool_name}` was not called, its arguments do not fit:\n{wire_text(lines)}"


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"there is no {word} in JSON")

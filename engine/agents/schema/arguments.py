"""The arguments of a call, from the text that the model wrote to the values that the function is given."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

from engine._messages import describe, wire_text
from engine.errors import BadArguments
from engine.outside.json_text import NotJson, TooDeep, parse_json
from engine.outside.printable import one_line

if TYPE_CHECKING:
    from engine.agents.schema.records import Record


_MOST_PROBLEMS, _LONGEST_PROBLEM = 20, 500
"""What a model is told of its mistakes: lines, and characters of a line."""


def read_object(text: str, tool_name: str) -> dict[str, object]:
    """The JSON object in the text. Empty text and `null` mean that there are no arguments.

    Models write line breaks into strings as they are, so those are allowed. `NaN` and `Infinity` are not.

    Raises:
        BadArguments: it is not JSON, or not an object.
    """
    if not text.strip():
        return {}
    try:
        value: object = parse_json(text, of_a_model=True)
    except TooDeep as error:
        raise BadArguments(_complain(tool_name, [str(error)])) from None
    except NotJson as error:
        raise BadArguments(_complain(tool_name, [f"this is not JSON: {error}"])) from None
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
    except RecursionError:  # a class that holds itself takes several steps for each level of the JSON
        raise BadArguments(_complain(tool_name, ["this JSON is nested too deeply"])) from None
    except OverflowError as error:  # a number that the type cannot hold
        raise BadArguments(_complain(tool_name, [f"a number is too large: {error}"])) from None


def _complain(tool_name: str, problems: Iterable[str]) -> str:
    rest = iter(problems)
    lines = [f"- {one_line(wire_text(problem), _LONGEST_PROBLEM)}" for problem in islice(rest, _MOST_PROBLEMS)]
    if left := sum(1 for _ in rest):
        lines.append(f"- and {left} more of that kind")
    told = "\n".join(lines)
    return f"`{tool_name}` was not called, its arguments do not fit:\n{told}"

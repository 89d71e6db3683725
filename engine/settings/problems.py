"""Puts into words what is wrong with a setting."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from engine.errors import SettingsError
from engine.wire.annotations import json_name
from engine.wire.check import Kind, Path, Problem, find_problem, quoted, written_path

_SECRETS = frozenset({"api_key", "authorization", "headers"})
_LONGEST_VALUE = 80


def check(value: object, annotation: object, path: Path) -> None:
    """Raises SettingsError if `annotation` does not accept `value`."""
    problem = find_problem(value, annotation, path)
    if problem is not None:
        raise SettingsError(worded(problem))


def check_keys(value: Mapping[Any, object], known: tuple[str, ...], path: Path) -> None:
    """Raises SettingsError for the first key of `value` that is not known."""
    for key, each in value.items():
        if key not in known:
            raise SettingsError(worded(Problem(Kind.UNKNOWN_KEY, (*path, str(key)), each, known=known)))


def shown(value: object, path: Path = ()) -> str:
    """The value and its type, cut to a readable length; nothing of what may be a secret."""
    if not _SECRETS.isdisjoint(path):
        return f"{json_name(value)} (not shown)"
    if value is None:
        return "None"
    text = repr(value)
    if len(text) > _LONGEST_VALUE:
        text = f"{text[: _LONGEST_VALUE - 3]}..."
    return f"{text} ({json_name(value)})"


def nearest(word: object, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` if there is an `x` to mean."""
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def worded(problem: Problem) -> str:
    """One sentence: the path, what was given, what is expected, and the nearest valid word."""
    place, given = written_path(problem.path), shown(problem.value, problem.path)
    match problem.kind:
        case Kind.UNKNOWN_KEY:
            hint = nearest(problem.path[-1], problem.known) or f"; valid keys: {', '.join(problem.known)}"
            return f"{place}: unknown key, holding {json_name(problem.value)}{hint}"
        case Kind.MISSING:
            choice = f", {quoted(problem.known, 'or')}" if problem.known else ""
            return f"{place}: missing{choice}"
        case Kind.TYPE:
            return f"{place}: expected {problem.expected}, got {given}"
        case Kind.VALUE:
            hint = nearest(problem.value, problem.known)
            return f"{place}: expected {problem.expected or quoted(problem.known, 'or')}, got {given}{hint}"
        case Kind.COMBINATION:
            allowed = " or ".join(f"['{each}']" for each in problem.known)
            return f"{place}: expected {allowed}, got {given}"
        case Kind.BELOW:
            return f"{place}: expected at least {problem.limit}, got {given}"
        case Kind.ABOVE:
            return f"{place}: expected at most {problem.limit}, got {given}"
        case Kind.TOO_LONG:
            return f"{place}: expected at most {problem.limit} characters, got {given}"
        case Kind.TOO_MANY:
            return f"{place}: expected at most {problem.limit} keys, got {given}"
        case Kind.BASE64:
            return f"{place}: expected base64, got {given}"

"""Holds what an application writes against the annotations it is meant for, and makes mappings into config objects.

What is wrong is found by `engine.wire.check`; here it becomes a SettingsError in words for the application's developer.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import attrs

from engine._messages import KeyPath, json_type, quote, show, suggest, without_keys, write_path
from engine.errors import SettingsError
from engine.wire.annotations import hints
from engine.wire.check import Problem, ProblemKind, find_problem

_WORD = re.compile(r"[a-z_.]{0,24}")

ConfigT = TypeVar("ConfigT", bound=attrs.AttrsInstance)


def check(value: object, annotation: object, path: KeyPath, *, hint: str = "") -> None:
    """Raise SettingsError if `annotation` does not accept `value`. `hint` says where a key goes that is unknown."""
    problem = find_problem(value, annotation, path)
    if problem is not None:
        raise SettingsError(describe_problem(problem, hint))


def check_fields(config: attrs.AttrsInstance, name: str, *fields: str) -> None:
    """Raise SettingsError if one of `fields` does not hold what its annotation says."""
    annotations = hints(type(config))
    for field in fields:
        check(getattr(config, field), annotations[field], (name, field))


def read_config(value: object, cls: type[ConfigT], name: str) -> ConfigT:
    """Return `value` as a `cls`: as it is, or made of a mapping; None stands for all defaults.

    Raises:
        SettingsError: it is neither, or has a key that `cls` has not.
    """
    if isinstance(value, cls):
        return value
    if value is None:
        return cls()
    if not isinstance(value, Mapping):
        given = describe_setting(value, secret=may_be_secret(value))
        raise SettingsError(f"{name}: expected a {cls.__name__} or a mapping, got {given}")
    known = tuple(field.name for field in attrs.fields(cls))
    for key, each in value.items():
        if key not in known:
            raise SettingsError(describe_problem(Problem(ProblemKind.UNKNOWN_KEY, (name, str(key)), each, known=known)))
    named: dict[str, Any] = dict(value)
    return cls(**named)


def may_be_secret(value: object) -> bool:
    """Tell whether a value that stands where an object belongs may be a key: a text that is no word of settings."""
    return isinstance(value, str) and _WORD.fullmatch(value) is None


def describe_setting(value: object, *, secret: bool = False) -> str:
    """Return the value and its type, cut to a readable length; nothing of what may be a secret.

    Of an object, and of an array of objects, only that it is one.
    """
    if secret or isinstance(value, bytes):
        return f"{json_type(value)} (not shown)"
    if value is None:
        return "None"
    if isinstance(value, Mapping) or (isinstance(value, list | tuple) and any(isinstance(e, Mapping) for e in value)):
        return json_type(value)
    return f"{without_keys(show(value))} ({json_type(value)})"


def describe_problem(problem: Problem, unknown_key: str = "") -> str:
    """Return one sentence: the path, what was given, what is expected, and the nearest valid word."""
    place = write_path(problem.path)
    given = describe_setting(problem.value, secret=problem.secret or "extra" in problem.path)
    match problem.kind:
        case ProblemKind.UNKNOWN_KEY:
            valid = f"; valid keys: {', '.join(problem.known)}{unknown_key}"
            hint = suggest(problem.path[-1], problem.known, valid)
            return f"{place}: unknown key, holding {json_type(problem.value)}{hint}"
        case ProblemKind.MISSING:
            choice = f", {quote(problem.known, 'or')}" if problem.known else ""
            return f"{place}: missing{choice}"
        case ProblemKind.TYPE:
            return f"{place}: expected {problem.expected}, got {given}"
        case ProblemKind.VALUE:
            expected = problem.expected or quote(problem.known, "or")
            return f"{place}: expected {expected}, got {given}{suggest(problem.value, problem.known, '')}"
        case ProblemKind.COMBINATION:
            allowed = " or ".join(f"['{each}']" for each in problem.known)
            return f"{place}: expected {allowed}, got {given}"
        case ProblemKind.BELOW:
            return f"{place}: expected at least {problem.limit}, got {given}"
        case ProblemKind.ABOVE:
            return f"{place}: expected at most {problem.limit}, got {given}"
        case ProblemKind.TOO_LONG:
            return f"{place}: expected at most {problem.limit} characters, got {given}"
        case ProblemKind.TOO_MANY:
            return f"{place}: expected at most {problem.limit} keys, got {given}"
        case ProblemKind.BASE64:
            return f"{place}: expected base64, got {given}"

"""Checks of what a declaration was given, each with an error that says what would be right."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence

from engine._messages import type_name
from engine.errors import SettingsError

_TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def check_tool_name(name: object, where: str) -> None:
    """A name that a model's API takes: 1 to 64 letters, digits, underscores and hyphens."""
    if not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
        raise SettingsError(
            f"{name!r} cannot be the name of a tool: 1 to 64 letters, digits, underscores and hyphens can; give {where}"
        )


def check_callable(function: object, where: str, parameters: Sequence[str]) -> None:
    """Something that can be called with these arguments, by position."""
    wanted = f"a function of ({', '.join(parameters)})"
    if not callable(function):
        raise SettingsError(f"{where}: expected {wanted}, got {type_name(function)}")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions do not say
        return
    try:
        signature.bind(*parameters)
    except TypeError as error:
        given = f"{function_name(function)}{signature}"
        raise SettingsError(f"{where}: expected {wanted}, but {given} cannot take that: {error}") from None


def check_flag(flag: object, where: str, parameters: Sequence[str]) -> None:
    """True, False, or a function that decides."""
    if isinstance(flag, bool):
        return
    if not callable(flag):
        wanted = f"a bool or a function of ({', '.join(parameters)})"
        raise SettingsError(f"{where}: expected {wanted}, got {type_name(flag)}")
    check_callable(flag, where, parameters)


def check_seconds(seconds: object, where: str) -> None:
    """A positive number of seconds, or None."""
    if seconds is None:
        return
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise SettingsError(f"{where}: expected seconds, got {type_name(seconds)}")
    if not 0 < seconds < float("inf"):
        raise SettingsError(f"{where}: expected more than 0 seconds, got {seconds!r}; None means no limit")


def function_name(function: object) -> str:
    """Return the name of a function, or of the class of an object that is called like one."""
    name: str = getattr(function, "__name__", type(function).__name__)
    return name

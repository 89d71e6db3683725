"""Discretion: errors that leave the place where a secret was given without showing it.

A traceback keeps the frames that it has passed, and a frame keeps its arguments: whoever prints tracebacks with local
variables, as collectors of errors do, prints what a function was given. So a function that is given secrets in the
open is marked `discreet`: its errors begin where it was called.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from engine.errors import EngineError

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type)
E = TypeVar("E", bound=BaseException)


def bare(error: E) -> E:
    """Return an error, and what caused it, without their frames and without what they were raised in the middle of."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        each.__traceback__ = None
        cause = each.__cause__
        each.__context__ = None
        each.__cause__ = cause
        for inner in cause.exceptions if isinstance(cause, BaseExceptionGroup) else ():
            bare(inner)
        each = cause
    return error


def discreet(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function, or an async one, whose own errors (`EngineError`) show nothing of its arguments."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def begin(*args: Any, **named: Any) -> Any:
            try:
                return await function(*args, **named)
            except EngineError as error:
                failure = bare(error)
            finally:
                del args, named
            raise failure

        return cast("Callable[P, R]", begin)

    @functools.wraps(function)
    def call(*args: P.args, **named: P.kwargs) -> R:
        try:
            return function(*args, **named)
        except EngineError as error:
            failure = bare(error)
        finally:
            del args, named
        raise failure

    return call


def discreet_class(cls: C) -> C:
    """Make the constructor of a class `discreet`."""
    cls.__init__ = discreet(cls.__init__)  # type: ignore[misc]
    return cls

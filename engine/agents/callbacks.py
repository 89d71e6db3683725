"""Calling what an application wrote, sync or async alike."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol, TypeVar, cast

R = TypeVar("R")


class RunSync(Protocol):
    """Runs a function that may block: in a thread in production, at once in tests."""

    def __call__(self, function: Callable[[], R], /) -> Awaitable[R]: ...


def is_async(function: Callable[..., object]) -> bool:
    """Whether calling it gives a coroutine (functions, partials, bound methods, objects with an async `__call__`)."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


async def await_if_needed(value: R | Awaitable[R]) -> R:
    """Return the value, or what awaiting it gives."""
    if inspect.isawaitable(value):
        return await cast("Awaitable[R]", value)
    return value


async def decide(flag: bool | Callable[..., bool | Awaitable[bool]], *args: object) -> bool:
    """Return a flag, or the answer of the sync or async function that decides it."""
    return flag if isinstance(flag, bool) else bool(await await_if_needed(flag(*args)))


async def call_either(
    function: Callable[..., R | Awaitable[R]], run_sync: RunSync, /, *args: object, **named: object
) -> R:
    """Await an async function; give a sync one to `run_sync`, and await what it returns if that is awaitable."""
    if is_async(function):
        return await await_if_needed(function(*args, **named))
    return await await_if_needed(await run_sync(partial(function, *args, **named)))

"""Application code: whatever a tool, a guardrail, a hook or a listener raises, it ends that call and nothing else.

    raised                          what it means
    Exception                       the call failed
    SystemExit, GeneratorExit,      the call failed: `CallbackEscape`
    another library's cancellation
    trio.Cancelled                  the session's own if a scope around the call is cancelled: it goes on its way.
                                    Otherwise (the outcome of another task, say) the call failed: `CallbackEscape`
    KeyboardInterrupt               the user wants the program to stop: it is told to as Ctrl-C tells it, and the call
                                    failed

`isolate_errors` stands around every call of it, and `except Exception` around that. The engine's own tasks are
protected from Ctrl-C, so that it always comes out of the program's main task, whichever way the session was opened; a
task of the engine that runs application code takes the protection off with `interruptible` for as long.
"""

from __future__ import annotations

import math
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import trio

from engine._messages import error_name
from engine.core.inputs import CallbackFailed
from engine.errors import EngineError

R = TypeVar("R")


class CallbackEscape(Exception):
    """Application code raised what no program is expected to catch; it is the cause of this."""


@contextmanager
def isolate_errors(*, waits: bool = True) -> Iterator[None]:
    """Let an `Exception` out as it is, and the session's own cancellation; make a `CallbackEscape` of anything else.

    What a function raises beside its cancellation is dropped: nobody waits for it any more.

    Args:
        waits: the function may wait, so that the session's own cancellation may come out of it.

    Raises:
        CallbackEscape: what was raised is its cause.
    """
    caller = trio.lowlevel.current_task()
    try:
        yield
    except Exception:
        raise
    except BaseException as error:
        if _holds(error, KeyboardInterrupt):
            interrupt_program()
        if waits and _is_our_end(error, caller):
            raise _only_cancelled(error) from None
        raise CallbackEscape("; ".join(map(_name, _leaves(error)))) from error


def _holds(error: BaseException, kind: type[BaseException]) -> bool:
    """Return whether an error is of a kind, or a group that has one of it."""
    return isinstance(error, kind) or (isinstance(error, BaseExceptionGroup) and error.subgroup(kind) is not None)


def _is_our_end(error: BaseException, caller: trio.lowlevel.Task) -> bool:
    """Return whether an error ends the caller, too: a cancellation around it, or the closing of its coroutine, which
    is done outside of it."""
    if isinstance(error, GeneratorExit):
        return not trio.lowlevel.in_trio_task() or trio.lowlevel.current_task() is not caller
    return _holds(error, trio.Cancelled) and trio.current_effective_deadline() == -math.inf


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error


def _name(error: BaseException) -> str:
    """Return an error in words that are the same in every run: a cancellation's own tell where objects lie."""
    return "Cancelled" if isinstance(error, trio.Cancelled) else repr(error)


def _only_cancelled(error: BaseException) -> BaseException:
    """Return what is left of an error without all that was raised beside a cancellation."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    cancelled, _ = error.split(trio.Cancelled)
    assert cancelled is not None
    return cancelled


@trio.lowlevel.enable_ki_protection
def interrupt_program() -> None:
    """Tell the program to stop as Ctrl-C does: trio raises KeyboardInterrupt in its main task."""
    if callable(signal.getsignal(signal.SIGINT)):
        signal.raise_signal(signal.SIGINT)


@trio.lowlevel.disable_ki_protection
async def interruptible(call: Callable[[], Awaitable[R]]) -> R:
    """Await what a function gives, in a task that is otherwise protected from Ctrl-C."""
    return await call()


def callback_failed(failed: str, error: Exception) -> CallbackFailed:
    """Return the report that a function of the application's failed; `failed` says which, and that it did."""
    told = EngineError(f"{failed}: {error_name(error)}")
    told.__cause__ = error
    return CallbackFailed(told)

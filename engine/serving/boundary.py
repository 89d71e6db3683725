"""The boundary of faults around one conversation: what goes wrong inside ends that conversation, and nothing else."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable

import attrs
import trio

LOGGER = logging.getLogger("engine.serving")
INTERNAL_ERROR = 1011
"""The close code that tells a client of a fault."""
LAST_WORD = "internal error"
"""The reason that goes with it. The fault itself is told in the log only."""
TELLING_SECONDS = 2.0
"""How long it may take to tell a client of a fault."""


@attrs.frozen
class Raised:
    """What was raised inside of a boundary, taken apart."""

    fault: BaseException | None
    """What stays inside: an error of this conversation."""
    passing: BaseException | None
    """What is not the conversation's: its cancellation, KeyboardInterrupt, SystemExit."""


async def contain(work: Callable[[], Awaitable[None]], *, whose: str, tell: Callable[[], Awaitable[None]]) -> bool:
    """Do the work of one conversation, and keep its faults inside.

    A fault is any `Exception`, alone or in a group, and a `trio.Cancelled` that no scope around this call has asked
    for, as it comes out of the outcome of a task that was cancelled elsewhere. It is logged with its trace to
    `engine.serving`.

    Args:
        work: serves the conversation.
        whose: names the conversation in the log.
        tell: tells the client, after a fault. It is given `TELLING_SECONDS`, and its own errors are dropped.

    Returns:
        True: the work ended without a fault.

    Raises:
        BaseException: what passes: cancellation from outside, KeyboardInterrupt, SystemExit, GeneratorExit.
    """
    try:
        await work()
    except BaseException as error:
        raised = sort(error, cancelled=is_cancelled())
        if raised.fault is not None:
            LOGGER.error("%s ended by a fault", whose, exc_info=raised.fault)
        if raised.passing is error:
            raise
        if raised.passing is not None:
            raise raised.passing from None
    else:
        return True
    with trio.move_on_after(TELLING_SECONDS):
        try:
            await tell()
        except Exception as error:  # the client is gone already, or the fault has taken the way to it
            LOGGER.debug("%s could not be told of its fault: %r", whose, error)
    return False


def is_cancelled() -> bool:
    """Return whether a scope around the running task is cancelled."""
    return trio.current_effective_deadline() == -math.inf


def sort(error: BaseException, *, cancelled: bool) -> Raised:
    """Tell the fault of a conversation from what has to pass.

    Args:
        error: what was raised.
        cancelled: whether a scope around the conversation is cancelled.
    """

    def passes(each: BaseException) -> bool:
        if isinstance(each, trio.Cancelled):
            return cancelled
        return not isinstance(each, (Exception, BaseExceptionGroup))

    if isinstance(error, BaseExceptionGroup):
        passing, fault = error.split(passes)
        if passing is None or fault is None:  # all of it: as it was raised, not the copy that `split` makes
            return Raised(error, None) if passing is None else Raised(None, error)
        return Raised(fault, passing)
    return Raised(None, error) if passes(error) else Raised(error, None)

"""Application code: whatever a tool, a guardrail, a hook or a listener raises, it must not end the session.

`isolate_errors` stands around every call of it, and `except Exception` around that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio

from engine._messages import error_name
from engine.core.inputs import CallbackFailed
from engine.errors import EngineError

_ENDS = (trio.Cancelled, KeyboardInterrupt, GeneratorExit)
"""What ends the one who calls, too."""


class CallbackEscape(Exception):
    """Application code raised what no program is expected to catch: `SystemExit`, another library's cancellation."""


@contextmanager
def isolate_errors() -> Iterator[None]:
    """Let an `Exception` out as it is, and a cancellation by trio; make an `Exception` of anything else.

    What a function raises beside its cancellation is dropped: nobody waits for it any more.

    Raises:
        CallbackEscape: what was raised is its cause.
    """
    try:
        yield
    except (Exception, *_ENDS):
        raise
    except BaseExceptionGroup as group:
        ends, _ = group.split(_ENDS)
        if ends is not None:
            raise ends from None
        raise CallbackEscape(repr(group)) from group
    except BaseException as error:
        raise CallbackEscape(repr(error)) from error


def callback_failed(failed: str, error: Exception) -> CallbackFailed:
    """Return the report that a function of the application's failed; `failed` says which, and that it did."""
    told = EngineError(f"{failed}: {error_name(error)}")
    told.__cause__ = error
    return CallbackFailed(told)

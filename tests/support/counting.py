"""How much work something is, in lines of Python that are run: the same on every machine and in every run."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import FrameType


def lines_run(work: Callable[[], object]) -> int:
    """The number of lines that `work` runs, in all functions that it calls."""
    count = 0

    def trace(frame: FrameType, event: str, arg: object) -> object:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    gc.disable()  # a collection calls whoever listens for collections, Hypothesis among them, and those lines count too
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
        gc.enable()
    return count

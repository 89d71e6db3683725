"""Whether two sequences of JSON values are the same, and where they first differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest

import attrs

from engine._messages import KeyPath, shorten, write_path

_LONGEST = 160


@attrs.frozen
class Mismatch:
    """The first place where a replay is not what was recorded."""

    what: str
    """`sent`, `events` or `audio`."""
    index: int
    """From 0, among those that are compared."""
    line: int | None
    """Of the recording; None: the recording had nothing more."""
    path: str
    """Into the event; empty: all of it."""
    recorded: object
    now: object

    @property
    def sentence(self) -> str:
        """For people."""
        place = f"{self.what}[{self.index}]" + (f".{self.path}" if self.path else "")
        where = "" if self.line is None else f" (line {self.line})"
        return f"{place}{where}: recorded {_describe(self.recorded)}, now {_describe(self.now)}"


def first_difference(
    what: str, recorded: Sequence[tuple[int, object]], now: Sequence[object], *, tolerance_ms: float
) -> Mismatch | None:
    """The first difference, or None. `recorded` are values with their lines.

    Numbers whose name ends in `_ms` may differ by `tolerance_ms`: how much had been heard depends on how busy the
    machine was.
    """
    nothing = object()
    for index, (was, value) in enumerate(zip_longest(recorded, now, fillvalue=nothing)):
        if was is nothing:
            return Mismatch(what, index, None, "", None, value)
        assert isinstance(was, tuple)
        line, before = was
        if value is nothing:
            return Mismatch(what, index, line, "", before, None)
        found = _differs(before, value, (), tolerance_ms)
        if found is not None:
            path, *values = found
            return Mismatch(what, index, line, write_path(path), *values)
    return None


def _differs(
    before: object, value: object, path: KeyPath, tolerance_ms: float
) -> tuple[KeyPath, object, object] | None:
    if isinstance(before, Mapping) and isinstance(value, Mapping):
        for key in (*before, *(key for key in value if key not in before)):
            step = (*path, str(key))
            if key not in before or key not in value:
                return step, before.get(key), value.get(key)
            found = _differs(before[key], value[key], step, tolerance_ms)
            if found is not None:
                return found
        return None
    if isinstance(before, list | tuple) and isinstance(value, list | tuple):
        for index, (one, other) in enumerate(zip_longest(before, value)):
            found = _differs(one, other, (*path, index), tolerance_ms)
            if found is not None:
                return found
        return None
    if path and str(path[-1]).endswith("_ms") and isinstance(before, int | float) and isinstance(value, int | float):
        return None if abs(before - value) <= tolerance_ms else (path, before, value)
    return None if before == value else (path, before, value)


def _describe(value: object) -> str:
    return "nothing" if value is None else shorten(repr(value), _LONGEST)

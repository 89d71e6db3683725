"""SessionLatency: what an application holds of the record of its session."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from engine._messages import show
from engine.clock import now_ns
from engine.errors import ReportError
from engine.latency.instants import KINDS, Value
from engine.latency.log import LogHeader
from engine.latency.overhead import EngineOverhead
from engine.latency.turns import TurnRecord
from engine.recorder.recorder import Recorder

MOST_NS = 2**63
_SURROGATE = re.compile("[\ud800-\udfff]")
LONGEST_TEXT = 10_000
"""Characters of a text in an instant."""


class SessionLatency:
    """A live view. All times are nanoseconds since the session began; `header.started_ns` is when that was, on the
    session's clock (`trio.current_time`)."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    @property
    def header(self) -> LogHeader:
        """What the record is about."""
        return self._recorder.header

    @property
    def turns(self) -> Sequence[TurnRecord]:
        """The last 64 turns, and those that are not over yet (`complete` is False), in the order in which they began.
        The log has all of them."""
        return self._recorder.turns

    @property
    def log_failed(self) -> OSError | None:
        """Why the log is not written any more, if that is so: the disk is full, or gone. The session goes on."""
        return self._recorder.log_failed

    @property
    def overhead(self) -> EngineOverhead:
        """What the engine itself adds, as histograms."""
        return self._recorder.overhead

    def mark(self, kind: str, at_ns: int | None = None, **fields: Value) -> None:
        """Tell what you know better than the engine: when the caller really spoke, when the agent was really heard.

        Args:
            kind: one of `engine.latency.instants.KINDS`.
            at_ns: when, on the session's clock; now by default. It may lie in the past.
            **fields: those of the kind.

        Raises:
            ReportError: there is no such kind, or it cannot be at that time or have such fields.
        """
        if not isinstance(kind, str) or kind not in KINDS:
            raise ReportError(f"no instant is of kind {show(kind)}: see engine.latency.instants.KINDS")
        now = now_ns()
        self._recorder.mark(kind, now if at_ns is None else _time(at_ns), _plain(fields), now)


def _time(at_ns: object) -> int:
    if isinstance(at_ns, bool) or not isinstance(at_ns, int) or not -MOST_NS < at_ns < MOST_NS:
        raise ReportError(f"at_ns is a whole number of nanoseconds on the session's clock, not {show(at_ns)}")
    return at_ns


def _plain(fields: Mapping[str, Value]) -> dict[str, Value]:
    for name, value in fields.items():
        whole = isinstance(value, int) and -MOST_NS < value < MOST_NS
        number = isinstance(value, float) and math.isfinite(value)
        text = isinstance(value, str) and len(value) <= LONGEST_TEXT and not _SURROGATE.search(value)
        if not (value is None or whole or number or text):
            raise ReportError(f"{name} is a text or a finite number, not {show(value)}")
    return {name: value for name, value in fields.items() if value is not None}

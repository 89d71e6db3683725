"""SessionLatency: what an application holds of the record of its session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.clock import now_ns
from engine.errors import MessageError
from engine.latency.instants import KINDS, Value
from engine.latency.log import LogHeader
from engine.latency.overhead import EngineOverhead
from engine.latency.turns import TurnRecord
from engine.recorder.recorder import Recorder


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
            MessageError: there is no such kind.
        """
        if kind not in KINDS:
            raise MessageError(f"no instant is of kind {kind!r}: see engine.latency.instants.KINDS")
        now = now_ns()
        self._recorder.mark(kind, now if at_ns is None else at_ns, _plain(fields), now)


def _plain(fields: Mapping[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in fields.items() if value is not None}

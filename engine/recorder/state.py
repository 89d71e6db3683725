"""RecorderState: what the recorder remembers, and where what it tells goes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, TypeVar, cast

import attrs

from engine.core.effects import Renamed, StartCall
from engine.latency.arrivals import Arrivals
from engine.latency.assemble import TurnAssembler, has_transcripts
from engine.latency.instants import Instant, Value
from engine.latency.log import FLUSH_NS, LogHeader, LogWriter
from engine.latency.overhead import EngineOverhead
from engine.latency.playout import Playout
from engine.latency.sent_audio import SentAudio
from engine.latency.turns import TurnRecord
from engine.recorder.log_lines import LogLines
from engine.wire.client_events import ClientEvent
from engine.wire.formats import AudioFormat
from engine.wire.units import NS_PER_S

KEPT_TURNS: Final = 64
KEPT_NAMES: Final = 512
"""How many responses, items and calls are remembered; far more than are ever under way."""
OVERHEAD_EVERY_NS: Final = 10 * NS_PER_S
"""Only into a log: hundreds of sessions that were opened together would all do it in the same moment, for nobody."""
_NEVER: Final = 2**63

T = TypeVar("T")
V = TypeVar("V")


class Recent(dict[str, V], Generic[V]):
    """A mapping by id that forgets the oldest."""

    def keep(self, name: str, value: V) -> V:
        """Remember something new."""
        if len(self) >= KEPT_NAMES:
            del self[next(iter(self))]
        self[name] = value
        return value


@attrs.define
class SpokenItem:
    """One item with audio."""

    response: str
    item: str
    arrivals: Arrivals
    taken: int = 0
    """Bytes that the application took."""
    audible_taken: bool = False
    """The application took its first audible sample."""
    whole: bool = False
    """No more of it will come."""
    reported_ms: int | None = None
    """How far it has been played, where somebody reports that."""
    silent: bool = False
    """It has been reported that no more of it is played."""


class RecorderState:
    """One session's."""

    def __init__(
        self,
        header: LogHeader,
        lines: LogLines,
        input_format: AudioFormat,
        output_format: AudioFormat,
        writer: LogWriter | None,
        on_turn: Callable[[TurnRecord, int], None] | None,
        on_due: Callable[[int], None] | None,
    ) -> None:
        self.start = header.started_ns
        self.lines = lines
        self.output_format = output_format
        self.overhead = EngineOverhead()
        self.turns: deque[TurnRecord] = deque(maxlen=KEPT_TURNS)
        """The last ones that are over."""
        self.assembler = TurnAssembler(header.session, transcripts=has_transcripts(header))
        self.playout = Playout(output_format)
        self.sent = SentAudio(input_format)
        self.over = False
        self.on_due = on_due
        self.on_turn = on_turn
        self.items: Recent[SpokenItem] = Recent()
        self.begun: Recent[None] = Recent()
        """Responses, and items of the user's, of which the first words have come."""
        self.call_of: Recent[str] = Recent()
        """The response of each call."""
        self.tokens: Recent[str] = Recent()
        """The request behind each response that has not begun."""
        self.out_of_band: Recent[None] = Recent()
        """Requests and responses outside of the conversation."""
        self.has_conversation = False
        """The server names the conversation that a response belongs to."""
        self.by_names: dict[int, Renamed[ClientEvent]] = {}
        """Events on their way to the wire in which something is named as the server does, by their `id()`."""
        self.wants_answer: deque[bool] = deque(maxlen=KEPT_NAMES)
        """Of each message on its way to the wire."""
        self.server_listens = False
        """The server has spoken of the user's speech since the last commit: nobody pushes a button to talk."""
        self.cause = "application"
        """Of the next interruption."""
        self.calls: list[StartCall] = []
        """Calls that were handed to the executor in this step."""
        self.reported = False
        """The application reports playback: nothing is computed any more."""
        self.writer = writer
        self.due: int | None = None
        """When something is to be told, or a turn is over."""
        self.next_ns = self.start
        """When `advance` next has anything to do: before that it need not be called."""
        self.playout_due: int | None = None
        """What it was when `due` was found out."""
        self.news = False
        """Something was told since `due` was found out."""
        self._scheduled_at: int | None = None
        self._failure_told = False
        self._overhead_at = _NEVER if writer is None else self.start + OVERHEAD_EVERY_NS
        self._flush_at = _NEVER if writer is None else self.start + FLUSH_NS

    def record(self, at_ns: int, kind: str, /, **fields: Value) -> None:
        """Something happened. `at_ns` is on the session's clock."""
        self._take(Instant(at_ns - self.start, kind, fields), at_ns)

    def record_playout(self, instants: Sequence[Instant]) -> None:
        """What the computed speaker does; its times are on the session's clock."""
        for instant in instants:
            self._take(Instant(instant.t - self.start, instant.kind, instant.fields), instant.t)

    def _take(self, instant: Instant, at_ns: int) -> None:
        if self.writer is not None:
            self.writer.write(instant)
        self.news = True
        for record in self.assembler.on_instant(instant):
            self.turn(record, at_ns)

    def turn(self, record: TurnRecord, now: int) -> None:
        """A turn is over."""
        self.turns.append(record)
        if self.on_turn is not None:
            self.on_turn(record, now)

    def advance(self, now: int) -> None:
        """It is `now`: tell what has come meanwhile, before anything else is told."""
        due = self.due
        if due is not None and due <= now:
            self.record_playout(self.playout.advance(now))
            for record in self.assembler.advance(now - self.start):
                self.turn(record, now)
        if self.writer is not None:
            if now >= self._overhead_at:
                self._overhead_at = now + OVERHEAD_EVERY_NS
                self.record_overhead(now)
            self.writer.advance(now - self.start)
            self._flush_at = now + FLUSH_NS
            self._warn_of_failure(self.writer)
        self.schedule()

    def record_overhead(self, now: int) -> None:
        """The engine's own part, so far, into the log."""
        if self.writer is not None:
            self.record(now, "engine.overhead", **cast("dict[str, Value]", self.overhead.to_mapping()))

    def schedule(self) -> None:
        """See that somebody looks at the clock when the next thing is due."""
        self.find_deadline()
        if self.due is not None and self.due != self._scheduled_at and self.on_due is not None:
            self._scheduled_at = self.due
            self.on_due(self.due)

    def find_deadline(self) -> None:
        """Find out what is due next."""
        self.news = False
        of_turn = self.assembler.due
        of_playout = self.playout_due = self.playout.due
        self.due = of_playout
        if of_turn is not None and (of_playout is None or of_turn + self.start < of_playout):
            self.due = of_turn + self.start
        self.next_ns = min(self._overhead_at, self._flush_at)
        if self.due is not None and self.due < self.next_ns:
            self.next_ns = self.due

    def close(self) -> None:
        """No more of it."""
        self.over = True
        if self.writer is not None:
            self.writer.close()
            self._warn_of_failure(self.writer)

    def _warn_of_failure(self, writer: LogWriter) -> None:
        """Warn once that the log is not written any more."""
        if writer.failed is not None and not self._failure_told:
            self._failure_told = True
            self.lines.log_failed(writer.failed)


def on(
    kind: type[T], handler: Callable[[RecorderState, T, int], None]
) -> tuple[type, Callable[[RecorderState, Any, int], None]]:
    """Return one row of a table from a type to what is done with it; the handler takes that type."""
    return kind, cast("Callable[[RecorderState, Any, int], None]", handler)

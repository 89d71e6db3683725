"""What only the caller's end knows, as instants: when the caller really spoke, and when the agent was really heard."""

from __future__ import annotations

from typing import Protocol

import attrs

from engine.caller.call_events import (
    CallerSpeechBegan,
    CallerSpeechEnded,
    CallEvent,
    PlaybackBegan,
    PlaybackEnded,
    PlaybackStalled,
    PlaybackStarted,
)
from engine.latency.instants import Value
from engine.wire.units import NS_PER_MS

_SOURCE = "measured"


class Mark(Protocol):
    """Takes an instant of the line into the session's log: see `SessionLatency.mark`."""

    def __call__(self, kind: str, at_ns: int | None = None, **fields: Value) -> None:
        """Something happened at `at_ns` of the session's clock; None: now."""
        ...


@attrs.define
class TruthMarks:
    """Marks in the session's record what the caller's end knows."""

    mark: Mark
    began_ns: int
    """The moment of the first sample sent."""
    _spoken: int = attrs.field(default=0, init=False)

    def on_event(self, event: CallEvent) -> None:
        """Mark the instant of an event, if it is one that only the caller's end knows."""
        match event:
            case CallerSpeechBegan():
                self._spoken += 1
                self.mark(
                    "user.speech.start.truth",
                    event.at_ns,
                    turn=self._spoken - 1,
                    text=event.text,
                    purpose=event.purpose,
                    position_ms=position_ms(event.at_ns, self.began_ns),
                )
            case CallerSpeechEnded():
                self.mark(
                    "user.speech.end.truth",
                    event.at_ns,
                    turn=self._spoken - 1,
                    position_ms=position_ms(event.at_ns, self.began_ns),
                )
            case PlaybackStarted():
                self._playout("playout.start", event)
            case PlaybackBegan():
                self._playout("playout.audible", event)
            case PlaybackEnded():
                self._playout("playout.stop", event, ms=event.played_ms, silent_ms=event.silent_ms)
            case PlaybackStalled():
                self.mark(
                    "playout.underrun",
                    event.at_ns,
                    response=event.response_id,
                    item=event.item_id,
                    ms=event.silent_ms,
                )

    def _playout(self, kind: str, event: PlaybackStarted | PlaybackBegan | PlaybackEnded, **more: Value) -> None:
        self.mark(kind, event.at_ns, response=event.response_id, item=event.item_id, source=_SOURCE, **more)


def position_ms(at_ns: int, began_ns: int) -> float:
    """Return the place of a moment in all audio sent since `began_ns`, in milliseconds."""
    return (at_ns - began_ns) / NS_PER_MS

"""What only the line knows, as instants: when the caller really spoke, and when the agent was really heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

_NS_PER_MS = 1_000_000
_SOURCE = "measured"


class Mark(Protocol):
    """Takes an instant of the line into the session's log: see `SessionLatency.mark`."""

    def __call__(self, kind: str, at_ns: int | None = None, **fields: Value) -> None:
        """Something happened at `at_ns` of the session's clock; None: now."""
        ...


@attrs.define
class LineMarks:
    """Turns what the line tells into instants, and tells where words began to sound."""

    mark: Mark
    began_ns: int
    """The moment of the first sample sent."""
    purposes: Sequence[str]
    """Of everything that was said so far, in order."""
    on_speech: Callable[[float], None] | None
    """Called with the place, in milliseconds of all audio sent, at which known words begin to sound."""
    _spoken: int = attrs.field(default=0, init=False)

    def take(self, event: CallEvent) -> None:
        """Something happened on the line."""
        match event:
            case CallerSpeechBegan():
                self._spoken += 1
                place_ms = self._place_ms(event.at_ns)
                if self.on_speech is not None and event.text:
                    self.on_speech(place_ms)
                self.mark(
                    "user.speech.start.truth",
                    event.at_ns,
                    turn=self._spoken - 1,
                    text=event.text,
                    purpose=self.purposes[self._spoken - 1],
                    position_ms=place_ms,
                )
            case CallerSpeechEnded():
                place_ms = self._place_ms(event.at_ns)
                self.mark("user.speech.end.truth", event.at_ns, turn=self._spoken - 1, position_ms=place_ms)
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

    def _place_ms(self, at_ns: int) -> float:
        return (at_ns - self.began_ns) / _NS_PER_MS

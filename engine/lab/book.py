"""The log of a session whose engine does not keep one."""

from __future__ import annotations

import attrs

from engine.clock import now_ns
from engine.events import (
    AgentEnd,
    AgentStart,
    Audio,
    AudioInterrupted,
    HistoryAdded,
    RealtimeSessionEvent,
    ToolEnd,
    ToolStart,
    TranscriptDone,
    UserSpeechStarted,
    UserSpeechStopped,
)
from engine.history import UserMessage
from engine.latency.instants import Instant
from engine.latency.log import LogWriter


@attrs.define
class Book:
    """Writes instants: those of the line, and those that the session's events tell of."""

    writer: LogWriter
    began_ns: int
    _items: set[str] = attrs.field(factory=set, init=False)

    def mark(self, kind: str, at_ns: int | None = None, **fields: object) -> None:
        """See `Mark`."""
        at_ns = now_ns() if at_ns is None else at_ns
        self.writer.write(Instant(at_ns - self.began_ns, kind, fields))  # type: ignore[arg-type]

    def take(self, event: RealtimeSessionEvent) -> None:
        """An event of the session."""
        match event:
            case UserSpeechStarted():
                self.mark("server.speech_started", event.at_ns, item=event.item_id, ms=event.audio_start_ms)
            case UserSpeechStopped():
                self.mark("server.speech_stopped", event.at_ns, item=event.item_id, ms=event.audio_end_ms)
            case HistoryAdded(item=UserMessage() as item):
                self.mark("user.committed", event.at_ns, item=item.item_id)
            case TranscriptDone(role="user"):
                self.mark("transcript.user.final", event.at_ns, item=event.item_id, text=event.transcript)
            case AgentStart():
                self.mark("response.created", event.at_ns, response=event.response_id)
            case AgentEnd():
                self.mark("response.done", event.at_ns, response=event.response_id, status=event.status)
            case Audio() if event.item_id not in self._items:
                self._items.add(event.item_id)
                for kind in ("response.first_token", "audio.first_received", "audio.first_taken"):
                    self.mark(kind, event.at_ns, response=event.response_id, item=event.item_id)
            case AudioInterrupted():
                self.mark(
                    "interrupt",
                    event.at_ns,
                    response=event.response_id,
                    item=event.item_id,
                    heard_ms=event.audio_end_ms,
                    cause="user",
                )
            case ToolStart():
                self.mark("tool.called", event.at_ns, call=event.call_id, name=event.name)
                self.mark("tool.started", event.at_ns, call=event.call_id)
            case ToolEnd():
                self.mark("tool.ended", event.at_ns, call=event.call_id, outcome=event.outcome)

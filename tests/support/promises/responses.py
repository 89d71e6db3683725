"""Promise 1: every response gives exactly one `agent_start` and one `agent_end`, which says how it ended and why."""

from __future__ import annotations

from engine.events import AgentEnd, AgentStart, Audio, AudioEnd, AudioInterrupted, RealtimeSessionEvent, TranscriptDelta
from engine.history import HistoryItem
from engine.wire.client_events import ClientEvent, ResponseCancel
from engine.wire.response import Response
from engine.wire.server_events import InputAudioBufferSpeechStarted, ResponseCreated, ResponseDone, ServerEvent
from tests.support.fake_server.server import Server
from tests.support.promises.base import Promise

NO_END = "no_end"
OF_THE_SESSION = {"connection_lost", "session_closed"}


class OneStartOneEnd(Promise):
    number = 1

    def __init__(self) -> None:
        self._told: dict[str, Response] = {}
        self._begun: set[str] = set()
        self._over: set[str] = set()
        self._cancelled: set[str] = set()
        """Responses that the server may have been told to cancel, or has cancelled for the user's voice."""

    def sent(self, event: ClientEvent, at: int) -> None:
        if isinstance(event, ResponseCancel) and isinstance(event.response_id, str):
            self._cancelled.add(event.response_id)

    def told(self, event: ServerEvent, at: int) -> None:
        if isinstance(event, ResponseCreated | ResponseDone):
            self._told[event.response.id] = event.response
        elif isinstance(event, InputAudioBufferSpeechStarted):
            self._cancelled |= self._told.keys()

    def seen(self, event: RealtimeSessionEvent, at: int) -> None:
        match event:
            case AgentStart(response_id=response_id):
                if response_id in self._begun:
                    self.broken(f"{response_id} began twice")
                self._begun.add(response_id)
            case AgentEnd():
                self._end(event)
            case Audio() | AudioEnd() | AudioInterrupted() | TranscriptDelta(role="assistant"):
                if event.response_id not in self._begun:
                    self.broken(f"{event.type} of {event.response_id} before its start")

    def _end(self, event: AgentEnd) -> None:
        if event.response_id not in self._begun:
            self.broken(f"{event.response_id} ended without a start")
        if event.response_id in self._over:
            self.broken(f"{event.response_id} ended twice")
        self._over.add(event.response_id)
        told = self._told.get(event.response_id)
        if told is None or told.status == "in_progress":
            if event.reason == NO_END and event.response_id in self._cancelled:
                return
            if (event.status, event.reason in OF_THE_SESSION) != ("cancelled", True):
                self.broken(f"{event.response_id} ended as {event.status} ({event.reason}), but the server goes on")
            return
        why = told.status_details.reason if told.status_details else None
        if (event.status, event.reason) != (told.status, why):
            self.broken(f"{event.response_id} was {told.status} ({why}), told as {event.status} ({event.reason})")

    def settled(self, far: Server, history: list[HistoryItem]) -> None:
        self.ended()

    def ended(self) -> None:
        if missing := self._told.keys() - self._begun:
            self.broken(f"no agent_start for {sorted(missing)}")
        if missing := self._begun - self._over:
            self.broken(f"no agent_end for {sorted(missing)}")

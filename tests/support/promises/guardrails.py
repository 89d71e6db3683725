"""Promise 6: all of a response's text passes the output guardrails, in debounced steps and once more at its end; at
most one `guardrail_tripped` for a response."""

from __future__ import annotations

from collections import defaultdict

from engine.core.inputs import CancelHandle, Input
from engine.events import AudioInterrupted, GuardrailTripped, RealtimeSessionEvent
from engine.history import HistoryItem
from engine.wire.client_events import ClientEvent, ResponseCancel
from engine.wire.server_events import (
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    ServerEvent,
)
from tests.support.fake_server.server import Server
from tests.support.promises.base import Promise


class AllTextIsChecked(Promise):
    number = 6

    def __init__(self, step: int) -> None:
        """`step` is the debounce length in characters."""
        self._step = step
        self._texts: dict[str, str] = defaultdict(str)
        self._said: dict[str, int] = defaultdict(int)
        self._read: dict[str, list[int]] = defaultdict(list)
        self._interrupted: set[str] = set()
        self._tripped: set[str] = set()
        self._handle_cancelled = False
        """Which cuts off an out-of-band response without an event that says so."""

    def commanded(self, command: Input, at: int) -> None:
        if isinstance(command, CancelHandle):
            self._handle_cancelled = True

    def sent(self, event: ClientEvent, at: int) -> None:
        match event:
            case ResponseCancel(response_id=str(response_id)) if not self._texts[response_id]:
                self._interrupted.add(response_id)  # cancelled before it said anything: nobody reads it

    def told(self, event: ServerEvent, at: int) -> None:
        match event:
            case ResponseOutputAudioTranscriptDelta(delta=delta) | ResponseOutputTextDelta(delta=delta):
                self._texts[event.response_id] += delta
                self._said[event.item_id] += len(delta)
            case ResponseOutputAudioTranscriptDone(transcript=text) | ResponseOutputTextDone(text=text):
                self._texts[event.response_id] += text[self._said[event.item_id] :]
                self._said[event.item_id] = len(text)

    def checked(self, text: str) -> None:
        # No two words of the server are alike, so a text tells of which response it is.
        owner = next((response_id for response_id, whole in self._texts.items() if whole.startswith(text)), None)
        if owner is None or not text:
            self.broken(f"the guardrails were given {text!r}, which no response begins with")
        lengths = self._read[owner]
        if lengths and len(text) <= lengths[-1]:
            self.broken(f"text of {owner} was checked again without having grown")
        lengths.append(len(text))

    def seen(self, event: RealtimeSessionEvent, at: int) -> None:
        match event:
            case AudioInterrupted(response_id=response_id):
                self._interrupted.add(response_id)
            case GuardrailTripped(response_id=response_id):
                if response_id in self._tripped:
                    self.broken(f"{response_id} tripped twice")
                self._tripped.add(response_id)

    def settled(self, far: Server, history: list[HistoryItem]) -> None:
        for response_id, lengths in self._read.items():
            grown = [after - before for before, after in zip([0, *lengths], lengths, strict=False)]
            if any(growth < self._step for growth in grown[:-1]):
                self.broken(f"text of {response_id} was checked after {min(grown[:-1])} characters")
        cut = {
            response.response_id
            for response in far.responses
            if response.status == "cancelled" or (response.out_of_band and self._handle_cancelled)
        }
        for response_id, text in filter(lambda known: known[1], self._texts.items()):
            read = self._read[response_id]
            if response_id not in self._interrupted | self._tripped | cut and (not read or read[-1] != len(text)):
                self.broken(f"only {read[-1] if read else 0} of {len(text)} characters of {response_id} were checked")

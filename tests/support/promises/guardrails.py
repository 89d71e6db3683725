"""Promise 6: all of a response's text passes the output guardrails, in debounced steps and once more at its end, and
its last words are read as they are kept; at most one `guardrail_tripped` for a response."""

from __future__ import annotations

from collections import defaultdict

import attrs

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


@attrs.define
class _Words:
    """What a response says."""

    parts: dict[tuple[str, int], str] = attrs.field(factory=dict)
    former: list[str] = attrs.field(factory=list)
    """The whole text each time before a part of it was told anew, in other words."""
    read: list[str] = attrs.field(factory=list)
    """What the guardrails were given."""

    def whole(self) -> str:
        """Each part by itself, however their deltas came."""
        return "\n".join(text for text in self.parts.values() if text)

    def may_be(self, text: str) -> bool:
        """Whether it says that, or has said it."""
        return any(known.startswith(text) for known in (self.whole(), *self.former))

    def tell(self, part: tuple[str, int], text: str) -> None:
        """The server has told all text of a part."""
        before = self.parts.get(part, "")
        if not text.startswith(before):
            self.former.append(self.whole())
        self.parts[part] = text


class AllTextIsChecked(Promise):
    number = 6

    def __init__(self, step: int) -> None:
        """`step` is the debounce length in characters."""
        self._step = step
        self._words: dict[str, _Words] = defaultdict(_Words)
        self._interrupted: set[str] = set()
        self._tripped: set[str] = set()
        self._handle_cancelled = False
        """Which cuts off an out-of-band response without an event that says so."""

    def commanded(self, command: Input, at: int) -> None:
        if isinstance(command, CancelHandle):
            self._handle_cancelled = True

    def sent(self, event: ClientEvent, at: int) -> None:
        match event:
            case ResponseCancel(response_id=str(response_id)) if not self._words[response_id].parts:
                self._interrupted.add(response_id)  # cancelled before it said anything: nobody reads it

    def told(self, event: ServerEvent, at: int) -> None:
        match event:
            case ResponseOutputAudioTranscriptDelta(delta=delta) | ResponseOutputTextDelta(delta=delta):
                parts, part = self._words[event.response_id].parts, (event.item_id, event.content_index)
                parts[part] = parts.get(part, "") + delta
            case ResponseOutputAudioTranscriptDone(transcript=text) | ResponseOutputTextDone(text=text):
                self._words[event.response_id].tell((event.item_id, event.content_index), text)

    def checked(self, text: str) -> None:
        # No two words of the server are alike, so a text tells of which response it is.
        owner, words = next(
            ((owner, words) for owner, words in self._words.items() if words.may_be(text)), (None, _Words())
        )
        if owner is None:
            self.broken(f"the guardrails were given {text!r}, which no response begins with")
        if not text or (words.read and (text == words.read[-1] or _shrinks(words, text))):
            self.broken(f"text of {owner} was checked again without having grown")
        words.read.append(text)

    def seen(self, event: RealtimeSessionEvent, at: int) -> None:
        match event:
            case AudioInterrupted(response_id=response_id):
                self._interrupted.add(response_id)
            case GuardrailTripped(response_id=response_id):
                if response_id in self._tripped:
                    self.broken(f"{response_id} tripped twice")
                self._tripped.add(response_id)

    def settled(self, far: Server, history: list[HistoryItem]) -> None:
        for response_id, words in self._words.items():
            lengths = [len(text) for text in words.read]
            grown = [after - before for before, after in zip([0, *lengths], lengths, strict=False)]
            if not words.former and any(growth < self._step for growth in grown[:-1]):
                self.broken(f"text of {response_id} was checked after {min(grown[:-1])} characters")
        cut = {
            response.response_id
            for response in far.responses
            if response.status == "cancelled" or (response.out_of_band and self._handle_cancelled)
        }
        for response_id, words in self._words.items():
            whole, last = words.whole(), words.read[-1] if words.read else ""
            if response_id not in self._interrupted | self._tripped | cut and whole != last:
                self.broken(f"{response_id} says {whole!r}, of which {last!r} was checked last")


def _shrinks(words: _Words, text: str) -> bool:
    return not words.former and len(text) <= len(words.read[-1])

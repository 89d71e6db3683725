"""Promise 7, too: what was said is told once as a whole, and stands in the history as it was told last."""

from __future__ import annotations

from collections import defaultdict

from engine.events import RealtimeSessionEvent, TranscriptDelta, TranscriptDone
from engine.history import AssistantAudio, AssistantMessage, HistoryItem, UserAudio, UserMessage
from engine.wire.server_events import ConversationItemInputAudioTranscriptionCompleted, ServerEvent
from tests.support.fake_server.server import Server
from tests.support.promises.base import Promise


class WordsOnce(Promise):
    number = 7

    def __init__(self) -> None:
        self._told: dict[str, str] = {}
        """The user's words by item, as the server told them last."""
        self._whole: dict[str, str] = {}
        """The same as it told them when it first said that this was all."""
        self._grown: defaultdict[str, str] = defaultdict(str)
        self._done: dict[str, str] = {}

    def told(self, event: ServerEvent, at: int) -> None:
        if isinstance(event, ConversationItemInputAudioTranscriptionCompleted):
            self._told[event.item_id] = event.transcript
            if event.status != "in_progress":
                self._whole.setdefault(event.item_id, event.transcript)

    def seen(self, event: RealtimeSessionEvent, at: int) -> None:
        match event:
            case TranscriptDelta(role="user"):
                self._grown[event.item_id] += event.delta
            case TranscriptDone():
                if event.item_id in self._done:
                    self.broken(f"transcript_done of {event.item_id} came twice")
                self._done[event.item_id] = event.transcript

    def settled(self, far: Server, history: list[HistoryItem]) -> None:
        for item_id, text in self._whole.items():
            if self._done.get(item_id) != text or self._grown.get(item_id, text) != text:
                self.broken(f"the user said {text!r} in {item_id}, told as {self._done.get(item_id)!r}")
        for shown in history:
            self._shown(far, shown)

    def _shown(self, far: Server, shown: HistoryItem) -> None:
        match shown:
            case UserMessage(content=(UserAudio(transcript=said),)):
                wanted = self._told.get(shown.item_id)
            case AssistantMessage(content=(part,)):
                said = part.transcript if isinstance(part, AssistantAudio) else part.text
                wanted = far.items[shown.item_id].text
            case _:
                return
        untold = far.quirks.never_ends and (wanted or "").startswith(said or "")
        if said != wanted and not untold:
            self.broken(f"{shown.item_id} says {said!r} in the history, the server's says {wanted!r}")

"""Promise 2: audio in order and byte for byte; after an interruption none of it follows; `audio_end` comes once."""

from __future__ import annotations

from collections import defaultdict, deque

from engine.core.inputs import Input, Interrupt
from engine.events import Audio, AudioEnd, AudioInterrupted, RealtimeSessionEvent
from engine.history import HistoryItem
from engine.wire.client_events import ClientEvent, ResponseCancel
from engine.wire.server_events import (
    InputAudioBufferSpeechStarted,
    ResponseCreated,
    ResponseOutputAudioDelta,
    ServerEvent,
)
from tests.support.fake_server.server import Server
from tests.support.promises.base import Promise

Key = tuple[str, int]


class ByteForByte(Promise):
    number = 2

    def __init__(self, *, barge_in: bool, commands_are_immediate: bool) -> None:
        """
        Args:
            barge_in: the user's voice interrupts.
            commands_are_immediate: a command has taken effect before anything else happens (the bare machine).
        """
        self._barge_in = barge_in
        self._immediate = commands_are_immediate
        self._coming: dict[str, deque[tuple[Key, bytes]]] = defaultdict(deque)
        self._conversation: set[str] = set()
        self._cut: set[str] = set()
        self._interrupted: set[str] = set()
        self._over: set[tuple[str, Key]] = set()

    def told(self, event: ServerEvent, at: int) -> None:
        match event:
            case ResponseCreated(response=response) if response.conversation_id is not None:
                self._conversation.add(response.id)
            case ResponseOutputAudioDelta():
                if event.response_id not in self._cut:
                    self._coming[event.response_id].append(((event.item_id, event.content_index), event.delta))
            case InputAudioBufferSpeechStarted() if self._barge_in:
                self._cut |= self._conversation

    def sent(self, event: ClientEvent, at: int) -> None:
        match event:
            case ResponseCancel(response_id=str(response_id)) if not self._coming[response_id]:
                self._cut.add(response_id)  # cancelled before it said anything: it is never heard

    def commanded(self, command: Input, at: int) -> None:
        if self._immediate and isinstance(command, Interrupt):
            self._cut |= self._conversation

    def seen(self, event: RealtimeSessionEvent, at: int) -> None:
        match event:
            case Audio():
                self._audio(event)
            case AudioEnd():
                key = (event.item_id, event.content_index)
                if event.response_id in self._interrupted:
                    self.broken(f"audio_end of {key} after its interruption")
                if (event.response_id, key) in self._over:
                    self.broken(f"audio_end of {key} twice")
                if any(coming == key for coming, _ in self._coming[event.response_id]):
                    self.broken(f"audio_end of {key} before all of its audio")
                self._over.add((event.response_id, key))
            case AudioInterrupted(response_id=response_id):
                if response_id in self._interrupted:
                    self.broken(f"{response_id} was interrupted twice")
                self._interrupted.add(response_id)
                self._cut.add(response_id)

    def _audio(self, event: Audio) -> None:
        if event.response_id in self._cut:
            self.broken(f"audio of {event.response_id} after its interruption")
        coming, data = self._coming[event.response_id], event.data
        while data:
            if not coming:
                self.broken(f"audio of {event.item_id} that the server never sent")
            key, next_bytes = coming.popleft()
            if key != (event.item_id, event.content_index):
                self.broken(f"audio of {event.item_id} where {key} is next")
            size = min(len(data), len(next_bytes))
            if data[:size] != next_bytes[:size]:
                self.broken(f"audio of {event.item_id} differs from what the server sent")
            if next_bytes[size:]:
                coming.appendleft((key, next_bytes[size:]))
            data = data[size:]

    def settled(self, far: Server, history: list[HistoryItem]) -> None:
        for response_id, coming in self._coming.items():
            if coming and response_id not in self._cut:
                self.broken(f"audio of {response_id} was never delivered")
        for response in far.responses:
            for item in response.items:
                ended = (response.response_id, (item.item_id, 0)) in self._over
                if item.audio_bytes and not ended and response.response_id not in self._cut:
                    self.broken(f"no audio_end of {item.item_id}")

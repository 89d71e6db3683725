"""Promise 7, second half, and section 4 of the design: at an interruption the item that plays is truncated where it was
heard, items that have not begun are deleted, finished ones stay, and history says the same."""

from __future__ import annotations

from collections import defaultdict

import attrs

from engine.events import Audio, AudioInterrupted, RealtimeSessionEvent
from engine.history import AssistantAudio, AssistantMessage, HistoryItem
from engine.wire.client_events import ClientEvent, ConversationItemDelete, ConversationItemTruncate, ResponseCancel
from engine.wire.server_events import (
    ResponseContentPartAdded,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ServerEvent,
)
from tests.support.ear import Ear
from tests.support.fake_server.records import FarItem
from tests.support.fake_server.server import Server
from tests.support.promises.base import Promise

STRAY_MS = 10
"""What may come after an item was said to be over, and so cannot be known at an interruption."""


@attrs.define
class _Track:
    response_id: str
    position: int
    bytes_per_ms: int
    received: int = 0
    done_at: int | None = None
    truncated_ms: int | None = None
    deleted: bool = False

    @property
    def received_ms(self) -> int:
        return self.received // self.bytes_per_ms


class WhatWasHeard(Promise):
    number = 7

    def __init__(self, *, strict: bool, bytes_per_ms: int) -> None:
        """
        Args:
            strict: what is sent was decided after everything that was told before, not only before this moment.
            bytes_per_ms: of the server's audio.
        """
        self._strict = strict
        self._bytes_per_ms = bytes_per_ms
        self._ear: Ear[str] = Ear(bytes_per_ms * 1000)
        self._tracks: dict[str, _Track] = {}
        self._cuts: dict[str, AudioInterrupted] = {}
        self._dropped: set[str] = set()
        """Responses that were cancelled before any of their audio had come."""
        self._heard: dict[str, int] = defaultdict(int)
        """Milliseconds heard of each item when its response was interrupted."""

    # --- what there is to hear

    def told(self, event: ServerEvent, at: int) -> None:
        match event:
            case ResponseContentPartAdded():
                self._track(event.item_id, event.response_id)
            case ResponseOutputAudioDelta():
                self._track(event.item_id, event.response_id).received += len(event.delta)
            case ResponseOutputAudioDone() if event.item_id in self._tracks:
                self._tracks[event.item_id].done_at = at

    def _track(self, item_id: str, response_id: str) -> _Track:
        return self._tracks.setdefault(item_id, _Track(response_id, len(self._tracks), self._bytes_per_ms))

    def seen(self, event: RealtimeSessionEvent, at: int) -> None:
        match event:
            case Audio():
                self._ear.take(event.item_id, len(event.data), at)
            case AudioInterrupted():
                self._interrupted(event)

    # --- what the server is told

    def sent(self, event: ClientEvent, at: int) -> None:
        match event:
            case ConversationItemTruncate(item_id=item_id, audio_end_ms=ms):
                self._truncated(item_id, ms, at)
            case ResponseCancel(response_id=str(response_id)):
                if not any(track.response_id == response_id for track in self._tracks.values()):
                    self._dropped.add(response_id)
            case ConversationItemDelete(item_id=item_id):
                track = self._tracks.get(item_id)
                if track is None or track.deleted or track.truncated_ms is not None:
                    self.broken(f"{item_id} was deleted although it is unknown or gone, or has been truncated")
                track.deleted = True

    def _truncated(self, item_id: str, ms: int, at: int) -> None:
        track = self._tracks.get(item_id)
        if track is None or not track.received:
            self.broken(f"{item_id} was truncated although no audio of it has come")
        if track.deleted or track.truncated_ms is not None:
            self.broken(f"{item_id} was truncated although it is gone or has been truncated")
        heard = self._ear.heard_ms(item_id, at)
        if not 0 < ms <= track.received_ms:
            self.broken(f"{item_id} was truncated at {ms} of {track.received_ms} ms")
        if ms != heard:
            self.broken(f"{item_id} was truncated at {ms} ms, heard were {heard}")
        later = any(self._ear.heard_ms(other, at) for other, each in self._tracks.items() if self._follows(track, each))
        done = track.done_at is not None and (self._strict or track.done_at < at)
        if heard >= track.received_ms and (done or later):
            self.broken(f"{item_id} was truncated although all of it had been heard")
        track.truncated_ms = ms

    def _follows(self, track: _Track, other: _Track) -> bool:
        return other.response_id == track.response_id and other.position > track.position

    def _interrupted(self, event: AudioInterrupted) -> None:
        self._cuts[event.response_id] = event
        for item_id, track in self._tracks.items():
            if track.response_id == event.response_id:
                self._heard[item_id] = self._ear.heard_ms(item_id, event.at_ns)
        self._ear.cut(event.at_ns)

    def _said_where(self, event: AudioInterrupted) -> None:
        """The event names the item that was truncated: it may be seen before the server is told."""
        tracks = {item_id: track for item_id, track in self._tracks.items() if track.response_id == event.response_id}
        playing = [item_id for item_id, track in tracks.items() if track.truncated_ms is not None]
        wanted = (playing[-1], self._heard[playing[-1]]) if playing else (None, None)
        if (event.item_id, event.audio_end_ms) != wanted:
            self.broken(f"audio_interrupted says {event.item_id} at {event.audio_end_ms} ms; it was {wanted}")

    # --- what is true in the end

    def settled(self, far: Server, history: list[HistoryItem]) -> None:
        if far.complaints:
            self.broken(f"the server complains: {far.complaints[0]}")
        for cut in self._cuts.values():
            self._said_where(cut)
        for response in far.responses:
            if response.out_of_band:
                continue
            for item in response.items:
                if item.kind == "message" and item.spoken:
                    self._remembered(far, response.response_id, item)
        for shown in history:
            self._shown(shown)

    def _remembered(self, far: Server, response_id: str, item: FarItem) -> None:
        track = self._tracks.get(item.item_id)
        exists = item.item_id in far.order
        if response_id in self._dropped and response_id not in self._cuts:
            if exists and item.audio_bytes:
                self.broken(f"{item.item_id} was never played, but the server remembers it")
            return
        if response_id not in self._cuts:
            if not exists or item.truncated:
                self.broken(f"{item.item_id} was cut although nobody interrupted")
            return
        heard = self._heard[item.item_id]
        if heard == 0:
            if exists and item.audio_bytes:
                self.broken(f"{item.item_id} was not heard at all, but the server remembers it")
        elif not exists:
            self.broken(f"{item.item_id} was heard for {heard} ms and has been deleted")
        elif not item.truncated and heard + (STRAY_MS if track and track.done_at is not None else 0) < item.audio_ms:
            self.broken(f"{item.item_id} was heard for {heard} of {item.audio_ms} ms, but was not truncated")

    def _shown(self, item: HistoryItem) -> None:
        track = self._tracks.get(item.item_id)
        if track is None or not isinstance(item, AssistantMessage):
            return
        for part in item.content:
            if not isinstance(part, AssistantAudio):
                continue
            if part.audio_end_ms != track.truncated_ms:
                self.broken(f"history says {item.item_id} ends at {part.audio_end_ms}, truncated: {track.truncated_ms}")
            if track.truncated_ms is None:
                continue
            if item.status != "incomplete" or (part.heard or "") + (part.unheard or "") != part.transcript:
                self.broken(f"history does not add up for {item.item_id}: {item}")

"""Promise 17: what the server confirmed is what counts: formats, voice, detection. A difference from what was asked is
told once; what the application changed stays changed until the server refuses it."""

from __future__ import annotations

from collections import deque

from engine.core.inputs import Input, SendRaw, UpdateSettings
from engine.errors import SettingsDiffer
from engine.events import Audio, Error, RealtimeSessionEvent, SettingsUpdated
from engine.history import HistoryItem
from engine.wire.asked_settings import settings_asked
from engine.wire.client_events import ClientEvent, ConversationItemTruncate, SessionUpdate
from engine.wire.formats import AudioFormat
from engine.wire.server_events import ErrorEvent, ResponseOutputAudioDelta, ServerEvent
from engine.wire.server_events import SessionUpdated as Confirmed
from engine.wire.session import Session
from tests.support.fake_server.server import Server
from tests.support.promises.base import Promise

Difference = tuple[str, object, object]
"""Where, what was asked, what was confirmed."""


class WhatWasConfirmed(Promise):
    number = 17

    def __init__(self) -> None:
        self._changes = 0
        """Changes of settings that the application has made and that have not gone out."""
        self._waiting: deque[tuple[ClientEvent, Session, bool]] = deque()
        """Updates that have gone out, what they ask for, and whether the application made them."""
        self._asked: dict[str, object] = {}
        self._told: set[Difference] = set()
        self._errors: deque[set[str]] = deque()
        """The places of what differs, for each confirmation that is to be told of."""
        self._updates: deque[AudioFormat | None] = deque()
        """The output format of each `settings_updated` that is to be told."""
        self._format: AudioFormat | None = None
        self._first_after: dict[str, tuple[int, int]] = {}
        """How many errors and updates were still to be told when the first audio of an item came: none may be left when
        the application hears it."""
        self._seen = [0, 0]
        self._due = [0, 0]
        self._received: dict[str, int] = {}
        """Microseconds of audio of each item, in the format that was confirmed."""

    # --- what is asked

    def commanded(self, command: Input, at: int) -> None:
        if isinstance(command, UpdateSettings) or (
            isinstance(command, SendRaw) and settings_asked(command.event) is not None
        ):
            self._changes += 1

    def sent(self, event: ClientEvent, at: int) -> None:
        if isinstance(asked := settings_asked(event), Session):
            own = self._changes > 0 and not isinstance(asked.instructions, str)
            self._changes -= own
            self._waiting.append((event, asked, own))
        if isinstance(event, ConversationItemTruncate):
            received_ms = self._received.get(event.item_id, 0) // 1000
            if event.audio_end_ms > received_ms:
                self.broken(f"{event.item_id} was truncated at {event.audio_end_ms} of its {received_ms} ms")

    # --- what is answered

    def told(self, event: ServerEvent, at: int) -> None:
        match event:
            case Confirmed(session=Session() as said):
                self._confirmed(said)
            case ErrorEvent() if event.error.event_id is not None:
                about = [each for each in self._waiting if _id(each[0]) == event.error.event_id]
                for each in about:
                    self._waiting.remove(each)
            case ErrorEvent() if (event.error.param or "").startswith("session."):
                self._waiting.popleft()
            case ResponseOutputAudioDelta(item_id=item_id):
                self._first_after.setdefault(item_id, (self._due[0], self._due[1]))
                per_second = 48_000 if self._format is None else self._format.bytes_per_second
                self._received[item_id] = self._received.get(item_id, 0) + len(event.delta) * 1_000_000 // per_second

    def _confirmed(self, said: Session) -> None:
        _, asked, own = self._waiting.popleft()
        self._asked |= _settings(asked)
        confirmed = _settings(said)
        differ = {
            (place, self._asked[place], value)
            for place, value in confirmed.items()
            if place in self._asked and self._asked[place] != value
        }
        if new := differ - self._told:
            self._told |= new
            self._errors.append({place for place, _, _ in new})
            self._due[0] += 1
        audio_format = confirmed.get("audio.output.format", self._asked.get("audio.output.format"))
        assert isinstance(audio_format, AudioFormat | None)
        if self._format is None:
            self._format = _settings(asked).get("audio.output.format")  # type: ignore[assignment]
        if own or audio_format != self._format:
            self._updates.append(audio_format)
            self._due[1] += 1
        self._format = audio_format

    # --- what is told

    def seen(self, event: RealtimeSessionEvent, at: int) -> None:
        match event:
            case Error(error=SettingsDiffer() as error, code="settings_differ"):
                places = {difference.path.removesuffix(".interrupt_response") for difference in error.differences}
                if not self._errors or (due := self._errors.popleft()) != places:
                    self.broken(f"an error tells of {sorted(places)}; to be told: {self._errors and sorted(due)}")
                self._seen[0] += 1
            case SettingsUpdated():
                if not self._updates:
                    self.broken("settings_updated, and nothing has changed")
                if (audio_format := self._updates.popleft()) not in (None, event.output_format):
                    self.broken(f"settings_updated says {event.output_format}, the server confirmed {audio_format}")
                self._seen[1] += 1
            case Audio(item_id=item_id):
                errors, updates = self._first_after.get(item_id, (0, 0))
                if self._seen[0] < errors or self._seen[1] < updates:
                    self.broken(f"audio of {item_id} came before the application was told of the server's settings")

    # --- what is true in the end

    def settled(self, far: Server, history: list[HistoryItem]) -> None:
        self.ended()
        if self._waiting:
            self.broken(f"{self._waiting[0][0]!r} was neither confirmed nor refused")
        if (now := far.changeable()) != far.agreed:
            self.broken(f"the server has {now}; the application and it have agreed on {far.agreed}")

    def ended(self) -> None:
        if self._errors:
            self.broken(f"nothing told that {sorted(self._errors[0])} differs")
        if self._updates:
            self.broken("no settings_updated although settings have changed")


def _id(event: ClientEvent) -> object:
    return event.event_id if isinstance(event, SessionUpdate) else getattr(event, "payload", {}).get("event_id")


def _settings(session: Session) -> dict[str, object]:
    """What a session says of the settings that are compared, by their places."""
    agent, user = session.audio_output, session.audio_input
    said: dict[str, object] = {}
    if isinstance(agent.format, AudioFormat):
        said["audio.output.format"] = agent.format
    if isinstance(agent.voice, str):
        said["audio.output.voice"] = agent.voice
    if user.turn_detection or user.turn_detection is None:
        said["audio.input.turn_detection"] = None if user.turn_detection is None else "on"
    return said

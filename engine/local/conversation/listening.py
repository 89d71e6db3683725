"""The user's side: the audio buffer, where turns begin and end in it, and what follows from that.

    speech starts   `speech_started` with the id that the item will have; the running response is cancelled if the
                    session says so
    speech stops    `speech_stopped`, then a commit, then a response if the session says so
    commit          `committed`, `conversation.item.added`, `conversation.item.done`; the words are looked for
    no speech       for the idle time after the assistant's last words: `timeout_triggered`, a commit, a response

Everything is measured in appended audio; only the idle time is measured by the clock.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from engine.local.conversation import errors, sound
from engine.local.conversation.effects import Hear
from engine.local.conversation.input_buffer import SAMPLES_PER_MS, InputBuffer
from engine.local.conversation.items import ItemEntry, ItemList
from engine.local.conversation.outbox import Outbox
from engine.local.conversation.responding import Responding, ResponseEnd
from engine.local.conversation.session_settings import SessionSettings
from engine.local.conversation.transcripts import Transcripts
from engine.local.conversation.turn_detection import SpeechClassifier, SpeechStarted, SpeechStopped, TurnDetector
from engine.local.settings.options import LocalOptions
from engine.wire.items import InputAudio, Message
from engine.wire.response import ResponseParams
from engine.wire.server_events import (
    ConversationItemAdded,
    ConversationItemDone,
    InputAudioBufferCleared,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    InputAudioBufferTimeoutTriggered,
)
from engine.wire.session import SemanticVad, ServerVad
from engine.wire.units import NS_PER_MS

LEAST_COMMIT_MS = 100
_QUIET_KEPT_MS = 2000
"""Between turns, this much audio stays in the buffer for a commit by the client."""
_SEMANTIC_SILENCE_MS = {"low": 1200, "medium": 700, "auto": 700, "high": 350}
"""The local model does not judge whether a sentence is complete: eagerness becomes a length of silence."""
_SEMANTIC_THRESHOLD = 0.5
_PADDING_MS = 300

Classifiers = Callable[[float], SpeechClassifier]
"""Makes a classifier for a threshold between 0 and 1."""


@attrs.frozen
class _Idle:
    """The user's silence is over at `at`. Positions are samples: where the buffer was when the response
    ended, and where the silence begins if audio comes at real time, after the assistant's last words."""

    at: int
    position: int
    silence_from: int


class Listening:
    """The input audio of a session."""

    def __init__(
        self,
        outbox: Outbox,
        conversation: ItemList,
        settings: SessionSettings,
        options: LocalOptions,
        responding: Responding,
        transcripts: Transcripts,
        classifiers: Classifiers,
    ) -> None:
        self._outbox = outbox
        self._conversation = conversation
        self._settings = settings
        self._options = options
        self._responding = responding
        self._transcripts = transcripts
        self._classifiers = classifiers
        self._buffer = InputBuffer()
        self._decoder = sound.Decoder(settings.input_format)
        self._format = settings.input_format
        self._detection = settings.turn_detection
        self._detector = self._new_detector()
        self._item_id: str | None = None
        """The id announced by `speech_started`."""
        self._idle: _Idle | None = None

    # ------------------------------------------------------------------------------------------ client events
    def append(self, audio: bytes, now: int) -> None:
        """More audio of the user.

        Raises:
            Rejected: too much waits for a commit.
        """
        if self._detector is None and self._buffer.uncommitted_ms > self._options.uncommitted_seconds * 1000:
            raise errors.buffer_full(round(self._options.uncommitted_seconds * 1000))
        self._take_in(self._decoder.decode(audio))
        if self._detector is None:
            return
        while (edge := self._detector.next_edge()) is not None:
            if isinstance(edge, SpeechStarted):
                self._speech_started(edge, now)
            else:
                self._speech_stopped(edge, now)
        self._forget()

    def commit(self, now: int) -> None:
        """Make an item of what is in the buffer.

        Raises:
            Rejected: it is less than 100 ms.
        """
        self._take_in(self._decoder.flush())
        if self._buffer.uncommitted_ms < LEAST_COMMIT_MS:
            raise errors.buffer_too_small(self._buffer.uncommitted_ms)
        self._commit(self._buffer.commit(), now)

    def clear(self) -> None:
        """Forget what is in the buffer, and the turn in progress."""
        self._take_in(self._decoder.flush())
        self._buffer.clear()
        self._abandon()
        self._outbox.send(InputAudioBufferCleared(event_id=self._outbox.ids.event()))

    def settings_changed(self) -> None:
        """The session's settings changed: a turn in progress survives unless turn detection changed."""
        if self._settings.input_format != self._format:
            self._format = self._settings.input_format
            self._decoder = sound.Decoder(self._format)
        if self._settings.turn_detection != self._detection:
            self._detection = self._settings.turn_detection
            self._abandon()
            self._idle = None
            self._detector = self._new_detector()

    # ------------------------------------------------------------------------------------------ time
    @property
    def due(self) -> int | None:
        """When the idle time is over; None if it is not running, or no audio came that it could be counted
        in."""
        if self._idle is None or self._buffer.position <= self._idle.position:
            return None
        return self._idle.at

    def advance(self, now: int) -> None:
        """The idle time may be over."""
        idle, due = self._idle, self.due
        if idle is None or due is None or due > now:
            return
        self._idle = None
        self._item_id = self._outbox.ids.item()
        end = self._buffer.position
        start = min(idle.silence_from, end)
        self._outbox.send(
            InputAudioBufferTimeoutTriggered(
                start // SAMPLES_PER_MS,
                end // SAMPLES_PER_MS,
                self._item_id,
                event_id=self._outbox.ids.event(),
            )
        )
        self._commit(self._buffer.take(start, end), now)
        self._respond(now)

    def response_ended(self, ended: ResponseEnd) -> None:
        """The assistant has said its words, or will have when they are played: time the user's silence."""
        detection = self._detection
        timeout = detection.idle_timeout_ms if isinstance(detection, ServerVad) else None
        if not isinstance(timeout, int) or self._item_id is not None:
            return
        at = ended.at + (ended.audio_ms + timeout) * NS_PER_MS
        position = self._buffer.position
        self._idle = _Idle(at, position, position + ended.audio_ms * SAMPLES_PER_MS)

    # ------------------------------------------------------------------------------------------ turns
    def _speech_started(self, edge: SpeechStarted, now: int) -> None:
        self._idle = None
        self._item_id = self._outbox.ids.item()
        self._outbox.send(
            InputAudioBufferSpeechStarted(
                edge.start // SAMPLES_PER_MS, self._item_id, event_id=self._outbox.ids.event()
            )
        )
        if self._detection is not None and self._detection.interrupt_response is True:
            self._responding.interrupt(now)

    def _speech_stopped(self, edge: SpeechStopped, now: int) -> None:
        self._outbox.send(
            InputAudioBufferSpeechStopped(
                edge.end // SAMPLES_PER_MS, self._item_id or "", event_id=self._outbox.ids.event()
            )
        )
        self._commit(self._buffer.take(edge.start, edge.end), now)
        if self._detection is not None and self._detection.create_response is True:
            self._respond(now)

    def _respond(self, now: int) -> None:
        """The session's own request for a response. That one runs already is told as an error."""
        try:
            self._responding.create(ResponseParams(), now)
        except errors.Rejected as refusal:
            self._outbox.send(errors.event_of(refusal, self._outbox.ids.event()))

    def _commit(self, pcm: bytes, now: int) -> None:
        item_id = self._item_id or self._outbox.ids.item()
        if self._detector is not None:
            self._detector.abandon()
        self._item_id = None
        self._idle = None
        message = Message(item_id, "user", (InputAudio(),), status="completed")
        previous = self._conversation.add(ItemEntry(message, hearing=True))
        self._conversation.keep_audio(item_id, pcm, len(pcm) // 2 // SAMPLES_PER_MS)
        ids = self._outbox.ids
        self._outbox.send(InputAudioBufferCommitted(item_id, previous_item_id=previous, event_id=ids.event()))
        self._outbox.send(ConversationItemAdded(message, previous_item_id=previous, event_id=ids.event()))
        self._outbox.send(ConversationItemDone(message, previous_item_id=previous, event_id=ids.event()))
        if self._settings.transcription is not None:
            self._transcripts.expect(item_id, self._settings.transcription, len(pcm) // 2, now)
        self._outbox.do(Hear(item_id, pcm))
        self._forget()

    # ------------------------------------------------------------------------------------------ inside
    def _take_in(self, pcm: bytes) -> None:
        self._buffer.append(pcm)
        if self._detector is not None:
            self._detector.feed(pcm)

    def _abandon(self) -> None:
        self._item_id = None
        if self._detector is not None:
            self._detector.abandon()

    def _forget(self) -> None:
        """Free what no commit can ask for any more."""
        if self._detector is None:
            self._buffer.forget_before(self._buffer.uncommitted_from)
            return
        quiet_from = self._buffer.position - _QUIET_KEPT_MS * SAMPLES_PER_MS
        keep_from = self._detector.keep_from
        if self._detector.speaking_since is None:
            keep_from = min(keep_from, max(quiet_from, self._buffer.uncommitted_from))
        self._buffer.forget_before(keep_from)

    def _new_detector(self) -> TurnDetector | None:
        detection = self._detection
        if detection is None:
            return None
        padding, silence, threshold = _measures(detection)
        return TurnDetector(
            self._classifiers(threshold),
            position=self._buffer.position,
            padding_ms=padding,
            silence_ms=silence,
        )


def _measures(detection: ServerVad | SemanticVad) -> tuple[int, int, float]:
    """Padding and silence in milliseconds, and the threshold."""
    if isinstance(detection, SemanticVad):
        eagerness = detection.eagerness or "auto"
        return _PADDING_MS, _SEMANTIC_SILENCE_MS[eagerness], _SEMANTIC_THRESHOLD
    return (
        detection.prefix_padding_ms or 0,
        detection.silence_duration_ms or 0,
        detection.threshold or 0.0,
    )

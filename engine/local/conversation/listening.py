"""The user's side: the audio buffer, where turns begin and end in it, and what follows from that.

    cause           what the client is sent, and what else is done
    speech starts   `speech_started` with the id that the item will have; the running response is cancelled if
                    `turn_detection.interrupt_response` is true
    speech stops    `speech_stopped`, then a commit, then a response if `turn_detection.create_response` is true
    commit          `committed`, `conversation.item.added`, `conversation.item.done`; the words are recognised
    silence         for `idle_timeout_ms` after the assistant's speech: `timeout_triggered`, a commit, a response

Turns are measured in samples of appended audio, counted since the session began; only the idle timeout is measured by
the clock, in monotonic nanoseconds (`now`).
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from engine.audio.streams import Decoder
from engine.local.conversation import errors, steps
from engine.local.conversation.effects import Hear
from engine.local.conversation.input_buffer import SAMPLES_PER_MS, InputBuffer
from engine.local.conversation.items import ItemEntry, ItemList
from engine.local.conversation.outbox import Outbox
from engine.local.conversation.responding import Responding, ResponseEnd
from engine.local.conversation.session_settings import SessionSettings
from engine.local.conversation.steps import Steps
from engine.local.conversation.transcripts import Transcripts
from engine.local.conversation.turn_detection import SpeechClassifier, SpeechStarted, SpeechStopped, TurnDetector
from engine.local.settings.options import LocalOptions
from engine.wire.formats import PCM16
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
"""Least audio that the client may commit, in milliseconds."""
_QUIET_KEPT_MS = 2000
"""Audio that stays in the buffer between turns, for a commit by the client, in milliseconds."""
_SEMANTIC_SILENCE_MS = {"low": 1200, "medium": 700, "auto": 700, "high": 350}
"""Silence that ends a turn, in milliseconds, by eagerness: the local model does not judge whether a sentence is
complete."""
_SEMANTIC_THRESHOLD = 0.5
"""Threshold of the classifier, 0 to 1, where the client cannot set it (`semantic_vad`)."""
_PADDING_MS = 300
"""Audio before the first speech that belongs to the turn, in milliseconds, where the client cannot set it."""

ClassifierFactory = Callable[[float], SpeechClassifier]
"""Makes a speech classifier for a threshold between 0 and 1."""


@attrs.frozen
class _IdleTimeout:
    """The wait for a user who says nothing after a response."""

    deadline: int
    """The end of the wait, in monotonic nanoseconds."""
    response_end: int
    """The buffer's position when the response ended, in samples."""
    silence_start: int
    """The position where the response has been played to its end, in samples, if audio is appended at real time."""


class Listening:
    """The input audio of a session, and the turns that are found in it."""

    def __init__(
        self,
        outbox: Outbox,
        conversation: ItemList,
        settings: SessionSettings,
        options: LocalOptions,
        responding: Responding,
        transcripts: Transcripts,
        make_classifier: ClassifierFactory,
    ) -> None:
        """Make an empty buffer, with the turn detection of `settings`.

        Args:
            outbox: takes the events and effects.
            conversation: gets the committed items.
            settings: the session's, as they stand; `settings_changed` is to be called after each change.
            options: how much audio is kept without turn detection.
            responding: cancels and creates responses.
            transcripts: told of the items that the client wants transcripts of.
            make_classifier: called with a threshold for each new turn detector.
        """
        self._outbox = outbox
        self._conversation = conversation
        self._settings = settings
        self._options = options
        self._responding = responding
        self._transcripts = transcripts
        self._make_classifier = make_classifier
        self._buffer = InputBuffer()
        self._decoder = Decoder(settings.input_format)
        self._format = settings.input_format
        self._detection = settings.turn_detection
        self._detector = self._new_detector()
        self._announced_id: str | None = None
        """The id that `speech_started` has announced for the item of the turn in progress."""
        self._idle: _IdleTimeout | None = None

    # ------------------------------------------------------------------------------------------ client events
    def append(self, audio: bytes, now: int) -> Steps:
        """Add audio of the user in steps, and send what follows from the turns that begin and end in it.

        Args:
            audio: in the session's input format.
            now: monotonic nanoseconds.

        Raises:
            Rejected: too much audio waits for a commit already. Nothing was added.
        """
        # With turn detection nothing piles up: turns are committed, and what lies between them is freed.
        if self._detector is None and self._buffer.uncommitted_ms > self._options.uncommitted_seconds * 1000:
            raise errors.buffer_full(round(self._options.uncommitted_seconds * 1000))
        decoder = self._decoder
        for number, piece in enumerate(steps.arriving(audio, self._format)):
            if number:
                now = yield
            self._add(decoder.decode(piece))
            if self._detector is not None:
                self._follow_edges(self._detector, now)

    def _follow_edges(self, detector: TurnDetector, now: int) -> None:
        while (boundary := detector.next_edge()) is not None:
            if isinstance(boundary, SpeechStarted):
                self._speech_started(boundary, now)
            else:
                self._speech_stopped(boundary, now)
        self._free_audio()

    def commit(self, now: int) -> None:
        """Make an item of all uncommitted audio, because the client asked for it.

        Args:
            now: monotonic nanoseconds.

        Raises:
            Rejected: it is shorter than `LEAST_COMMIT_MS`, or the conversation is full.
        """
        self._add(self._decoder.flush())
        if self._buffer.uncommitted_ms < LEAST_COMMIT_MS:
            raise errors.buffer_too_small(self._buffer.uncommitted_ms)
        self._conversation.check_room()
        self._make_item(self._announced_id, self._buffer.commit(), now)

    def clear(self) -> None:
        """Drop all uncommitted audio and the turn in progress, because the client asked for it."""
        self._add(self._decoder.flush())
        self._buffer.clear()
        self._abandon_turn()
        self._outbox.send(InputAudioBufferCleared(event_id=self._outbox.ids.event()))

    def settings_changed(self) -> None:
        """Follow a change of the session's settings. A turn in progress survives unless turn detection changed."""
        if self._settings.input_format != self._format:
            self._format = self._settings.input_format
            self._decoder = Decoder(self._format)
        if self._settings.turn_detection != self._detection:
            self._detection = self._settings.turn_detection
            self._abandon_turn()
            self._idle = None
            self._detector = self._new_detector()

    # ------------------------------------------------------------------------------------------ time
    @property
    def due(self) -> int | None:
        """The end of the idle timeout, in monotonic nanoseconds.

        None if it does not run, or if no audio was appended since the response ended: there is none to commit.
        """
        if self._idle is None or self._buffer.position <= self._idle.response_end:
            return None
        return self._idle.deadline

    def advance(self, now: int) -> None:
        """Commit the user's silence and ask for a response, if the idle timeout has ended by `now`.

        Args:
            now: monotonic nanoseconds.
        """
        idle, due = self._idle, self.due
        if idle is None or due is None or due > now:
            return
        item_id = self._outbox.ids.item()
        end = self._buffer.position
        start = min(idle.silence_start, end)  # audio may have been appended at less than real time
        self._outbox.send(
            InputAudioBufferTimeoutTriggered(
                audio_start_ms=start // SAMPLES_PER_MS,
                audio_end_ms=end // SAMPLES_PER_MS,
                item_id=item_id,
                event_id=self._outbox.ids.event(),
            )
        )
        if self._made_turn(item_id, self._buffer.take(start, end), now):
            self._respond(now)

    def response_ended(self, ended: ResponseEnd) -> None:
        """Start the idle timeout, if the session has one and the user is not speaking.

        It is counted from the moment when the client, playing at real time, comes to the end of the response's audio.
        """
        detection = self._detection
        timeout_ms = detection.idle_timeout_ms if isinstance(detection, ServerVad) else None
        if not isinstance(timeout_ms, int) or self._announced_id is not None:
            return
        position = self._buffer.position
        self._idle = _IdleTimeout(
            deadline=ended.at + (ended.audio_ms + timeout_ms) * NS_PER_MS,
            response_end=position,
            silence_start=position + ended.audio_ms * SAMPLES_PER_MS,
        )

    # ------------------------------------------------------------------------------------------ turns
    def _speech_started(self, started: SpeechStarted, now: int) -> None:
        """Announce that the user speaks, and cancel the running response if the settings say so."""
        self._idle = None
        self._announced_id = self._outbox.ids.item()
        self._outbox.send(
            InputAudioBufferSpeechStarted(
                audio_start_ms=started.start // SAMPLES_PER_MS,
                item_id=self._announced_id,
                event_id=self._outbox.ids.event(),
            )
        )
        # `is True`: transcription sessions leave it unset.
        if self._detection is not None and self._detection.interrupt_response is True:
            self._responding.interrupt(now)

    def _speech_stopped(self, stopped: SpeechStopped, now: int) -> None:
        """Announce the end of the turn, commit it, and ask for a response if the settings say so."""
        self._outbox.send(
            InputAudioBufferSpeechStopped(
                audio_end_ms=stopped.end // SAMPLES_PER_MS,
                item_id=self._announced_id or "",  # never empty: a turn's end is reported after its start
                event_id=self._outbox.ids.event(),
            )
        )
        made = self._made_turn(self._announced_id, self._buffer.take(stopped.start, stopped.end), now)
        if made and self._detection is not None and self._detection.create_response is True:
            self._respond(now)

    def _made_turn(self, announced_id: str | None, pcm: bytes, now: int) -> bool:
        """Make an item of a turn that the server has found, and tell whether it could. If not, the client is told."""
        try:
            self._conversation.check_room()
        except errors.Rejected as refusal:
            self._abandon_turn()
            self._idle = None
            self._outbox.send(errors.event_of(refusal, self._outbox.ids.event()))
            return False
        self._make_item(announced_id, pcm, now)
        return True

    def _respond(self, now: int) -> None:
        """Ask for a response. If one runs already, the client is sent an `error` event."""
        try:
            self._responding.create(ResponseParams(), now)
        except errors.Rejected as refusal:
            self._outbox.send(errors.event_of(refusal, self._outbox.ids.event()))

    def _make_item(self, announced_id: str | None, pcm: bytes, now: int) -> None:
        """Make a user's item of committed audio, announce it, and have its words recognised. The turn is over.

        Args:
            announced_id: the item's id, where the client knows it already.
            pcm: mono 16-bit PCM at 24 kHz.
            now: monotonic nanoseconds.
        """
        item_id = announced_id or self._outbox.ids.item()
        samples = len(pcm) // PCM16.bytes_per_sample
        self._abandon_turn()
        self._idle = None
        message = Message(item_id, "user", (InputAudio(),), status="completed")
        # `hearing`: a response that reads this item waits for its words.
        previous = self._conversation.add(ItemEntry(message, hearing=True))
        self._conversation.keep_audio(item_id, pcm, samples // SAMPLES_PER_MS)
        ids = self._outbox.ids
        self._outbox.send(InputAudioBufferCommitted(item_id, previous_item_id=previous, event_id=ids.event()))
        self._outbox.send(ConversationItemAdded(message, previous_item_id=previous, event_id=ids.event()))
        self._outbox.send(ConversationItemDone(message, previous_item_id=previous, event_id=ids.event()))
        if self._settings.transcription is not None:
            self._transcripts.expect(item_id, self._settings.transcription, samples, now)
        self._outbox.do(Hear(item_id, pcm))
        self._free_audio()

    # ------------------------------------------------------------------------------------------ inside
    def _add(self, pcm: bytes) -> None:
        """Give decoded audio to the buffer and to the detector, if there is one."""
        self._buffer.append(pcm)
        if self._detector is not None:
            self._detector.feed(pcm)

    def _abandon_turn(self) -> None:
        """Forget the turn in progress: its audio was committed or dropped, or is detected anew."""
        self._announced_id = None
        if self._detector is not None:
            self._detector.abandon()

    def _free_audio(self) -> None:
        """Free the audio that no commit can ask for any more."""
        if self._detector is None:
            self._buffer.forget_before(self._buffer.uncommitted_from)
            return
        quiet_from = self._buffer.position - _QUIET_KEPT_MS * SAMPLES_PER_MS
        keep_from = self._detector.keep_from
        if self._detector.speaking_since is None:
            # The client may commit between turns, too; whatever was committed already is not kept for that.
            keep_from = min(keep_from, max(quiet_from, self._buffer.uncommitted_from))
        self._buffer.forget_before(keep_from)

    def _new_detector(self) -> TurnDetector | None:
        """Return a detector for the settings as they stand; None if the client ends the turns itself."""
        detection = self._detection
        if detection is None:
            return None
        padding_ms, silence_ms, threshold = _detector_settings(detection)
        return TurnDetector(
            self._make_classifier(threshold),
            position=self._buffer.position,
            padding_ms=padding_ms,
            silence_ms=silence_ms,
        )


def _detector_settings(detection: ServerVad | SemanticVad) -> tuple[int, int, float]:
    """Return padding and silence in milliseconds, and the threshold (0 to 1).

    `SessionSettings` has filled in the defaults: the fallbacks are for the type alone, and 0 stays 0.
    """
    if isinstance(detection, SemanticVad):
        eagerness = detection.eagerness or "auto"
        return _PADDING_MS, _SEMANTIC_SILENCE_MS[eagerness], _SEMANTIC_THRESHOLD
    return detection.prefix_padding_ms or 0, detection.silence_duration_ms or 0, detection.threshold or 0.0

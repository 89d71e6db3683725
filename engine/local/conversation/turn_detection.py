"""Where a user's turn begins and ends, by position in the audio that was appended, never by the clock.

Audio is cut into frames of 32 ms from the start of the session, as the service does: every reported end, and
every reported start plus its padding, is a multiple of 32 ms. A turn begins when three of the last four
frames are speech, and ends when the set silence has passed since its last frame of speech.

States: *quiet*, *speaking*.

==========  ============================  ==========================================
state       frame                         goes to
==========  ============================  ==========================================
quiet       third of four speech frames   speaking; `SpeechStarted`
speaking    speech                        speaking, the silence starts again
speaking    silence reached its length    quiet; `SpeechStopped`
speaking    turn reached its longest      quiet; `SpeechStopped`
==========  ============================  ==========================================
"""

from __future__ import annotations

import math
from collections import deque
from typing import Protocol

import attrs

from engine.local.conversation.input_buffer import SAMPLES_PER_MS

FRAME_MS = 32
FRAME_SAMPLES = FRAME_MS * SAMPLES_PER_MS
_FRAME_BYTES = FRAME_SAMPLES * 2
_ONSET_WINDOW = 4
_ONSET_FRAMES = 3
_LONGEST_TURN_FRAMES = 5 * 60 * 1000 // FRAME_MS
"""Five minutes: the input buffer must not grow for ever on a noise that never ends."""


class SpeechClassifier(Protocol):
    """Tells speech from other sound, a frame at a time. May adapt to the sound it has seen."""

    def is_speech(self, frame: bytes) -> bool:
        """Whether this frame (32 ms, mono 16-bit PCM, 24 kHz) is speech."""
        ...


@attrs.frozen
class SpeechStarted:
    """A turn began at `start` (position in samples, padding already subtracted)."""

    start: int


@attrs.frozen
class SpeechStopped:
    """The turn that began at `start` ended at `end` (positions in samples; the silence is part of it)."""

    start: int
    end: int


class TurnDetector:
    """Cuts a stream of audio into turns.

    Args:
        classifier: speech or not, frame by frame.
        position: samples appended before this detector; frames keep the session's grid.
        padding_ms: how much audio before the first speech belongs to the turn.
        silence_ms: how much silence ends it.
    """

    def __init__(self, classifier: SpeechClassifier, *, position: int, padding_ms: int, silence_ms: int) -> None:
        self._classifier = classifier
        self._padding = padding_ms * SAMPLES_PER_MS
        self._silence_frames = max(math.ceil(silence_ms / FRAME_MS), 1)
        self._frame_index = -(-position // FRAME_SAMPLES)
        self._skip = (self._frame_index * FRAME_SAMPLES - position) * 2
        self._pending = bytearray()
        self._offset = 0
        self._recent: deque[bool] = deque(maxlen=_ONSET_WINDOW)
        self._start: int | None = None
        self._first_frame = 0
        self._last_speech_frame = 0

    @property
    def speaking_since(self) -> int | None:
        """Where the turn in progress began (position in samples), or None."""
        return self._start

    @property
    def keep_from(self) -> int:
        """Audio before this position will not be asked for by a later turn."""
        if self._start is not None:
            return self._start
        return max((self._frame_index - _ONSET_WINDOW) * FRAME_SAMPLES - self._padding, 0)

    def abandon(self) -> None:
        """Forget the turn in progress: its audio was committed or cleared by the client."""
        self._start = None
        self._recent.clear()

    def feed(self, pcm: bytes) -> None:
        """Take the next audio. What it holds is asked for with `next_edge`."""
        if self._skip:
            skipped = min(self._skip, len(pcm))
            self._skip -= skipped
            pcm = pcm[skipped:]
        self._pending += pcm

    def next_edge(self) -> SpeechStarted | SpeechStopped | None:
        """Look at the audio up to the next edge of a turn. None: there is none in what was fed.

        One at a time, so that whoever follows up on an edge finds the detector as it was at that place.
        """
        edge = None
        while edge is None and self._offset + _FRAME_BYTES <= len(self._pending):
            frame = bytes(self._pending[self._offset : self._offset + _FRAME_BYTES])
            self._offset += _FRAME_BYTES
            edge = self._frame(self._classifier.is_speech(frame))
        if edge is None:
            del self._pending[: self._offset]
            self._offset = 0
        return edge

    def _frame(self, speech: bool) -> SpeechStarted | SpeechStopped | None:
        index = self._frame_index
        self._frame_index += 1
        if self._start is None:
            return self._quiet(index, speech)
        if speech:
            self._last_speech_frame = index
        silent = index - self._last_speech_frame
        if silent < self._silence_frames and index - self._first_frame < _LONGEST_TURN_FRAMES:
            return None
        stopped = SpeechStopped(self._start, (index + 1) * FRAME_SAMPLES)
        self.abandon()
        return stopped

    def _quiet(self, index: int, speech: bool) -> SpeechStarted | None:
        self._recent.append(speech)
        if sum(self._recent) < _ONSET_FRAMES:
            return None
        self._first_frame = index - len(self._recent) + 1 + self._recent.index(True)
        self._last_speech_frame = index
        self._start = max(self._first_frame * FRAME_SAMPLES - self._padding, 0)
        self._recent.clear()
        return SpeechStarted(self._start)

"""The transcripts of what the user said, as events: when they come, in which pieces, and what they cost.

A transcript follows its item's commit after the set latency, or when the recognizer is done, whichever is
later; it is independent of the response. whisper-1 sends the whole text in one delta, the others a piece at a
time. Words that were not understood give an empty transcript.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable

import attrs

from engine.local.conversation.input_buffer import SAMPLES_PER_MS
from engine.local.conversation.outbox import Outbox
from engine.local.conversation.tokens import pieces, text_tokens, user_audio_tokens
from engine.local.settings.options import LocalOptions
from engine.wire.server_events import (
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionDelta,
    ConversationItemInputAudioTranscriptionFailed,
    KnownServerEvent,
    TranscriptionDuration,
    TranscriptionError,
    TranscriptionTokenDetails,
    TranscriptionTokens,
    TranscriptionUsage,
)
from engine.wire.session import Transcription

_ONE_DELTA = ("whisper-1",)
_BY_DURATION = ("whisper-1", "gpt-realtime-whisper")
_LEADING_SPACE = ("gpt-realtime-whisper",)
_Build = Callable[[], KnownServerEvent]


@attrs.frozen
class _Wanted:
    """A transcript that the client asked for."""

    model: str
    not_before: int
    audio_ms: int


class Transcripts:
    """Every transcript of a session that is on its way."""

    def __init__(self, outbox: Outbox, options: LocalOptions, rng: random.Random) -> None:
        self._outbox = outbox
        self._options = options
        self._rng = rng
        self._wanted: dict[str, _Wanted] = {}
        self._planned: list[deque[tuple[int, _Build]]] = []

    @property
    def due(self) -> int | None:
        """When the next event goes out."""
        return min((plan[0][0] for plan in self._planned), default=None)

    def expect(self, item_id: str, wanted: Transcription, samples: int, now: int) -> None:
        """An item with so many samples (24 kHz) was committed, and its transcript is wanted."""
        model = wanted.model if isinstance(wanted.model, str) else ""
        not_before = now + self._options.latencies.transcription.draw(self._rng)
        self._wanted[item_id] = _Wanted(model, not_before, samples // SAMPLES_PER_MS)

    def heard(self, item_id: str, text: str | None, now: int) -> None:
        """The words of an item are known, or known not to be."""
        wanted = self._wanted.pop(item_id, None)
        if wanted is not None:
            self._planned.append(self._plan(item_id, wanted, text or "", max(now, wanted.not_before)))

    def advance(self, now: int) -> None:
        """Send everything that is due, the earliest first."""
        while (due := self.due) is not None and due <= now:
            plan = next(plan for plan in self._planned if plan[0][0] == due)
            self._outbox.send(plan.popleft()[1]())
            if not plan:
                self._planned.remove(plan)

    # ------------------------------------------------------------------------------------------ inside
    def _plan(self, item_id: str, wanted: _Wanted, text: str, start: int) -> deque[tuple[int, _Build]]:
        if self._options.faults.transcription_fails:
            return deque([(start, lambda: self._failed(item_id))])
        said = f" {text}" if text and wanted.model in _LEADING_SPACE else text
        deltas = ([said] if said else []) if wanted.model in _ONE_DELTA else pieces(said)
        step = self._options.latencies.token.draw(self._rng)
        plan: deque[tuple[int, _Build]] = deque(
            (start + index * step, self._delta(item_id, delta)) for index, delta in enumerate(deltas)
        )
        end = start + max(len(deltas) - 1, 0) * step
        for _ in range(2 if self._options.faults.repeat_transcripts else 1):
            plan.append((end, lambda: self._completed(item_id, wanted, text)))
        return plan

    def _delta(self, item_id: str, delta: str) -> _Build:
        ids = self._outbox.ids
        return lambda: ConversationItemInputAudioTranscriptionDelta(
            item_id, 0, delta, obfuscation=ids.obfuscation(delta), event_id=ids.event()
        )

    def _completed(self, item_id: str, wanted: _Wanted, text: str) -> KnownServerEvent:
        return ConversationItemInputAudioTranscriptionCompleted(
            item_id, 0, text, usage=_usage(wanted, text), event_id=self._outbox.ids.event()
        )

    def _failed(self, item_id: str) -> KnownServerEvent:
        error = TranscriptionError(
            type="transcription_error", code="audio_unintelligible", message="The audio could not be transcribed."
        )
        return ConversationItemInputAudioTranscriptionFailed(item_id, 0, error, event_id=self._outbox.ids.event())


def _usage(wanted: _Wanted, text: str) -> TranscriptionUsage:
    if wanted.model in _BY_DURATION:
        return TranscriptionDuration(seconds=-(-wanted.audio_ms // 1000))
    audio, output = user_audio_tokens(wanted.audio_ms), text_tokens(text)
    return TranscriptionTokens(
        total_tokens=audio + output,
        input_tokens=audio,
        output_tokens=output,
        input_token_details=TranscriptionTokenDetails(text_tokens=0, audio_tokens=audio),
    )

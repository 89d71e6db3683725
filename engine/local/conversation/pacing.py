"""When each delta of an output item goes out: text a piece at a time, audio faster than real time, transcript
first.

Text and audio of an item are two streams with clocks of their own. The first audio follows the third
transcript delta; after that each audio delta takes its length divided by the generation speed. Audio that is
synthesised late goes out when it comes, never earlier than planned. Items follow one another, or overlap as
those of the newest models do: the next one opens when the text of the one before has gone out, and they close
in order at the end.
"""

from __future__ import annotations

from collections import deque

import attrs

from engine.local.conversation.output_items import CallOutput, OutputItem
from engine.wire.formats import AudioFormat
from engine.wire.units import NS_PER_S

_TRANSCRIPT_LEAD = 2
"""The first audio is due with the third delta (number 2) of the transcript, and text goes first where times
are equal."""


@attrs.frozen
class Pace:
    """How fast a response is produced."""

    token_ns: int
    speed: float
    """Seconds of audio in a second."""
    delta_ms: tuple[int, ...]
    """Lengths of the audio deltas; the last one repeats."""


class AudioCutter:
    """Cuts encoded audio into deltas of the lengths that the pace asks for."""

    def __init__(self, audio_format: AudioFormat, delta_ms: tuple[int, ...]) -> None:
        self._format = audio_format
        self._sizes = deque(audio_format.bytes_of(ms) for ms in delta_ms)
        self._waiting = bytearray()

    def add(self, audio: bytes, *, last: bool) -> list[bytes]:
        """The deltas that are full now; with `last`, also the one that is not."""
        self._waiting += audio
        deltas = []
        while len(self._waiting) >= self._sizes[0]:
            size = self._sizes[0] if len(self._sizes) == 1 else self._sizes.popleft()
            deltas.append(bytes(self._waiting[:size]))
            del self._waiting[:size]
        if last and self._waiting:
            deltas.append(bytes(self._waiting))
            self._waiting.clear()
        return deltas


class ItemPacing:
    """One output item and what is still to be sent of it.

    Args:
        output: the item.
        pieces: its text, transcript or arguments, cut into deltas.
        pace: how fast.
        audio_format: of a spoken message; None for text and calls.
    """

    def __init__(self, output: OutputItem, pieces: list[str], pace: Pace, audio_format: AudioFormat | None) -> None:
        self.output = output
        self._pieces = deque(pieces)
        self._pace = pace
        self._format = audio_format
        self._cutter = AudioCutter(audio_format, pace.delta_ms) if audio_format is not None else None
        self._audio: deque[bytes] = deque()
        self._audio_ended = audio_format is None
        self._opens_at: int | None = None
        self._text_due = 0
        self._audio_due = 0
        self.last_sent = 0
        """When the newest delta was due: the item closes then at the earliest."""

    def open_at(self, when: int) -> None:
        """Say when the item opens; until then it waits for the one before."""
        self._opens_at = self._text_due = self.last_sent = when
        self._audio_due = when + _TRANSCRIPT_LEAD * self._pace.token_ns

    @property
    def planned(self) -> bool:
        """Whether it is known when the item opens."""
        return self._opens_at is not None

    @property
    def text_sent_at(self) -> int:
        """When the last of its text is due."""
        return self._text_due + max(len(self._pieces) - 1, 0) * self._pace.token_ns

    @property
    def drained(self) -> bool:
        """Whether it is open and nothing remains but to close it."""
        return self.output.status is not None and not self._pieces and not self._audio and self._audio_ended

    @property
    def due(self) -> int | None:
        """When its next event goes out, closing apart."""
        if self.output.status is None:
            return self._opens_at
        times = []
        if self._pieces:
            times.append(self._text_due)
        if self._audio:
            times.append(self._audio_due)
        return min(times, default=None)

    def add_audio(self, encoded: bytes, now: int, *, last: bool) -> None:
        """More synthesised audio, in the format of the response."""
        if self._cutter is None or self._audio_ended:
            return
        deltas = self._cutter.add(encoded, last=last)
        if deltas and not self._audio:
            self._audio_due = max(self._audio_due, now)
        self._audio.extend(deltas)
        self._audio_ended = last
        self.last_sent = max(self.last_sent, now)

    def step(self) -> int:
        """Send what is due next; call only if `due` is not None. Returns how many tokens it was."""
        if self.output.status is None:
            self.output.open()
            return 0
        if self._pieces and (not self._audio or self._text_due <= self._audio_due):
            self.output.write(self._pieces.popleft())
            self.last_sent = max(self.last_sent, self._text_due)
            self._text_due += self._pace.token_ns
            return 1
        return self._step_audio()

    def _step_audio(self) -> int:
        audio = self._audio.popleft()
        output, audio_format = self.output, self._format
        if isinstance(output, CallOutput) or audio_format is None:
            raise TypeError("only spoken messages have audio")
        before = output.tokens_of_audio
        output.play(audio)
        self.last_sent = max(self.last_sent, self._audio_due)
        length_ns = len(audio) * NS_PER_S // audio_format.bytes_per_second
        self._audio_due += round(length_ns / self._pace.speed)
        return output.tokens_of_audio - before

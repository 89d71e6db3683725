"""The sender at the caller's end: it sends what the caller says at real time, and silence between utterances.

A frame is 20 ms of sound; a piece is one or more frames that are sent at once. Like a microphone it sends all the time,
whoever speaks, and a piece leaves at the moment at which its sound ends. Moments are counted from the beginning, so
that a late piece does not delay the ones after it.

In real time every piece is one frame. Under virtual time it may be longer (`Pacing.longest_ms`), where nothing depends
on single frames.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

import attrs
import trio

from engine.caller.call_events import CallerSpeechBegan, CallerSpeechEnded, Tell
from engine.caller.recording import Recording
from engine.caller.utterance import FRAME_BYTES, FRAME_MS, Sound
from engine.clock import now_ns
from engine.errors import SessionClosed
from engine.latency.turns import Purpose
from engine.wire.units import NS_PER_MS, NS_PER_S

_FRAME_NS = FRAME_MS * NS_PER_MS
_ATTENTION_FRAMES = 75
"""Frames of background after an utterance (1.5 s) that are sent in short pieces, because the server is about to decide
that the turn is over."""


@attrs.define
class _Utterance:
    """Something to be said, and how far that has come. Times are nanoseconds of the session's clock."""

    sound: Sound
    text: str | None
    """Its words, if they are known."""
    purpose: Purpose
    asked_ns: int
    """The time when it was asked for: it begins with the first frame that begins then or later."""
    frames_sent: int = 0
    begins_ns: int | None = None
    """The beginning of its first frame; None while it waits for its turn."""
    told_began: bool = False
    """`CallerSpeechBegan` has been told."""
    told_ended: bool = False
    """`CallerSpeechEnded` has been told."""
    all_sent: trio.Event = attrs.field(factory=trio.Event)
    """Set when the last frame has left."""


@attrs.frozen(kw_only=True)
class Pacing:
    """The length of the pieces, and the sound where nobody speaks."""

    background: bytes = attrs.field(default=b"", repr=False)
    """Sound where nobody speaks, repeated: whole frames of mono 16-bit PCM at 24 kHz; empty: silence."""
    longest_ms: int = FRAME_MS
    """Length of the longest piece, in milliseconds."""
    grid_ms: int = FRAME_MS
    """Length of the session's writes to the server, in milliseconds (its `audio_frame_ms`). A piece longer than a frame
    begins where a write begins, so that each write has the same sound, at the same time, as with single frames."""


FRAME_BY_FRAME: Final = Pacing()
"""Every piece is one frame; silence where nobody speaks."""


class PacedSender:
    """Sends the caller's utterances at real time, one after another, and background between them."""

    def __init__(
        self,
        send: Callable[[bytes], Awaitable[None]],
        tell: Tell,
        recording: Recording | None,
        *,
        began_ns: int,
        pacing: Pacing = FRAME_BY_FRAME,
    ) -> None:
        """Make a sender that has sent nothing; `run` sends.

        Args:
            send: sends a piece: mono 16-bit PCM at 24 kHz.
            tell: is told when the caller's voice becomes audible and falls silent.
            recording: keeps the pieces; None: nobody does.
            began_ns: the beginning of the first frame, on the session's clock.
            pacing: the length of the pieces, and the background.
        """
        self._send = send
        self._tell = tell
        self._recording = recording
        self._next_ns = began_ns
        """The beginning of the next piece, in nanoseconds of the session's clock."""
        self._background = pacing.background or bytes(FRAME_BYTES)
        self._background_at = 0
        """The place in the background that comes next, in bytes."""
        self._frames_sent = 0
        # A write of the session, and the longest piece (whole writes), in frames.
        self._grid_frames = max(pacing.grid_ms // FRAME_MS, 1)
        self._longest_frames = max(pacing.longest_ms // FRAME_MS // self._grid_frames, 1) * self._grid_frames
        self._joins_frames = pacing.longest_ms > FRAME_MS
        """Pieces may be longer than a frame."""
        self._attentive_frames = 0
        """Frames of background that are still to be sent in short pieces."""
        self._queue: deque[_Utterance] = deque()
        """Utterances that have not been sent whole; the first of them is being said, or waits for its time."""
        self._asked = trio.lowlevel.ParkingLot()
        """Where `run` waits for an utterance to be asked for."""
        self.largest_drift_ns = 0
        """Largest delay of a frame, in nanoseconds: the fault of the machine, or of the session. 0 where pieces may be
        longer: they leave late on purpose when an utterance cuts them short."""

    async def say(self, pcm: bytes | Sound, text: str | None, *, purpose: Purpose = "turn") -> int:
        """Say something, and wait until the last frame of it has left.

        If the session closes first this never returns: whoever holds the call cancels the caller then (`CallHarness`).

        Args:
            pcm: mono 16-bit PCM at 24 kHz.
            text: what it says, if that is known.
            purpose: what the caller means by it.

        Returns:
            The time of its first audible sample, in nanoseconds of the session's clock; of its beginning, if it is
            silence.
        """
        sound = pcm if isinstance(pcm, Sound) else Sound.of(pcm)
        utterance = _Utterance(sound, text, purpose, now_ns())
        self._queue.append(utterance)
        self._asked.unpark_all()
        await utterance.all_sent.wait()
        assert utterance.begins_ns is not None
        return utterance.begins_ns + (sound.span_ns[0] if sound.span_ns else 0)

    def relax(self) -> None:
        """Send long pieces again, because the server has decided that the caller's turn is over."""
        self._attentive_frames = 0

    async def run(self) -> None:
        """Send pieces until the session is over."""
        while True:
            begins_ns = self._next_ns
            # Not before it was asked for: frames that are overdue still are background.
            speaks = self._queue and self._queue[0].asked_ns <= begins_ns
            pcm = self._utterance_piece(begins_ns) if speaks else await self._background_piece(begins_ns)
            ends_ns = self._next_ns = begins_ns + len(pcm) // FRAME_BYTES * _FRAME_NS
            if now_ns() < ends_ns:
                await trio.sleep_until(ends_ns / NS_PER_S)
            if not self._joins_frames:
                self.largest_drift_ns = max(self.largest_drift_ns, now_ns() - ends_ns)
            if self._recording is not None:
                self._recording.caller.lay(self._recording.position(begins_ns), pcm)
            try:
                await self._send(pcm)
            except SessionClosed:
                return
            self._announce(ends_ns)

    def _utterance_piece(self, begins_ns: int) -> bytes:
        """Return the next piece of the utterance that is being said; the last frame is filled up with silence."""
        utterance = self._queue[0]
        if utterance.begins_ns is None:
            utterance.begins_ns = begins_ns
        frames = 1
        if self._may_join:
            # Several writes where nothing depends on single frames, else one write, or what is left of the utterance.
            plain = utterance.sound.plain_from(utterance.frames_sent, self._longest_frames)
            left = utterance.sound.frames - utterance.frames_sent
            frames = self._whole_writes(plain) or min(self._grid_frames, left)
        start = utterance.frames_sent * FRAME_BYTES
        utterance.frames_sent += frames
        self._frames_sent += frames
        self._attentive_frames = _ATTENTION_FRAMES
        return utterance.sound.pcm[start : start + frames * FRAME_BYTES].ljust(frames * FRAME_BYTES, b"\0")

    async def _background_piece(self, begins_ns: int) -> bytes:
        """Wait until an utterance is asked for or a piece is long enough, and return that much background.

        A single frame is returned at once.
        """
        frames = 1
        if self._may_join:
            frames = self._grid_frames if self._attentive_frames else self._longest_frames
        self._attentive_frames = max(self._attentive_frames - frames, 0)
        if frames > 1:
            with trio.move_on_at((begins_ns + frames * _FRAME_NS) / NS_PER_S):
                while not self._queue:
                    await self._asked.park()
                # An utterance begins with the next frame: whole writes, to the end of the present frame at most.
                frames = self._whole_writes(_ceil_div(now_ns() - begins_ns, _FRAME_NS)) or 1
        self._frames_sent += frames
        size, start = frames * FRAME_BYTES, self._background_at
        self._background_at = (start + size) % len(self._background)
        return (self._background * _ceil_div(start + size, len(self._background)))[start : start + size]

    @property
    def _may_join(self) -> bool:
        """Whether the next piece may be longer than a frame: a write of the session begins with it."""
        return self._joins_frames and self._frames_sent % self._grid_frames == 0

    def _whole_writes(self, frames: int) -> int:
        """Return `frames`, rounded down to whole writes of the session."""
        return frames // self._grid_frames * self._grid_frames

    def _announce(self, until_ns: int) -> None:
        """Tell what has become true of the utterance that is being said, and end it if its last frame has left.

        Args:
            until_ns: the end of the piece that has just left.
        """
        if not self._queue or (first_ns := self._queue[0].begins_ns) is None:
            return
        utterance = self._queue[0]
        if utterance.sound.span_ns is not None:
            begins_ns, ends_ns = (first_ns + offset for offset in utterance.sound.span_ns)
            if not utterance.told_began and begins_ns < until_ns:
                utterance.told_began = True
                self._tell(CallerSpeechBegan(at_ns=begins_ns, text=utterance.text, purpose=utterance.purpose))
            if not utterance.told_ended and ends_ns <= until_ns:
                utterance.told_ended = True
                self._tell(CallerSpeechEnded(at_ns=ends_ns))
        if utterance.frames_sent >= utterance.sound.frames:
            self._queue.popleft()
            utterance.all_sent.set()


def _ceil_div(dividend: int, divisor: int) -> int:
    """Return the quotient of two integers, rounded up."""
    return -(-dividend // divisor)

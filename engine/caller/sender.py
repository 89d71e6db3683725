"""The sender at the caller's end: twenty-millisecond frames at real time, silence between utterances.

Like a microphone it sends all the time, whoever speaks, and a frame leaves when it has been heard to its end. Moments
are counted from the beginning, so that a late frame does not delay the ones after it.

Under virtual time several frames may leave as one piece (`longest_ms`), where nothing depends on each of them.
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
"""For 1.5 s after an utterance every frame leaves by itself: the server is about to decide that it is over."""


@attrs.define
class _Utterance:
    sound: Sound
    text: str | None
    purpose: Purpose
    asked_ns: int
    """It begins with the first frame that begins then or later."""
    sent: int = 0
    """Frames."""
    begins_ns: int | None = None
    """The moment of its first frame; None: it still waits for its turn."""
    announced: bool = False
    ended: bool = False
    over: trio.Event = attrs.field(factory=trio.Event)


@attrs.frozen(kw_only=True)
class Pacing:
    """How the caller's voice is cut into pieces, and what is heard where nobody speaks."""

    background: bytes = attrs.field(default=b"", repr=False)
    """What is heard where nobody speaks, again and again, whole frames; empty: silence."""
    longest_ms: int = FRAME_MS
    """The longest piece that is sent at once."""
    grid_ms: int = FRAME_MS
    """What frames are joined to on their way; of no matter where `longest_ms` is a frame. Longer pieces begin and end
    on it, so that what leaves the engine is what would have left it, at the same time."""


FRAME_BY_FRAME: Final = Pacing()
"""Every frame by itself, and silence where nobody speaks."""


class PacedSender:
    """Sends what it is told to say, in time."""

    def __init__(
        self,
        send: Callable[[bytes], Awaitable[None]],
        tell: Tell,
        recording: Recording | None,
        *,
        began_ns: int,
        pacing: Pacing = FRAME_BY_FRAME,
    ) -> None:
        """
        Args:
            send: where frames go: mono 16-bit PCM at 24 kHz.
            tell: is told when the caller's voice becomes audible and falls silent.
            recording: keeps what was said; None: nobody does.
            began_ns: the moment of the first frame.
            pacing: the length of the pieces, and the background.
        """
        self._send = send
        self._tell = tell
        self._recording = recording
        self._sent_until_ns = began_ns
        self._background = pacing.background or bytes(FRAME_BYTES)
        self._background_at = 0
        self._frames_sent = 0
        self._grid = max(pacing.grid_ms // FRAME_MS, 1)
        self._most = max(pacing.longest_ms // FRAME_MS // self._grid, 1) * self._grid
        self._longer = pacing.longest_ms > FRAME_MS
        self._attentive_frames = 0
        self._queue: deque[_Utterance] = deque()
        self._said_something = trio.lowlevel.ParkingLot()
        self.largest_drift_ns = 0
        """How much later than it should a frame has left, at worst: the fault of the machine, or of the session."""

    async def say(self, pcm: bytes | Sound, text: str | None, *, purpose: Purpose = "turn") -> int:
        """Say something, and return once the last frame of it has left.

        Args:
            pcm: in the session's input format.
            text: what it says, if that is known.
            purpose: what the caller means by it.

        Returns:
            The moment of its first audible sample, on the session's clock (of its beginning, if it is silence).
        """
        sound = pcm if isinstance(pcm, Sound) else Sound.of(pcm)
        utterance = _Utterance(sound, text, purpose, now_ns())
        self._queue.append(utterance)
        self._said_something.unpark_all()
        await utterance.over.wait()
        assert utterance.begins_ns is not None
        return utterance.begins_ns + (sound.span_ns[0] if sound.span_ns else 0)

    def relax(self) -> None:
        """The server has decided that the caller's turn is over: nothing depends on the next frames."""
        self._attentive_frames = 0

    async def run(self) -> None:
        """Send frames until the session is over."""
        while True:
            begins_ns = self._sent_until_ns
            speaks = self._queue and self._queue[0].asked_ns <= begins_ns
            pcm = self._utterance_piece(begins_ns) if speaks else await self._background_piece(begins_ns)
            ends_ns = self._sent_until_ns = begins_ns + len(pcm) // FRAME_BYTES * _FRAME_NS
            if now_ns() < ends_ns:
                await trio.sleep_until(ends_ns / NS_PER_S)
            if not self._longer:
                self.largest_drift_ns = max(self.largest_drift_ns, now_ns() - ends_ns)
            if self._recording is not None:
                self._recording.caller.lay(self._recording.position(begins_ns), pcm)
            try:
                await self._send(pcm)
            except SessionClosed:
                return
            self._announce(ends_ns)

    def _utterance_piece(self, begins_ns: int) -> bytes:
        utterance = self._queue[0]
        if utterance.begins_ns is None:
            utterance.begins_ns = begins_ns
        frames = 1
        if self._on_grid:
            plain = utterance.sound.plain_from(utterance.sent, self._most) // self._grid * self._grid
            frames = plain or min(self._grid, utterance.sound.frames - utterance.sent)
        start = utterance.sent * FRAME_BYTES
        utterance.sent += frames
        self._frames_sent += frames
        self._attentive_frames = _ATTENTION_FRAMES
        return utterance.sound.pcm[start : start + frames * FRAME_BYTES].ljust(frames * FRAME_BYTES, b"\0")

    async def _background_piece(self, begins_ns: int) -> bytes:
        """What is heard until somebody says something, or a piece is long enough."""
        frames = 1
        if self._on_grid:
            frames = self._grid if self._attentive_frames else self._most
        self._attentive_frames = max(self._attentive_frames - frames, 0)
        if frames > 1:
            with trio.move_on_at((begins_ns + frames * _FRAME_NS) / NS_PER_S):
                while not self._queue:
                    await self._said_something.park()
                frames = -(-(now_ns() - begins_ns) // _FRAME_NS) // self._grid * self._grid or 1
        self._frames_sent += frames
        size, start = frames * FRAME_BYTES, self._background_at
        self._background_at = (start + size) % len(self._background)
        again = -(-(start + size) // len(self._background))
        return (self._background * again)[start : start + size]

    @property
    def _on_grid(self) -> bool:
        return self._longer and self._frames_sent % self._grid == 0

    def _announce(self, until_ns: int) -> None:
        """Tell of what became true by the end of the frame that has just left."""
        if not self._queue or (first_ns := self._queue[0].begins_ns) is None:
            return
        utterance = self._queue[0]
        if utterance.sound.span_ns is not None:
            begins_ns, ends_ns = (first_ns + offset for offset in utterance.sound.span_ns)
            if not utterance.announced and begins_ns < until_ns:
                utterance.announced = True
                self._tell(CallerSpeechBegan(at_ns=begins_ns, text=utterance.text, purpose=utterance.purpose))
            if not utterance.ended and ends_ns <= until_ns:
                utterance.ended = True
                self._tell(CallerSpeechEnded(at_ns=ends_ns))
        if utterance.sent >= utterance.sound.frames:
            self._queue.popleft()
            utterance.over.set()

"""The mouthpiece at the caller's end: twenty-millisecond frames at real time, silence between utterances.

Like a microphone it sends all the time, whoever speaks, and a frame leaves when it has been heard to its end. Moments
are counted from the beginning, so that a late frame does not delay the ones after it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

import attrs
import trio

from engine.clock import NS
from engine.errors import SessionClosed
from engine.line.audible import audible_span_ns
from engine.line.call_events import CallerSpeechBegan, CallerSpeechEnded, Tell
from engine.line.recording import Recording
from engine.wire.formats import PCM16, AudioFormat

FRAME_MS = 20


@attrs.define
class _Utterance:
    pcm: bytes
    text: str | None
    span_ns: tuple[int, int] | None
    """Where its audible part begins and ends; None: it is silence."""
    sent: int = 0
    begins_ns: int | None = None
    """The moment of its first frame; None: it still waits for its turn."""
    announced: bool = False
    ended: bool = False
    over: trio.Event = attrs.field(factory=trio.Event)


class Mouthpiece:
    """Sends what it is told to say, in time."""

    def __init__(
        self,
        send: Callable[[bytes], Awaitable[None]],
        tell: Tell,
        recording: Recording,
        *,
        began_ns: int,
        audio_format: AudioFormat = PCM16,
    ) -> None:
        self._send = send
        self._tell = tell
        self._recording = recording
        self._began_ns = began_ns
        self._frame_bytes = audio_format.bytes_of(FRAME_MS)
        self._format = audio_format
        self._queue: deque[_Utterance] = deque()

    async def say(self, pcm: bytes, text: str | None) -> int:
        """Say something, and return once the last frame of it has left.

        Args:
            pcm: in the session's input format.
            text: what it says, if that is known.

        Returns:
            The moment of its first audible sample, on the session's clock (of its beginning, if it is silence).
        """
        utterance = _Utterance(pcm, text, audible_span_ns(pcm))
        self._queue.append(utterance)
        await utterance.over.wait()
        assert utterance.begins_ns is not None
        return utterance.begins_ns + (utterance.span_ns[0] if utterance.span_ns else 0)

    async def run(self) -> None:
        """Send frames until the session is over."""
        frame = 0
        while True:
            begins_ns = self._began_ns + frame * FRAME_MS * 1_000_000
            pcm = self._next_frame(begins_ns)
            frame += 1
            await trio.sleep_until((self._began_ns + frame * FRAME_MS * 1_000_000) / NS)
            self._recording.caller.lay(self._recording.position(begins_ns), pcm)
            try:
                await self._send(pcm)
            except SessionClosed:
                return
            self._announce(begins_ns + FRAME_MS * 1_000_000)

    def _next_frame(self, begins_ns: int) -> bytes:
        if not self._queue:
            return bytes(self._frame_bytes)
        utterance = self._queue[0]
        if utterance.begins_ns is None:
            utterance.begins_ns = begins_ns
        piece = utterance.pcm[utterance.sent : utterance.sent + self._frame_bytes]
        utterance.sent += len(piece)
        return piece.ljust(self._frame_bytes, b"\0")

    def _announce(self, until_ns: int) -> None:
        """Tell of what became true by the end of the frame that has just left."""
        if not self._queue or (first_ns := self._queue[0].begins_ns) is None:
            return
        utterance = self._queue[0]
        if utterance.span_ns is not None:
            begins_ns, ends_ns = (first_ns + offset for offset in utterance.span_ns)
            if not utterance.announced and begins_ns < until_ns:
                utterance.announced = True
                self._tell(CallerSpeechBegan(at_ns=begins_ns, text=utterance.text))
            if not utterance.ended and ends_ns <= until_ns:
                utterance.ended = True
                self._tell(CallerSpeechEnded(at_ns=ends_ns))
        if utterance.sent >= len(utterance.pcm):
            self._queue.popleft()
            utterance.over.set()

"""The audio-in pump.

owns    audio that is shorter than a frame
reads   `microphone`
writes  `input_audio_buffer.append` and marks to `uplink`, in order
ends    with the session
"""

from __future__ import annotations

import attrs
import trio

from engine.mailboxes import Mark, Microphone, Outbound
from engine.wire.client_events import InputAudioBufferAppend
from engine.wire.formats import AudioFormat

LONGEST_APPEND_MS = 1000
"""No append is longer, so that control never waits long behind one; the protocol allows 15 MiB."""


@attrs.define
class AudioInPump:
    """Makes frames of whatever pieces the application sends."""

    microphone: Microphone
    outbound: Outbound
    audio_format: AudioFormat
    frame_ms: int
    """Shorter pieces are joined to frames of this length; a rest waits no longer than that for its continuation."""

    async def run(self) -> None:
        """Pump until cancelled."""
        frame = self.audio_format.bytes_of(self.frame_ms)
        pieces: list[bytes] = []
        flush_at: float | None = None
        while True:
            entries = await self._next(flush_at)
            for entry in entries:
                if isinstance(entry, Mark):
                    await self._send(pieces)
                    pieces = []
                    await self.outbound.put_uplink(entry)
                else:
                    pieces.append(entry)
            if not entries or sum(map(len, pieces)) >= frame:
                await self._send(pieces)
                pieces = []
            if not pieces:
                flush_at = None
            elif flush_at is None:
                flush_at = trio.current_time() + self.frame_ms / 1000

    async def _next(self, flush_at: float | None) -> list[bytes | Mark]:
        if flush_at is None:
            return await self.microphone.take()
        with trio.move_on_at(flush_at):
            return await self.microphone.take()
        return []

    async def _send(self, pieces: list[bytes]) -> None:
        audio = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        longest = self.audio_format.bytes_of(LONGEST_APPEND_MS)
        for start in range(0, len(audio), longest):
            piece = audio if len(audio) <= longest else audio[start : start + longest]
            await self.outbound.put_uplink(InputAudioBufferAppend(piece))

"""The caller's end of the line: what a caller can do."""

from __future__ import annotations

from typing import Any

import attrs
import trio

from engine.caller.call_events import CallerTyped, CallNote, Tell
from engine.caller.recording import Recording
from engine.caller.sender import Mouthpiece
from engine.caller.turn_taking import Floor
from engine.clock import NS, now_ns
from engine.session.session import RealtimeSession

MICROPHONE_GAP_SAMPLES = 4_800
"""200 ms: so much may a microphone's clock and ours differ without a hole in the recording."""
_SAMPLE_BYTES = 2


@attrs.frozen
class Line:
    """Speak, type, listen. Everything raises `SessionClosed` once the call is over."""

    _session: RealtimeSession[Any]
    _mouthpiece: Mouthpiece
    _recording: Recording
    _floor: Floor
    _tell: Tell

    async def say(self, pcm: bytes, text: str | None) -> int:
        """Speak, at real time. Returns the moment the voice began, in nanoseconds of the session's clock."""
        return await self._mouthpiece.say(pcm, text)

    async def type(self, text: str) -> int:
        """Send a line of text; if the agent is speaking, it is interrupted first. Returns the moment."""
        if self._floor.agent_is_audible:
            await self._session.interrupt()
        at_ns = now_ns()
        self._tell(CallerTyped(at_ns=at_ns, text=text))
        await self._session.send_message(text)
        return at_ns

    async def feed(self, pcm: bytes) -> None:
        """What a microphone has heard until just now."""
        position = self._recording.position(now_ns()) - len(pcm) // _SAMPLE_BYTES
        self._recording.caller.follow(position, pcm, tolerance=MICROPHONE_GAP_SAMPLES)
        await self._session.send_audio(pcm)

    async def pause(self, seconds: float) -> None:
        """Let time pass."""
        await trio.sleep(seconds)

    async def agent_finished(self, since_ns: int) -> None:
        """Wait until the agent has answered what was begun at `since_ns`; when patience is at its end, say so."""
        if not await self._floor.agent_finished(since_ns):
            now = now_ns()
            self._tell(CallNote(at_ns=now, text=f"no answer for {(now - since_ns) / NS:.0f} s: the caller goes on"))

    async def agent_audible(self, since_ns: int, seconds: float) -> None:
        """Wait until the answer to what was begun at `since_ns` has been audible for `seconds`, or is over."""
        await self._floor.agent_audible(since_ns, seconds)

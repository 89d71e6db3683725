"""The caller: one interface for whoever calls, what a caller can do, and the caller who knows beforehand what to say.

A caller is given `CallerActions` and returns when it has nothing more to say and has heard the last answer. The
demonstration's script, WAV files and the demonstration without speech are all *prepared* callers; typed lines, the
microphone and the scripts of simulated calls have modules of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import attrs
import trio

from engine.caller.call_events import CallerTyped, CallNote, Tell
from engine.caller.recording import Recording
from engine.caller.sender import PacedSender
from engine.caller.turn_taking import TurnTaking
from engine.caller.utterance import Sound
from engine.clock import now_ns
from engine.latency.turns import Purpose
from engine.session.session import RealtimeSession
from engine.wire.formats import PCM16
from engine.wire.units import NS_PER_S

SETTLED_SECONDS = 0.4
"""How long a polite caller waits after the agent has finished, as people do."""
MICROPHONE_GAP_SAMPLES = 4_800
"""200 ms: so much may a microphone's clock and ours differ without a hole in the recording."""


@attrs.frozen
class CallerActions:
    """What a caller can do: speak, type, wait for the agent. All of it raises `SessionClosed` once the call is over."""

    _session: RealtimeSession[Any]
    _sender: PacedSender
    _recording: Recording | None
    _turn_taking: TurnTaking
    _tell: Tell

    async def say(self, sound: bytes | Sound, text: str | None, *, purpose: Purpose = "turn") -> int:
        """Speak, at real time. Returns the moment the voice began, in nanoseconds of the session's clock."""
        return await self._sender.say(sound, text, purpose=purpose)

    async def type(self, text: str, *, interrupts: bool = True) -> int:
        """Send a line of text. Returns the moment, in nanoseconds of the session's clock.

        Args:
            text: the line.
            interrupts: interrupt the agent first, if it is speaking.
        """
        if interrupts and self._turn_taking.agent_is_audible:
            await self._session.interrupt()
        at_ns = now_ns()
        self._tell(CallerTyped(at_ns=at_ns, text=text))
        await self._session.send_message(text)
        return at_ns

    async def feed(self, pcm: bytes) -> None:
        """Send what a microphone has heard until just now: mono 16-bit PCM at 24 kHz."""
        if self._recording is not None:
            position = self._recording.position(now_ns()) - len(pcm) // PCM16.bytes_per_sample
            self._recording.caller.follow(position, pcm, tolerance=MICROPHONE_GAP_SAMPLES)
        await self._session.send_audio(pcm, rate=PCM16.rate)

    async def agent_finished(self, since_ns: int) -> None:
        """Wait until the agent has answered what was begun at `since_ns`; when patience is at its end, say so."""
        if not await self._turn_taking.agent_finished(since_ns):
            now = now_ns()
            waited_s = (now - since_ns) / NS_PER_S
            self._tell(CallNote(at_ns=now, text=f"no answer for {waited_s:.0f} s: the caller goes on"))

    async def agent_audible(self, since_ns: int, seconds: float) -> None:
        """Wait until the answer to what was begun at `since_ns` has been audible for `seconds`, or is over."""
        await self._turn_taking.agent_audible(since_ns, seconds)


class Caller(Protocol):
    """Somebody who calls."""

    @property
    def speaks(self) -> bool:
        """Whether what it says is sent at the pace of speech, with silence or noise in between."""
        ...

    async def call(self, actions: CallerActions, began_ns: int, *, greeted: bool) -> None:
        """Hold the caller's side of the conversation.

        Args:
            actions: what the caller can do.
            began_ns: when the call began.
            greeted: whether the agent speaks first.
        """
        ...


@attrs.frozen
class Utterance:
    """One thing to say."""

    text: str | None
    """Its words, if they are known."""
    pcm: bytes | None = attrs.field(default=None, repr=False)
    """Mono 16-bit PCM at 24 kHz; None: it is typed."""
    cuts_in_after: float | None = None
    """Say it when the agent's answer to the one before has been audible for so many seconds; None: be polite."""


@attrs.frozen
class PreparedCaller:
    """Says one thing after another, each when the agent has finished, or where the script says so, in mid-sentence."""

    utterances: Sequence[Utterance]

    @property
    def speaks(self) -> bool:
        """See `Caller.speaks`."""
        return any(utterance.pcm is not None for utterance in self.utterances)

    async def call(self, actions: CallerActions, began_ns: int, *, greeted: bool) -> None:
        """See `Caller.call`."""
        since_ns = began_ns
        expects_answer = greeted
        for utterance in self.utterances:
            purpose: Purpose = "turn"
            if expects_answer and utterance.cuts_in_after is not None:
                await actions.agent_audible(since_ns, utterance.cuts_in_after)
                purpose = "barge_in"
            elif expects_answer:
                await actions.agent_finished(since_ns)
                await trio.sleep(SETTLED_SECONDS)
            if utterance.pcm is None:
                since_ns = await actions.type(utterance.text or "")
            else:
                since_ns = await actions.say(utterance.pcm, utterance.text, purpose=purpose)
            expects_answer = True
        if expects_answer:
            await actions.agent_finished(since_ns)

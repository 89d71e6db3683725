"""Who speaks at the caller's end: one interface, and the caller who knows beforehand what to say.

A caller is given the `Line` and returns when it has nothing more to say and has heard the last answer. The demo's
script, WAV files and the demo without speech are all *prepared* callers; typed lines and the microphone have modules
of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import attrs

from engine.cli.line import Line

SETTLED_SECONDS = 0.4
"""How long a polite caller waits after the agent has finished, as people do."""


class Caller(Protocol):
    """Somebody who calls."""

    @property
    def speaks(self) -> bool:
        """Whether what it says is sent by the line's mouthpiece, with silence in between."""
        ...

    async def call(self, line: Line, began_ns: int, *, greeted: bool) -> None:
        """Hold the caller's side of the conversation.

        Args:
            line: the line.
            began_ns: when it was opened.
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

    async def call(self, line: Line, began_ns: int, *, greeted: bool) -> None:
        """See `Caller.call`."""
        since_ns = began_ns
        expects_answer = greeted
        for utterance in self.utterances:
            if expects_answer and utterance.cuts_in_after is not None:
                await line.agent_audible(since_ns, utterance.cuts_in_after)
            elif expects_answer:
                await line.agent_finished(since_ns)
                await line.pause(SETTLED_SECONDS)
            since_ns = await self._utter(line, utterance)
            expects_answer = True
        if expects_answer:
            await line.agent_finished(since_ns)

    async def _utter(self, line: Line, utterance: Utterance) -> int:
        if utterance.pcm is None:
            return await line.type(utterance.text or "")
        return await line.say(utterance.pcm, utterance.text)

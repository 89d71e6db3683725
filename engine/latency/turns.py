"""A turn, from the first sound of the user to the last sound of the agent, as the instants that belong to it.

Times are nanoseconds since the session began; None means that it did not happen, or that nobody knows: `answered`,
`opened_by` and the sources tell which. Nothing is ever zero because it is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

Opening = Literal["call", "speech", "text", "silence", "application"]
"""What a turn begins with: the call itself (the agent greets), the user's voice, a typed message, the user's silence
(idle timeout), or a response that the application asked for."""
Cause = Literal["user", "application", "guardrail"]


@attrs.frozen(kw_only=True)
class ToolSpan:
    """One call of a tool or a handoff."""

    call_id: str
    name: str
    called: int
    approval_asked: int | None = None
    approval_answered: int | None = None
    started: int | None = None
    ended: int | None = None
    output_sent: int | None = None
    outcome: str | None = None


@attrs.frozen(kw_only=True)
class Interruption:
    """How the agent's answer of this turn was cut short."""

    cause: Cause
    onset_truth: int | None = None
    """The first audible sample of the user who interrupted, where the line knows it."""
    onset_heard: int | None = None
    """When the far end said that the user began to speak."""
    emitted: int
    """`audio_interrupted` was made."""
    taken: int | None = None
    cancel_sent: int | None = None
    truncate_sent: int | None = None
    stopped: int | None = None
    """The last sample that was played."""
    heard_ms: int | None = None
    """How much of the item had been heard, as it was told to the far end."""


@attrs.frozen(kw_only=True)
class HandoffInstant:
    """The conversation passed to another agent."""

    at: int
    from_agent: str
    to_agent: str


@attrs.frozen(kw_only=True)
class TurnRecord:
    """One turn. The fields in the order in which they usually happen."""

    session: str
    index: int
    """Counted from 0 within the session."""
    opened_by: Opening
    began: int
    """When the turn began, by whatever opened it."""
    user_text: str | None = None

    user_speech_start_truth: int | None = None
    user_speech_end_truth: int | None = None
    user_audio_first_sent: int | None = None
    user_audio_last_sent: int | None = None
    text_sent: int | None = None
    commit_sent: int | None = None
    speech_started: int | None = None
    speech_started_ms: int | None = None
    """The far end's own figure: position in all audio sent this session."""
    speech_stopped: int | None = None
    speech_stopped_ms: int | None = None
    committed: int | None = None
    transcript_first: int | None = None
    transcript_final: int | None = None

    response_requested: int | None = None
    response_created: int | None = None
    """Of the turn's first response. Further ones (after tools) are in `responses`."""
    first_token: int | None = None
    audio_first_received: int | None = None
    audio_first_taken: int | None = None
    audio_first_audible: int | None = None
    playout_start: int | None = None
    playout_audible: int | None = None
    """The first sample above -45 dBFS reached the speaker."""
    playout_stop: int | None = None
    """The last sample of the turn's last item that was played."""
    playout_source: str | None = None
    """'computed' by the engine, 'reported' by the application, 'measured' on the line."""
    played_ms: float = 0.0
    underruns: int = 0
    audio_jitter_ms: float | None = None
    """Smoothed as in RFC 3550, of the arrivals of the answer's audio against its length."""
    response_done: int | None = None

    responses: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    status: str | None = None
    """Of the last response."""
    tools: tuple[ToolSpan, ...] = ()
    handoffs: tuple[HandoffInstant, ...] = ()
    guardrail_checks: int = 0
    guardrail_tripped: int | None = None
    interruption: Interruption | None = None
    false_takeover: bool = False
    """The agent began to be heard while the user was still speaking, by the line's truth."""
    errors: tuple[str, ...] = ()
    usage: Mapping[str, object] | None = None
    """Summed over the turn's responses: the token counts of `Usage`, nested as on the wire."""
    complete: bool = True
    """False where the log ends within the turn."""

    @property
    def answered(self) -> bool:
        """Whether the agent was heard, or, in a conversation without audio, said anything at all."""
        return self.playout_start is not None or (self.first_token is not None and self.audio_first_received is None)

    @property
    def user_end(self) -> int | None:
        """When the user was done, by the best that is known: the truth, or what the far end said, or was sent."""
        for at in (self.user_speech_end_truth, self.text_sent, self.commit_sent, self.speech_stopped):
            if at is not None:
                return at
        return None

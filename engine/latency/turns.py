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
(idle timeout), or a response that nobody's turn asked for: the application did, or the server itself."""
Purpose = Literal["turn", "barge_in", "backchannel", "noise"]
"""What the caller meant by speaking, where the line knows: only the first two want the floor, and an answer."""
Source = Literal["computed", "reported", "measured"]
"""How playback is known: computed by the engine, reported by the application or the server, measured on the line."""
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
    """When the server said that the user began to speak."""
    emitted: int
    """`audio_interrupted` was made."""
    taken: int | None = None
    cancel_sent: int | None = None
    truncate_sent: int | None = None
    stopped: int | None = None
    """The last sample that was played."""
    fell_silent: int | None = None
    """The last audible sample that was played, where the line knows it: who is cut in a pause was silent before."""
    heard_ms: int | None = None
    """How much of the item had been heard, as it was told to the server."""


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
    over: int
    """When the turn had come to rest, or a later one had taken its place, or the log ended. Of an unanswered turn it is
    how long an answer was waited for."""
    truth_turn: int | str | None = None
    """The line's own number of what the caller said."""
    purpose: Purpose | None = None
    """None where the line does not tell."""
    withdrawn: bool = False
    """The application took back what the user had said (`clear_audio`) before anybody answered."""
    user_text: str | None = None
    """What the server understood, or else what the line knows was said."""

    user_speech_start_truth: int | None = None
    user_speech_start_truth_ms: float | None = None
    """Its place in all audio sent."""
    user_speech_end_truth: int | None = None
    user_speech_end_truth_ms: float | None = None
    user_audio_first_sent: int | None = None
    """The piece was written in which, by the server's word, speech begins; of push to talk, the first piece."""
    user_audio_last_sent: int | None = None
    """The piece was written at which, by the server's word, speech had ended; of push to talk, the last piece."""
    text_sent: int | None = None
    commit_sent: int | None = None
    speech_started: int | None = None
    speech_started_ms: int | None = None
    """The server's own figure: position in all audio sent this session."""
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
    """The first sample of -45 dBFS or more reached the speaker."""
    playout_stop: int | None = None
    """The last sample of the turn's last item that was played."""
    playout_source: Source | None = None
    """The best that is known: what was measured before what was reported before what was computed."""
    played_ms: float | None = None
    """Of all items of the answer; None if none was played to an end that is known."""
    underruns: int | None = None
    """How often the speaker ran dry in the middle of an item; None if nothing was played."""
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
    barge_in_truth: int | None = None
    """The user began to speak while this turn's answer was being heard, by the line's truth; the first time."""
    barge_in_heard: int | None = None
    """The same by the server's word, at the time of hearing it."""
    barge_in_purpose: Purpose | None = None
    false_takeover: bool | None = None
    """The agent began to be heard while the user was still speaking; None if the line does not know when that was."""
    takeovers: int = 0
    """How many answers were begun too early and set aside because the same user went on speaking. Their instants are
    not among the fields above, which are those of the answer that followed."""
    errors: tuple[str, ...] = ()
    usage: Mapping[str, object] | None = None
    """Summed over the turn's responses: the token counts of `Usage`, nested as on the wire."""
    complete: bool = True
    """False where the log ends within the turn."""

    @property
    def answered(self) -> bool:
        """Whether the agent was heard, or, where it has no voice, said anything at all."""
        return self.playout_start is not None or (self.first_token is not None and self.audio_first_received is None)

    @property
    def wants_answer(self) -> bool:
        """Whether somebody is waiting for the agent: not after a backchannel, a noise, or what was taken back."""
        return self.purpose not in ("backchannel", "noise") and not self.withdrawn

    @property
    def user_end(self) -> int | None:
        """When the user was done, by what is certain: the truth of the line, the typed message on the wire, the end
        that the application gave the turn. None if only the server's opinion is known, and if the turn has no user."""
        if self.opened_by not in ("speech", "text"):
            return None
        for at in (self.user_speech_end_truth, self.text_sent, self.commit_sent):
            if at is not None:
                return at
        return None

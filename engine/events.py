"""Events of a session as an application sees them, in the order that the promises in the README state.

Every event is a frozen class with

- ``type``: the name to switch on,
- ``context``: the application's own context object, the one given to ``runner.run(context=...)``,
- ``at_ns``: when the engine made it, in nanoseconds of the session's monotonic clock (`trio.current_time`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import attrs

from engine.errors import EngineError
from engine.history import HistoryItem
from engine.latency.turns import TurnRecord
from engine.wire.formats import AudioFormat
from engine.wire.response import ResponseError, Usage
from engine.wire.server_events import RateLimit, ServerEvent, TranscriptionError
from engine.wire.session import Session
from engine.wire.struct import FrozenStruct

ResponseStatus = Literal["completed", "cancelled", "failed", "incomplete"]
ToolOutcome = Literal["result", "error", "timeout", "cancelled", "rejected"]
Role = Literal["user", "assistant"]


class _Event(FrozenStruct, frozen=True, kw_only=True):
    context: object
    at_ns: int


class AgentStart(_Event, frozen=True, kw_only=True):
    """A response began. Exactly one for each response."""

    type: ClassVar[Literal["agent_start"]] = "agent_start"
    agent: object
    """The `RealtimeAgent` that speaks."""
    response_id: str


class AgentEnd(_Event, frozen=True, kw_only=True):
    """A response ended. Exactly one for each `AgentStart`."""

    type: ClassVar[Literal["agent_end"]] = "agent_end"
    agent: object
    response_id: str
    status: ResponseStatus
    reason: str | None = None
    """Why: the server's reason (``turn_detected``, ``client_cancelled``, ``max_output_tokens``, ``content_filter``),
    the error's code for a failed one, ``no_end`` if the server never told it, or ``connection_lost`` /
    ``session_closed``."""
    error: ResponseError | None = None
    usage: Usage | None = None


class Audio(_Event, frozen=True, kw_only=True):
    """Audio to play, in the session's output format. In order, byte for byte."""

    type: ClassVar[Literal["audio"]] = "audio"
    response_id: str
    item_id: str
    content_index: int
    data: bytes


class AudioEnd(_Event, frozen=True, kw_only=True):
    """All audio of an item has been delivered. Never comes after an interruption."""

    type: ClassVar[Literal["audio_end"]] = "audio_end"
    response_id: str
    item_id: str
    content_index: int


class AudioInterrupted(_Event, frozen=True, kw_only=True):
    """Stop playing this response now and drop what is buffered: none of its audio follows."""

    type: ClassVar[Literal["audio_interrupted"]] = "audio_interrupted"
    response_id: str
    item_id: str | None = None
    """The item that was playing; None if nothing of the response had been heard, or all of it."""
    content_index: int = 0
    audio_end_ms: int | None = None
    """How much of that item had been heard."""


class ToolStart(_Event, frozen=True, kw_only=True):
    """A tool or a handoff begins to run. At most once for each call."""

    type: ClassVar[Literal["tool_start"]] = "tool_start"
    agent: object
    tool: object
    """The `FunctionTool` or `Handoff`; None when the model called a name that does not exist."""
    name: str
    call_id: str
    arguments: str
    """The arguments as the model wrote them (JSON text, not yet checked)."""


class ToolEnd(_Event, frozen=True, kw_only=True):
    """A call has its output. Exactly once for each call."""

    type: ClassVar[Literal["tool_end"]] = "tool_end"
    agent: object
    tool: object
    name: str
    call_id: str
    arguments: str
    output: str
    """What the model was told; of an out-of-band response's call, what its handle was told."""
    outcome: ToolOutcome


class ToolApprovalRequired(_Event, frozen=True, kw_only=True):
    """A call waits for `approve_tool_call` or `reject_tool_call`."""

    type: ClassVar[Literal["tool_approval_required"]] = "tool_approval_required"
    agent: object
    tool: object
    name: str
    call_id: str
    arguments: str


class Handoff(_Event, frozen=True, kw_only=True):
    """The conversation passed from one agent to another."""

    type: ClassVar[Literal["handoff"]] = "handoff"
    from_agent: object
    to_agent: object


class HistoryAdded(_Event, frozen=True, kw_only=True):
    """An item took its place in the conversation."""

    type: ClassVar[Literal["history_added"]] = "history_added"
    item: HistoryItem


class HistoryUpdated(_Event, frozen=True, kw_only=True):
    """An item changed: it was completed, transcribed, cut short, or removed."""

    type: ClassVar[Literal["history_updated"]] = "history_updated"
    item: HistoryItem
    removed: bool = False
    history: Sequence[HistoryItem]
    """A live view of the whole history: cheap to carry, read when you look at it."""


@attrs.frozen(kw_only=True)
class GuardrailResult:
    """What one guardrail said of a text."""

    guardrail: object
    name: str
    output_info: object = None


class GuardrailTripped(_Event, frozen=True, kw_only=True):
    """An output guardrail stopped a response. At most one for each response."""

    type: ClassVar[Literal["guardrail_tripped"]] = "guardrail_tripped"
    response_id: str
    guardrail_results: tuple[GuardrailResult, ...]
    message: str
    """The text that tripped it."""


class InputAudioTimeoutTriggered(_Event, frozen=True, kw_only=True):
    """The user said nothing for the declared idle timeout."""

    type: ClassVar[Literal["input_audio_timeout_triggered"]] = "input_audio_timeout_triggered"
    item_id: str
    audio_start_ms: int
    audio_end_ms: int


class UserSpeechStarted(_Event, frozen=True, kw_only=True):
    """The server's voice detection heard the user begin to speak."""

    type: ClassVar[Literal["user_speech_started"]] = "user_speech_started"
    item_id: str
    audio_start_ms: int
    """Position in all the audio sent this session."""


class UserSpeechStopped(_Event, frozen=True, kw_only=True):
    """The server's voice detection heard the user stop."""

    type: ClassVar[Literal["user_speech_stopped"]] = "user_speech_stopped"
    item_id: str
    audio_end_ms: int


class TranscriptDelta(_Event, frozen=True, kw_only=True):
    """More text of what either side says."""

    type: ClassVar[Literal["transcript_delta"]] = "transcript_delta"
    role: Role
    item_id: str
    response_id: str | None
    """None for the user's side."""
    delta: str


class TranscriptDone(_Event, frozen=True, kw_only=True):
    """The whole text of what either side said in an item."""

    type: ClassVar[Literal["transcript_done"]] = "transcript_done"
    role: Role
    item_id: str
    response_id: str | None
    transcript: str


class TranscriptionFailed(_Event, frozen=True, kw_only=True):
    """What the user said could not be transcribed. The conversation goes on."""

    type: ClassVar[Literal["transcription_failed"]] = "transcription_failed"
    item_id: str
    error: TranscriptionError


class UsageReported(_Event, frozen=True, kw_only=True):
    """What a response cost, in tokens by modality."""

    type: ClassVar[Literal["usage"]] = "usage"
    response_id: str
    usage: Usage
    total: Usage
    """The whole session so far."""


class TurnMetrics(_Event, frozen=True, kw_only=True):
    """A turn is over: what happened when, and the metrics that this makes (`engine.latency.metrics`)."""

    type: ClassVar[Literal["turn_metrics"]] = "turn_metrics"
    turn: TurnRecord
    metrics: Mapping[str, float]
    """By name; those that this turn does not have are left out."""


class SettingsUpdated(_Event, frozen=True, kw_only=True):
    """The server has confirmed settings that the application changed in mid-call, or other audio formats are in use.

    Not told where the server does as it was asked at the beginning and at handoffs.
    """

    type: ClassVar[Literal["settings_updated"]] = "settings_updated"
    settings: Session
    """All that is in force now, as far as it is known."""
    input_format: AudioFormat
    """The format in which `send_audio` takes the user's audio from now on."""
    output_format: AudioFormat
    """The format of the agent's audio that follows."""


class RateLimits(_Event, frozen=True, kw_only=True):
    """What the server still allows."""

    type: ClassVar[Literal["rate_limits"]] = "rate_limits"
    limits: tuple[RateLimit, ...]


class Error(_Event, frozen=True, kw_only=True):
    """Something went wrong and the session goes on, unless `error` says that it cannot."""

    type: ClassVar[Literal["error"]] = "error"
    error: EngineError
    code: str | None = None
    """The server's error code, where it gave one."""


class RawModelEvent(_Event, frozen=True, kw_only=True):
    """An event of the server as it came: unknown ones always, all of them when `raw_model_events` is set."""

    type: ClassVar[Literal["raw_model_event"]] = "raw_model_event"
    data: ServerEvent


RealtimeSessionEvent = (
    AgentStart
    | AgentEnd
    | Audio
    | AudioEnd
    | AudioInterrupted
    | ToolStart
    | ToolEnd
    | ToolApprovalRequired
    | Handoff
    | HistoryAdded
    | HistoryUpdated
    | GuardrailTripped
    | InputAudioTimeoutTriggered
    | UserSpeechStarted
    | UserSpeechStopped
    | TranscriptDelta
    | TranscriptDone
    | TranscriptionFailed
    | UsageReported
    | TurnMetrics
    | SettingsUpdated
    | RateLimits
    | Error
    | RawModelEvent
)

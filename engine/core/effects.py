"""Everything the machine can want done, as data. Each list has one reader, and its order is the order of events."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar, final

import attrs
from msgspec import Struct, field

from engine.core.agent_spec import AgentSpec, ToolSpec
from engine.errors import EngineError
from engine.events import RealtimeSessionEvent, ToolOutcome
from engine.wire.client_events import ClientEvent
from engine.wire.formats import AudioFormat
from engine.wire.server_events import ServerEvent

# --- to the application's event queue


@final
@attrs.frozen
class Discard:
    """Drop the audio of a response that the application has not taken yet."""

    response_id: str


# --- to the tool executor


@attrs.frozen
class StartCall:
    """Run a call. `tool` is None if the agent has no tool of that name."""

    call_id: str
    name: str
    arguments: str
    tool: ToolSpec | None
    agent: AgentSpec


@attrs.frozen
class CancelCall:
    """Stop a call; its output is already decided."""

    call_id: str


@attrs.frozen
class AnswerApproval:
    """Let a waiting call run, or end it with words for the model."""

    call_id: str
    approved: bool
    message: str | None = None


@attrs.frozen
class HookStart:
    """Tell the agent's hooks that it begins to speak."""

    agent: AgentSpec


@attrs.frozen
class HookEnd:
    """Tell the agent's hooks what it has said."""

    agent: AgentSpec
    output: str


@attrs.frozen
class HookHandoff:
    """Tell the new agent's hooks from whom it takes over."""

    agent: AgentSpec
    source: AgentSpec


ToolWork = StartCall | CancelCall | AnswerApproval | HookStart | HookEnd | HookHandoff

# --- to the guardrail debouncer


@attrs.frozen
class CheckText:
    """Run the guardrails over a response's text so far. `final` when no more will come."""

    response_id: str
    agent: AgentSpec
    text: str
    final: bool


@attrs.frozen
class DropChecks:
    """The response is over and done with: cancel its checks."""

    response_id: str


CheckWork = CheckText | DropChecks

# --- to the handles that the application awaits


HandleStatus = Literal["completed", "cancelled", "failed", "incomplete", "superseded"]


@attrs.frozen
class HandleCreated:
    """The response that was asked for has begun."""

    handle_id: int
    response_id: str


@attrs.frozen
class ResponseToolCall:
    """A call that a response made, and what became of it."""

    name: str
    call_id: str
    arguments: str
    """As the model wrote them."""
    output: str | None
    """The tool's result in words; None while the call runs."""
    outcome: ToolOutcome | None


@attrs.frozen
class HandleDone:
    """It has ended, one way or another."""

    handle_id: int
    status: HandleStatus
    """`superseded` if it never began."""
    text: str = ""
    reason: str | None = None
    error: EngineError | None = None
    calls: tuple[ResponseToolCall, ...] = ()


HandleWork = HandleCreated | HandleDone


N_ = TypeVar("N_")


@attrs.frozen
class Renamed(Generic[N_]):
    """An event with the server's ids, and the same event with the names that things have inside."""

    by_ids: N_
    by_names: N_


# --- to whoever cuts, measures or plays audio


@attrs.frozen
class FormatsInUse:
    """The audio formats that count from now on."""

    input: AudioFormat
    output: AudioFormat


class Effects(Struct):
    """What one or more inputs led to. The router empties it after each batch."""

    events: list[RealtimeSessionEvent | Discard] = field(default_factory=list)
    wire: list[ClientEvent] = field(default_factory=list)
    tools: list[ToolWork] = field(default_factory=list)
    checks: list[CheckWork] = field(default_factory=list)
    handles: list[HandleWork] = field(default_factory=list)
    heard: list[Renamed[ServerEvent]] = field(default_factory=list)
    """Events of the server in which something was named otherwise, for those who see inputs as they came."""
    told: list[Renamed[ClientEvent]] = field(default_factory=list)
    """Events of `wire` in which something is named otherwise."""
    formats: list[FormatsInUse] = field(default_factory=list)

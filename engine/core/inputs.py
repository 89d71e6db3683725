"""Everything that can be said to the machine. A `ServerEvent` of `engine.wire` is an input as it is.

Commands come from the application, reports from the actors. None of them carries a time: `handle(input, now)` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from engine.core.agent_spec import AgentSpec, ToolSpec
from engine.errors import EngineError
from engine.events import GuardrailResult, ToolOutcome
from engine.wire.client_events import ClientEvent
from engine.wire.items import Message
from engine.wire.response import ResponseParams
from engine.wire.server_events import ServerEvent
from engine.wire.session import Session
from engine.wire.struct import UNSET, FrozenStruct, UnsetType

# --- commands of the application


@attrs.frozen
class SendMessage:
    """Add a message to the conversation and, if `respond`, ask for a response to it."""

    message: Message
    respond: bool = True


@attrs.frozen
class Respond:
    """Ask for a response; `handle_id` names the handle that the application holds."""

    handle_id: int
    params: ResponseParams | UnsetType = UNSET
    tools: Mapping[str, ToolSpec] | None = None
    """What the names in `params.tools` stand for; None if the response has the agent's tools."""


@attrs.frozen
class CancelHandle:
    """Cancel the response behind a handle, or forget the request if it has not been sent."""

    handle_id: int


@attrs.frozen
class Interrupt:
    """Stop whatever the agent is saying."""


@attrs.frozen
class UpdateAgent:
    """Make another agent the current one."""

    spec: AgentSpec


@attrs.frozen
class UpdateSettings:
    """Change settings of the session, whichever agent speaks."""

    settings: Session


@attrs.frozen
class DecideCall:
    """The application's answer for a call that waits for approval."""

    call_id: str
    approved: bool
    always: bool = False
    message: str | None = None


@attrs.frozen
class SendRaw:
    """A client event that the application composed itself."""

    event: ClientEvent


@attrs.frozen
class AudioSent:
    """The user's audio buffer was committed or cleared by the application (the microphone pump wrote it)."""

    what: Literal["commit", "clear"]


# --- what has reached the ear


class AudioConsumed(FrozenStruct, frozen=True):
    """The application took audio out of the session at `at_ns`."""

    response_id: str
    item_id: str
    content_index: int
    nbytes: int
    at_ns: int


@attrs.frozen
class PlaybackReported:
    """The application reports that an item has been played up to `ms`, counted from the item's beginning."""

    item_id: str
    content_index: int
    ms: int


# --- reports of the actors


@attrs.frozen
class ApprovalNeeded:
    """A call may not run before somebody allows it."""

    call_id: str


@attrs.frozen
class ToolRunning:
    """A call's arguments are in order and its function begins."""

    call_id: str


@attrs.frozen
class ToolDone:
    """A call has its output. `next_agent` is set by a handoff that succeeded."""

    call_id: str
    outcome: ToolOutcome
    output: str
    next_agent: AgentSpec | None = None
    error: EngineError | None = None
    """For the application: what went wrong, beyond the words that the model gets."""


@attrs.frozen
class GuardrailVerdict:
    """The guardrails' opinion of a response's text. `tripped` is empty when there is nothing to object to."""

    response_id: str
    text: str
    tripped: tuple[GuardrailResult, ...]


@attrs.frozen
class CallbackFailed:
    """Application code that the engine called (a hook, a guardrail, a listener) failed; the session goes on."""

    error: EngineError


@attrs.frozen
class TimePassed:
    """Time has passed: `wake_at` was reached."""

    audio_sent_ns: int | None = None
    """When the user's audio was last given to the connection, in nanoseconds; None if it never was."""


@attrs.frozen
class Connected:
    """The connection stands: the first agent may introduce itself."""

    spec: AgentSpec


@attrs.frozen
class Disconnected:
    """There is no connection any more. `error` is None when the application closed the session itself."""

    error: EngineError | None


Command = (
    SendMessage
    | Respond
    | CancelHandle
    | Interrupt
    | UpdateAgent
    | UpdateSettings
    | DecideCall
    | SendRaw
    | AudioSent
    | PlaybackReported
)
Report = ApprovalNeeded | ToolRunning | ToolDone | GuardrailVerdict | CallbackFailed
Input = ServerEvent | Command | Report | AudioConsumed | TimePassed | Connected | Disconnected

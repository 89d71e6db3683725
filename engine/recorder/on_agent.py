"""What the agent does: responses, text, tools, handoffs, and what the guardrails think of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from engine.core.arbitration import TOKEN
from engine.core.inputs import CancelHandle, GuardrailVerdict, Input, Interrupt
from engine.events import (
    AgentEnd,
    AgentStart,
    Error,
    Handoff,
    RealtimeSessionEvent,
    ToolApprovalRequired,
    ToolEnd,
    ToolStart,
    TranscriptDelta,
    TranscriptDone,
)
from engine.latency.instants import Value
from engine.recorder.on_audio import first_word
from engine.recorder.state import RecorderState, on
from engine.wire import client_events as ours
from engine.wire import server_events as server
from engine.wire.items import FunctionCall, FunctionCallOutput
from engine.wire.response import ResponseParams, Usage
from engine.wire.struct import UnsetType

# --- responses


def _created(n: RecorderState, event: server.ResponseCreated, now: int) -> None:
    """Who asked for it, and whether it belongs to the conversation; it begins with `agent_start`."""
    response = event.response
    token = (response.metadata or {}).get(TOKEN)
    if token is not None:
        n.tokens.keep(response.id, token)
    outside = token is None and n.has_conversation and response.conversation_id is None
    n.has_conversation = n.has_conversation or response.conversation_id is not None
    if outside or token in n.out_of_band:
        n.out_of_band.keep(response.id, None)


def _agent_start(n: RecorderState, event: AgentStart, now: int) -> None:
    fields: dict[str, Value] = {"response": event.response_id, "agent": _name_of(event.agent)}
    if (token := n.tokens.pop(event.response_id, None)) is not None:
        fields["token"] = token
    if event.response_id in n.out_of_band:
        fields["out_of_band"] = True
    n.record(now, "response.created", **fields)


def _agent_end(n: RecorderState, event: AgentEnd, now: int) -> None:
    called(n, now)
    usage = None if event.usage is None else _usage_of(event.usage)
    n.record(now, "response.done", response=event.response_id, status=event.status, reason=event.reason, usage=usage)


def _asked(n: RecorderState, event: ours.ResponseCreate, now: int) -> None:
    token = event.event_id if isinstance(event.event_id, str) else None
    fields: dict[str, Value] = {"token": token}
    if isinstance(event.response, ResponseParams) and event.response.conversation == "none":
        fields["out_of_band"] = True
        if token is not None:
            n.out_of_band.keep(token, None)
    n.record(now, "response.requested", **fields)


def _asked_in_other_words(n: RecorderState, event: ours.RawClientEvent, now: int) -> None:
    if event.type == ours.ResponseCreate.type:
        n.record(now, "response.requested", token=None)


def _text(n: RecorderState, event: TranscriptDelta, now: int) -> None:
    if event.response_id is not None:
        if event.response_id not in n.begun:
            first_word(n, event.response_id, event.item_id, now)
    elif event.item_id not in n.begun:
        n.begun.keep(event.item_id, None)
        n.record(now, "transcript.user.first", item=event.item_id)


def _text_done(n: RecorderState, event: TranscriptDone, now: int) -> None:
    if event.response_id is not None:
        first_word(n, event.response_id, event.item_id, now)
        return
    if event.item_id not in n.begun:
        n.begun.keep(event.item_id, None)
        n.record(now, "transcript.user.first", item=event.item_id)
    n.record(now, "transcript.user.final", item=event.item_id, text=event.transcript)


# --- interruption


def _because_of_application(n: RecorderState, given: Interrupt | CancelHandle, now: int) -> None:
    n.cause = "application"


def _verdict(n: RecorderState, given: GuardrailVerdict, now: int) -> None:
    if given.tripped:
        n.cause = "guardrail"
    n.record(now, "guardrail.checked", response=given.response_id, tripped=bool(given.tripped))


def _cancelled(n: RecorderState, event: ours.ResponseCancel, now: int) -> None:
    n.record(now, "cancel.sent", response=event.response_id if isinstance(event.response_id, str) else None)


def _truncated(n: RecorderState, event: ours.ConversationItemTruncate, now: int) -> None:
    n.record(now, "truncate.sent", item=event.item_id, ms=event.audio_end_ms)


def _deleted(n: RecorderState, event: ours.ConversationItemDelete, now: int) -> None:
    n.record(now, "delete.sent", item=event.item_id)


# --- tools, handoffs, errors


def _arguments(n: RecorderState, event: server.ResponseFunctionCallArgumentsDone, now: int) -> None:
    n.call_of.keep(event.call_id, event.response_id)


def _item_done(n: RecorderState, event: server.ResponseOutputItemDone, now: int) -> None:
    if isinstance(event.item, FunctionCall):
        n.call_of.keep(event.item.call_id, event.response_id)


def _response_done(n: RecorderState, event: server.ResponseDone, now: int) -> None:
    for item in event.response.output:
        if isinstance(item, FunctionCall):
            n.call_of.keep(item.call_id, event.response.id)


def called(n: RecorderState, now: int) -> None:
    """Calls were handed to the executor: told before the end of their response, with which they come."""
    for work in n.calls:
        n.record(now, "tool.called", call=work.call_id, name=work.name, response=n.call_of.get(work.call_id))
    n.calls.clear()


def _approval(n: RecorderState, event: ToolApprovalRequired, now: int) -> None:
    n.record(now, "tool.approval_asked", call=event.call_id)


def _tool_start(n: RecorderState, event: ToolStart, now: int) -> None:
    n.record(now, "tool.started", call=event.call_id)


def _tool_end(n: RecorderState, event: ToolEnd, now: int) -> None:
    n.record(now, "tool.ended", call=event.call_id, outcome=event.outcome)


def output_sent(n: RecorderState, item: FunctionCallOutput, now: int) -> None:
    """A call's output was written."""
    n.record(now, "tool.output_sent", call=item.call_id)


def _handoff(n: RecorderState, event: Handoff, now: int) -> None:
    n.record(now, "handoff", **{"from": _name_of(event.from_agent), "to": _name_of(event.to_agent)})


def _error(n: RecorderState, event: Error, now: int) -> None:
    n.record(now, "error", code=event.code, message=str(event.error))
    n.lines.error(event)


def _name_of(agent: object) -> str | None:
    name = getattr(agent, "name", None)
    return name if isinstance(name, str) else None


def _usage_of(usage: Usage) -> dict[str, object]:
    """The token counts, nested as on the wire."""
    read, said = usage.input_token_details, usage.output_token_details
    cached = read.cached_tokens_details
    written: dict[str, object] = {"text_tokens": said.text_tokens, "audio_tokens": said.audio_tokens}
    if not isinstance(said.reasoning_tokens, UnsetType):
        written["reasoning_tokens"] = said.reasoning_tokens
    return {
        "total_tokens": usage.total_tokens,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "input_token_details": {
            "text_tokens": read.text_tokens,
            "audio_tokens": read.audio_tokens,
            "image_tokens": read.image_tokens,
            "cached_tokens": read.cached_tokens,
            "cached_tokens_details": {
                "text_tokens": cached.text_tokens,
                "audio_tokens": cached.audio_tokens,
                "image_tokens": cached.image_tokens,
            },
        },
        "output_token_details": written,
    }


INPUTS: Final[Mapping[type, Callable[[RecorderState, Input, int], None]]] = dict(
    [
        on(server.ResponseCreated, _created),
        on(server.ResponseFunctionCallArgumentsDone, _arguments),
        on(server.ResponseOutputItemDone, _item_done),
        on(server.ResponseDone, _response_done),
        on(Interrupt, _because_of_application),
        on(CancelHandle, _because_of_application),
        on(GuardrailVerdict, _verdict),
    ]
)
EVENTS: Final[Mapping[type, Callable[[RecorderState, RealtimeSessionEvent, int], None]]] = dict(
    [
        on(AgentStart, _agent_start),
        on(AgentEnd, _agent_end),
        on(TranscriptDelta, _text),
        on(TranscriptDone, _text_done),
        on(ToolApprovalRequired, _approval),
        on(ToolStart, _tool_start),
        on(ToolEnd, _tool_end),
        on(Handoff, _handoff),
        on(Error, _error),
    ]
)
WRITTEN: Final[Mapping[type, Callable[[RecorderState, ours.ClientEvent, int], None]]] = dict(
    [
        on(ours.ResponseCreate, _asked),
        on(ours.RawClientEvent, _asked_in_other_words),
        on(ours.ResponseCancel, _cancelled),
        on(ours.ConversationItemTruncate, _truncated),
        on(ours.ConversationItemDelete, _deleted),
    ]
)

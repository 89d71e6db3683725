"""What the agent does: responses, text, tools, handoffs, and what the guardrails think of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from engine.core.inputs import CancelHandle, GuardrailVerdict, Input, Interrupt
from engine.core.requests import TOKEN
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


def _created(state: RecorderState, event: server.ResponseCreated, now: int) -> None:
    """Who asked for it, and whether it belongs to the conversation; it begins with `agent_start`."""
    response = event.response
    token = (response.metadata or {}).get(TOKEN)
    if token is not None:
        state.tokens.keep(response.id, token)
    outside = token is None and state.has_conversation and response.conversation_id is None
    state.has_conversation = state.has_conversation or response.conversation_id is not None
    if outside or token in state.out_of_band:
        state.out_of_band.keep(response.id, None)


def _agent_start(state: RecorderState, event: AgentStart, now: int) -> None:
    fields: dict[str, Value] = {"response": event.response_id, "agent": _name_of(event.agent)}
    if (token := state.tokens.pop(event.response_id, None)) is not None:
        fields["token"] = token
    if event.response_id in state.out_of_band:
        fields["out_of_band"] = True
    state.record(now, "response.created", **fields)


def _agent_end(state: RecorderState, event: AgentEnd, now: int) -> None:
    called(state, now)
    usage = None if event.usage is None else _usage_of(event.usage)
    state.record(
        now, "response.done", response=event.response_id, status=event.status, reason=event.reason, usage=usage
    )


def _asked(state: RecorderState, event: ours.ResponseCreate, now: int) -> None:
    token = event.event_id if isinstance(event.event_id, str) else None
    fields: dict[str, Value] = {"token": token}
    if isinstance(event.response, ResponseParams) and event.response.conversation == "none":
        fields["out_of_band"] = True
        if token is not None:
            state.out_of_band.keep(token, None)
    state.record(now, "response.requested", **fields)


def _asked_in_other_words(state: RecorderState, event: ours.RawClientEvent, now: int) -> None:
    if event.type == ours.ResponseCreate.type:
        state.record(now, "response.requested", token=None)


def _text(state: RecorderState, event: TranscriptDelta, now: int) -> None:
    if event.response_id is not None:
        if event.response_id not in state.begun:
            first_word(state, event.response_id, event.item_id, now)
    elif event.item_id not in state.begun:
        state.begun.keep(event.item_id, None)
        state.record(now, "transcript.user.first", item=event.item_id)


def _text_done(state: RecorderState, event: TranscriptDone, now: int) -> None:
    if event.response_id is not None:
        first_word(state, event.response_id, event.item_id, now)
        return
    if event.item_id not in state.begun:
        state.begun.keep(event.item_id, None)
        state.record(now, "transcript.user.first", item=event.item_id)
    state.record(now, "transcript.user.final", item=event.item_id, text=event.transcript)


# --- interruption


def _because_of_application(state: RecorderState, given: Interrupt | CancelHandle, now: int) -> None:
    state.cause = "application"


def _verdict(state: RecorderState, given: GuardrailVerdict, now: int) -> None:
    if given.tripped:
        state.cause = "guardrail"
    state.record(now, "guardrail.checked", response=given.response_id, tripped=bool(given.tripped))


def _cancelled(state: RecorderState, event: ours.ResponseCancel, now: int) -> None:
    state.record(now, "cancel.sent", response=event.response_id if isinstance(event.response_id, str) else None)


def _truncated(state: RecorderState, event: ours.ConversationItemTruncate, now: int) -> None:
    state.record(now, "truncate.sent", item=event.item_id, ms=event.audio_end_ms)


def _deleted(state: RecorderState, event: ours.ConversationItemDelete, now: int) -> None:
    state.record(now, "delete.sent", item=event.item_id)


# --- tools, handoffs, errors


def _arguments(state: RecorderState, event: server.ResponseFunctionCallArgumentsDone, now: int) -> None:
    state.call_of.keep(event.call_id, event.response_id)


def _item_done(state: RecorderState, event: server.ResponseOutputItemDone, now: int) -> None:
    if isinstance(event.item, FunctionCall):
        state.call_of.keep(event.item.call_id, event.response_id)


def _response_done(state: RecorderState, event: server.ResponseDone, now: int) -> None:
    for item in event.response.output:
        if isinstance(item, FunctionCall):
            state.call_of.keep(item.call_id, event.response.id)


def called(state: RecorderState, now: int) -> None:
    """Calls were handed to the executor: told before the end of their response, with which they come."""
    for work in state.calls:
        state.record(now, "tool.called", call=work.call_id, name=work.name, response=state.call_of.get(work.call_id))
    state.calls.clear()


def _approval(state: RecorderState, event: ToolApprovalRequired, now: int) -> None:
    state.record(now, "tool.approval_asked", call=event.call_id)


def _tool_start(state: RecorderState, event: ToolStart, now: int) -> None:
    state.record(now, "tool.started", call=event.call_id)


def _tool_end(state: RecorderState, event: ToolEnd, now: int) -> None:
    state.record(now, "tool.ended", call=event.call_id, outcome=event.outcome)


def output_sent(state: RecorderState, item: FunctionCallOutput, now: int) -> None:
    """A call's output was written."""
    state.record(now, "tool.output_sent", call=item.call_id)


def _handoff(state: RecorderState, event: Handoff, now: int) -> None:
    state.record(now, "handoff", **{"from": _name_of(event.from_agent), "to": _name_of(event.to_agent)})


def _error(state: RecorderState, event: Error, now: int) -> None:
    state.record(now, "error", code=event.code, message=str(event.error))
    state.lines.error(event)


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

"""Events of the far end about a response: it begins, speaks, calls tools, and ends. Each exactly once."""

from __future__ import annotations

import json

from engine.core.debounce import Debounce
from engine.core.effects import CheckText, HandleCreated, HookEnd, HookStart, StartCall
from engine.core.interruption import stop_response, stop_speaking
from engine.core.state import Asked, LiveResponse, State
from engine.core.tool_calls import ToolCall
from engine.core.usage import add_usage
from engine.errors import EngineError, ResponseFailed
from engine.events import (
    AgentEnd,
    AgentStart,
    Audio,
    AudioEnd,
    ResponseStatus,
    TranscriptDelta,
    TranscriptDone,
    UsageReported,
)
from engine.wire.client_events import ConversationItemDelete
from engine.wire.items import FunctionCall, OutputAudio
from engine.wire.response import Response, ResponseError, Usage
from engine.wire.server_events import (
    ResponseContentPartAdded,
    ResponseCreated,
    ResponseDone,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
)

# --- beginning


def created(s: State, event: ResponseCreated) -> None:
    """A response begins."""
    if event.response.id not in s.responses:
        _begin(s, event.response)


def _begin(s: State, response: Response) -> LiveResponse:
    request, cancel = s.arbiter.created(response)
    out_of_band = request.out_of_band if request is not None else (
        response.conversation_id is None and s.arbiter.running != response.id
    )  # fmt: skip
    asked = s.asked.pop(request.token, None) if request is not None else None
    live = LiveResponse(
        response_id=response.id,
        agent=asked.agent if asked is not None else s.confirmed_agent,
        request=request,
        out_of_band=out_of_band,
        text=Debounce(s.rules.debounce_length),
    )
    s.remember(live)
    if not out_of_band:
        if not cancel:
            s.tool_calls.response_began()
        _answer_what_it_missed(s, asked)
    s.emit(AgentStart, agent=live.agent.agent, response_id=live.response_id)
    s.effects.tools.append(HookStart(live.agent))
    if request is not None and request.handle_id is not None:
        s.effects.handles.append(HandleCreated(request.handle_id, live.response_id))
    if cancel and out_of_band:
        stop_response(s, live)
    elif cancel:
        stop_speaking(s, tell_far_end=True)
    return live


def _answer_what_it_missed(s: State, asked: Asked | None) -> None:
    """What a response of the conversation has not read needs another one, unless a request on its way has that already.

    `asked` is the request that this response answers. What it has not read stays unseen: a response that the far end
    begins by itself may come before the next one that we ask for, and drop it, without having read any more.
    """
    coming = asked or s.asked.get(s.arbiter.on_its_way or "")
    if s.unseen - (coming.after if coming is not None else frozenset()):
        s.arbiter.follow_up()
    if asked is not None:
        s.unseen -= asked.after


def _of(s: State, response_id: str) -> LiveResponse | None:
    """The live response an event belongs to. Servers have been seen to leave `response.created` out."""
    live = s.responses.get(response_id)
    if live is not None:
        return None if live.ended else live
    return _begin(s, Response(id=response_id, conversation_id="")) if response_id else None


# --- speaking


def part_added(s: State, event: ResponseContentPartAdded) -> None:
    """A part of an item begins; an audio part is in the ledger from here on, so that it can be cut."""
    live = _of(s, event.response_id)
    if live is not None and isinstance(event.part, OutputAudio):
        _open_audio(s, live, event.item_id, event.content_index)


def _open_audio(s: State, live: LiveResponse, item_id: str, content_index: int) -> None:
    if live.interrupted or s.rules.far_end_plays:
        if live.interrupted and not live.out_of_band and s.rules.far_end_truncates:
            live.delete_when_done[item_id] = None
        return
    live.audio_open[item_id, content_index] = None
    s.ledger.opened(live.response_id, item_id, content_index, s.now)


def audio_delta(s: State, event: ResponseOutputAudioDelta) -> None:
    """Audio to play."""
    live = s.responses.get(event.response_id)
    if live is None or live.ended:
        live = _of(s, event.response_id)
    if live is None or live.interrupted or not event.delta:
        return
    live.audio_open[event.item_id, event.content_index] = None
    s.has_spoken = True
    s.ledger.received(live.response_id, event.item_id, event.content_index, len(event.delta), s.now)
    s.effects.events.append(
        Audio(
            context=s.rules.context, at_ns=s.now, response_id=live.response_id, item_id=event.item_id,
            content_index=event.content_index, data=event.delta,
        )
    )  # fmt: skip


def audio_done(s: State, event: ResponseOutputAudioDone) -> None:
    """No more audio of an item, it says; stray deltas have been seen to follow, so `audio_end` waits for the item."""
    if _of(s, event.response_id) is not None:
        s.ledger.ended(event.item_id, event.content_index)


def _end_audio(s: State, live: LiveResponse, item_id: str, content_index: int) -> None:
    s.ledger.ended(item_id, content_index)
    if live.audio_open.pop((item_id, content_index), 0) is None:
        s.emit(AudioEnd, response_id=live.response_id, item_id=item_id, content_index=content_index)


def transcript_delta(s: State, event: ResponseOutputAudioTranscriptDelta) -> None:
    """More of what the audio says."""
    _text(s, event.response_id, event.item_id, event.content_index, event.delta, spoken=True)


def text_delta(s: State, event: ResponseOutputTextDelta) -> None:
    """More text."""
    _text(s, event.response_id, event.item_id, event.content_index, event.delta, spoken=False)


def _text(s: State, response_id: str, item_id: str, content_index: int, delta: str, *, spoken: bool) -> None:
    live = s.responses.get(response_id)
    if (live is None or live.ended) and (live := _of(s, response_id)) is None:
        return
    if not live.out_of_band:
        s.conversation.grow(item_id, content_index, delta, spoken=spoken)
    if live.interrupted:
        return
    s.effects.events.append(
        TranscriptDelta(
            context=s.rules.context, at_ns=s.now, role="assistant",
            item_id=item_id, response_id=response_id, delta=delta,
        )
    )  # fmt: skip
    _check(s, live, item_id, content_index, delta)


def _check(s: State, live: LiveResponse, item_id: str, content_index: int, text: str) -> None:
    """More of a part for the guardrails to read."""
    part = (item_id, content_index)
    live.said[part] = live.said.get(part, 0) + len(text)
    if (due := live.text.grow(text)) is not None:
        s.effects.checks.append(CheckText(live.response_id, live.agent, due, final=False))


def transcript_done(s: State, event: ResponseOutputAudioTranscriptDone) -> None:
    """All that the audio of a part says."""
    _text_done(s, event.response_id, event.item_id, event.content_index, event.transcript)


def text_done(s: State, event: ResponseOutputTextDone) -> None:
    """All text of a part."""
    _text_done(s, event.response_id, event.item_id, event.content_index, event.text)


def _text_done(s: State, response_id: str, item_id: str, content_index: int, text: str) -> None:
    if (live := _of(s, response_id)) is None:
        return
    if not live.out_of_band:
        s.conversation.say(item_id, content_index, text)
    if not live.interrupted:
        s.emit(TranscriptDone, role="assistant", item_id=item_id, response_id=response_id, transcript=text)
        # Whatever came without deltas is read by the guardrails all the same.
        _check(s, live, item_id, content_index, text[live.said.get((item_id, content_index), 0) :])


# --- calling tools


def arguments_done(s: State, event: ResponseFunctionCallArgumentsDone) -> None:
    """A call's arguments are all there. A cancelled response says this too, with half of them: only a whole JSON object
    is taken at its word here, anything else waits for the item's own end."""
    live = _of(s, event.response_id)
    if live is None or live.interrupted or not event.name or not _is_whole_object(event.arguments):
        return
    _start_call(s, live, event.name, event.call_id, event.arguments)


def _is_whole_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def item_added(s: State, event: ResponseOutputItemAdded) -> None:
    """A response begins an item."""
    _of(s, event.response_id)


def item_done(s: State, event: ResponseOutputItemDone) -> None:
    """A response ends an item."""
    if (live := _of(s, event.response_id)) is None:
        return
    item = event.item
    item_id = item.id if isinstance(item.id, str) else ""
    if isinstance(item, FunctionCall) and item.status != "incomplete":
        _start_call(s, live, item.name, item.call_id, item.arguments)
    for key in [key for key in live.audio_open if key[0] == item_id]:
        _end_audio(s, live, *key)
    delete_if_unheard(s, live, item_id)
    if not live.out_of_band and s.conversation.complete(item):
        s.history_updated(item_id)


def delete_if_unheard(s: State, live: LiveResponse, item_id: str) -> None:
    """The far end has finished an item that was interrupted before anybody heard it."""
    if live.delete_when_done.pop(item_id, 0) is None:
        s.effects.wire.append(ConversationItemDelete(item_id))


def _start_call(s: State, live: LiveResponse, name: str, call_id: str, arguments: str) -> None:
    tool = live.agent.tools.get(name)
    call = ToolCall(call_id, name, arguments, live.response_id, live.agent, tool)
    if s.tool_calls.start(call):
        s.effects.tools.append(StartCall(call_id, name, arguments, tool, live.agent))


# --- ending


def done(s: State, event: ResponseDone) -> None:
    """A response ends, one way or another."""
    response = event.response
    live = s.responses.get(response.id) or _begin(s, response)
    if live.ended:
        return
    status = _status(response)
    details = response.status_details
    error = details.error if details else None
    reason = (details.reason if details else None) or (error.code if error else None)
    if status == "completed":
        for item in response.output:
            if isinstance(item, FunctionCall) and item.status != "incomplete":
                _start_call(s, live, item.name, item.call_id, item.arguments)
    if response.usage is not None:
        s.usage = add_usage(s.usage, response.usage)
        s.emit(UsageReported, response_id=live.response_id, usage=response.usage, total=s.usage)
    end(s, live, status, reason, error, response.usage)
    s.arbiter.done(live.response_id, s.now)
    if s.tool_calls.answer_due(live.response_id):
        s.arbiter.follow_up()


def end(
    s: State,
    live: LiveResponse,
    status: ResponseStatus,
    reason: str | None,
    error: ResponseError | None = None,
    usage: Usage | None = None,
    lost: EngineError | None = None,
) -> None:
    """Close a response: its audio, its checks, its calls, its handle, its one `agent_end`."""
    live.ended = True
    for key in list(live.audio_open):
        _end_audio(s, live, *key)
    for item_id in list(live.delete_when_done):
        delete_if_unheard(s, live, item_id)
    s.tool_calls.response_ended(live.response_id)
    text = live.text.text()
    if not live.interrupted and (due := live.text.end()) is not None:
        s.effects.checks.append(CheckText(live.response_id, live.agent, due, final=True))
    s.emit(
        AgentEnd, agent=live.agent.agent, response_id=live.response_id,
        status=status, reason=reason, error=error, usage=usage,
    )  # fmt: skip
    s.effects.tools.append(HookEnd(live.agent, text))
    failure = lost
    if status == "failed":
        said = (error.message if error else None) or reason or "the far end gave no reason"
        failure = ResponseFailed(f"the response failed: {said}", code=reason, response_id=live.response_id)
    s.settle(live.request, status, text=text, reason=reason, error=failure)


def _status(response: Response) -> ResponseStatus:
    match response.status:
        case "cancelled" | "failed" | "incomplete":
            return response.status
        case _:
            return "completed"

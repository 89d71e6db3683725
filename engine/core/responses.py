"""The life of a response, whoever moves it on: it begins, speaks, and ends, each exactly once.

Servers leave out beginnings and repeat ends, send deltas after the end of a part, or a part whole without deltas; a
session ends in the middle of everything. So whatever comes first begins a response, whatever is open ends with it, and
what comes later is dropped.
"""

from __future__ import annotations

from engine.core.conversation import text_of
from engine.core.debounce import Debounce
from engine.core.effects import CheckText, HandleCreated, HandleDone, HookEnd, HookStart
from engine.core.interruption import drop_response, stop_response, stop_speaking
from engine.core.item_steps import add_untold_items, complete_item, complete_items_of, response_names
from engine.core.naming import id_of
from engine.core.state import LiveResponse, RequestSnapshot, State
from engine.core.told_calls import is_whole_object
from engine.core.tool_call_steps import continue_if_answered, end_handle, start_call_of
from engine.core.usage import add_usage
from engine.core.user_turn import end_turn
from engine.core.waits import RESPONSE_END, RESPONSE_PROGRESS, UNTOLD_RESPONSE
from engine.errors import EngineError, ResponseFailed
from engine.events import AgentEnd, AgentStart, AudioEnd, ResponseStatus, TranscriptDelta, TranscriptDone, UsageReported
from engine.wire.client_events import ConversationItemDelete
from engine.wire.items import FunctionCall, Item, Message, Part
from engine.wire.response import Response, ResponseError, Usage
from engine.wire.struct import evolve

NO_END = "no_end"
"""The reason of a response that counts as ended because the server has not told its end."""

# --- beginning


def begin_response(s: State, response: Response, *, told: bool = False) -> LiveResponse:
    """Begin a response: give it a name, find out who asked for it, and as which agent it speaks. It is stopped at once
    if the request was cancelled meanwhile. One of the server's own ends the user's turn.

    Args:
        s: the session.
        response: the response as the server tells it, by its id.
        told: the server says that it begins; otherwise something else that came shows that it has begun.
    """
    response = evolve(response, id=s.identity.begin_response(response.id))
    begun = s.arbiter.created(response)
    request, cancel = begun.request, begun.stop
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
        told=told,
    )
    if not out_of_band and (told or request is not None):
        _end_untold(s)
    s.remember(live)
    s.waits.begin(RESPONSE_PROGRESS, live.response_id, s.now)
    if not told:
        s.waits.begin(UNTOLD_RESPONSE, live.response_id, s.now)
    if request is None and not begun.unwanted and not out_of_band:
        end_turn(s, "answered")
    if not out_of_band and not begun.unwanted:
        if not cancel or begun.for_user:
            s.tool_calls.response_began()
        _answer_what_it_missed(s, asked)
    if asked is not None:
        add_untold_items(s, asked.created)
    s.emit(AgentStart, agent=live.agent.agent, response_id=live.response_id)
    s.effects.tools.append(HookStart(live.agent))
    if request is not None and request.handle_id is not None:
        s.effects.handles.append(HandleCreated(request.handle_id, live.response_id))
    if begun.unwanted:
        drop_response(s, live)
    elif cancel and out_of_band:
        stop_response(s, live)
    elif cancel:
        stop_speaking(s, tell_server=True, for_user=begun.for_user)
    return live


def _end_untold(s: State) -> None:
    """End what began without having been told and never ended: the conversation has gone on to another response."""
    for live in s.running():
        if not live.told and not live.out_of_band:
            end_response(s, live, "incomplete", NO_END)
            continue_if_answered(s, live.response_id)


def _answer_what_it_missed(s: State, asked: RequestSnapshot | None) -> None:
    """Ask for another response to what this one has not read, unless a request on its way has that already.

    `asked` is the request that this response answers. What it has not read stays unseen: a response that the server
    begins by itself may come before the next one that we ask for, and drop it, without having read any more.
    """
    coming = asked or s.asked.get(s.arbiter.on_its_way or "")
    if s.unseen.any_since(coming.after if coming is not None else 0):
        s.arbiter.follow_up()
    elif asked is None and not s.unseen:
        s.arbiter.nothing_missed()
    if asked is not None:
        s.unseen.read_before(asked.after)


# --- speaking


def open_audio(s: State, live: LiveResponse, item_id: str, content_index: int) -> None:
    """Note that audio of a part is coming, so that it can be cut; an interrupted response's is to be deleted."""
    if live.interrupted or s.rules.server_plays:
        if live.interrupted and not live.out_of_band and s.rules.server_truncates:
            live.delete_when_done[item_id] = None
        return
    live.audio_open[item_id, content_index] = s.now
    s.ledger.opened(live.response_id, item_id, content_index, s.now)


def end_audio(s: State, live: LiveResponse, item_id: str, content_index: int) -> None:
    """Announce the end of a part's audio, unless that was done or the audio was interrupted."""
    s.ledger.ended(item_id, content_index)
    if live.audio_open.pop((item_id, content_index), None) is not None:
        s.emit(AudioEnd, response_id=live.response_id, item_id=item_id, content_index=content_index)


def add_text(s: State, live: LiveResponse, item_id: str, content_index: int, delta: str, *, spoken: bool) -> None:
    """Add to the text of a part: in history, for the application, and for the guardrails."""
    if not live.out_of_band and not s.conversation.grow(item_id, content_index, delta, spoken=spoken):
        response_names(s, live, item_id)
        s.conversation.grow(item_id, content_index, delta, spoken=spoken)
    if live.interrupted:
        return
    s.effects.events.append(
        TranscriptDelta(
            context=s.rules.context, at_ns=s.now, role="assistant",
            item_id=item_id, response_id=live.response_id, delta=delta,
        )
    )  # fmt: skip
    if (due := live.text.grow(item_id, content_index, delta)) is not None:
        s.effects.checks.append(CheckText(live.response_id, live.agent, due, final=False))


def finish_text(s: State, response_id: str, item_id: str, content_index: int, text: str) -> None:
    """Set the whole text of a part, which the guardrails read where it is not what has been told before. A server that
    says nothing here means what it has told."""
    if (live := s.live(response_id)) is None:
        return
    response_names(s, live, item_id)
    if text and not live.out_of_band:
        s.conversation.say(item_id, content_index, text)
    text = text or live.text.part(item_id, content_index)
    if live.interrupted:
        return
    if (item_id, content_index) not in live.finished:
        live.finished[item_id, content_index] = None
        s.emit(TranscriptDone, role="assistant", item_id=item_id, response_id=response_id, transcript=text)
    _read(s, live, item_id, content_index, text)


def finish_part(s: State, response_id: str, item_id: str, content_index: int, part: Part | None) -> None:
    """Finish the text of a part that is over: some servers tell it here alone."""
    if not (text := text_of(part)) or (live := s.live(response_id)) is None:
        return
    if (item_id, content_index) not in live.finished or text != live.text.part(item_id, content_index):
        finish_text(s, response_id, item_id, content_index, text)


def finish_words(s: State, live: LiveResponse, item_id: str, item: Item | None = None) -> None:
    """Finish the parts of an item whose text no event has told as a whole: it stands in the item, or came as deltas."""
    if live.interrupted:
        return
    told = {index: "" for known, index in live.text.parts if known == item_id}
    if not live.out_of_band:
        told.update(s.conversation.texts(item_id))
    if isinstance(item, Message):
        told.update((index, text) for index, part in enumerate(item.content) if (text := text_of(part)))
    for index, text in sorted(told.items()):
        if (item_id, index) not in live.finished:
            finish_text(s, live.response_id, item_id, index, text)


def whole_call(s: State, live: LiveResponse, call: FunctionCall) -> FunctionCall:
    """Return a call with what earlier events have told of it and this one does not: its name, its arguments."""
    known = None if live.out_of_band else s.conversation.item(id_of(call))
    if isinstance(known, FunctionCall):
        live.calls.tell(known)
    return live.calls.tell(call)


def whole_item(s: State, live: LiveResponse, item: Item) -> Item:
    """Return an item as it is told, or a call with all that has been told of it."""
    return whole_call(s, live, item) if isinstance(item, FunctionCall) else item


def read_item(s: State, live: LiveResponse, item: Item, *, begins: bool = False) -> bool:
    """Have the guardrails read what an item of a response says, where that is not what has been told before. Returns
    whether there was any of that.

    Args:
        s: the session.
        live: the response, which may have ended.
        item: the item as the server tells it now.
        begins: it has just begun: what deltas have told of it is newer.
    """
    if live.interrupted or not isinstance(item, Message) or not isinstance(item.id, str):
        return False
    live.text.begin(item.id)
    news = False
    for index, part in enumerate(item.content):
        text, before = text_of(part), live.text.part(item.id, index)
        if text and text != before and not (begins and before):
            _read(s, live, item.id, index, text)
            news = True
    return news


def read_conversation_item(s: State, item: Item, *, begins: bool) -> None:
    """Read an item of the conversation that is a response's. A server that does not tell the items of its responses
    tells only here what the running one says."""
    if not isinstance(item, Message) or item.role != "assistant" or not isinstance(item.id, str):
        return
    for live in s.responses.values():
        if live.text.has(item.id):
            read_item(s, live, item, begins=begins)
            return
    running = s.live(s.arbiter.running or "")
    if running is not None and not running.tells_items:
        read_item(s, running, item, begins=begins)


def _read(s: State, live: LiveResponse, item_id: str, content_index: int, text: str) -> None:
    """Set the text of a part for the guardrails. Nothing more is waited for once the response has ended."""
    due = live.text.replace(item_id, content_index, text)
    if due is None and live.ended:
        due = live.text.end()
    if due is not None:
        s.effects.checks.append(CheckText(live.response_id, live.agent, due, final=live.ended))


def delete_if_unheard(s: State, live: LiveResponse, item_id: str) -> None:
    """Delete an item that is finished now, if it was interrupted before anybody heard it."""
    if live.delete_when_done.pop(item_id, 0) is None:
        s.effects.wire.append(ConversationItemDelete(item_id))


# --- ending


def finish_response(s: State, response: Response) -> None:
    """End a response as the server says it ended: start the calls that only the end tells, add up what it cost."""
    if (live := s.live(response.id)) is None:
        return
    status = _status(response)
    details = response.status_details
    error = details.error if details else None
    reason = (details.reason if details else None) or (error.code if error else None)
    output = tuple(whole_item(s, live, item) for item in response.output)
    rest = _calls_told_in_part(s, live, {id_of(item) for item in output})
    for item in (*output, *rest):
        finish_words(s, live, id_of(item), item)
        if read_item(s, live, item) and not live.out_of_band:
            complete_item(s, item)
        if status == "completed":
            start_call_of(s, live, item)
    for item_id in (*live.items, *dict.fromkeys(known for known, _ in live.text.parts)):
        finish_words(s, live, item_id)
    complete_items_of(s, live, (*output, *rest), status)
    if response.usage is not None:
        s.usage = add_usage(s.usage, response.usage)
        s.emit(UsageReported, response_id=live.response_id, usage=response.usage, total=s.usage)
    end_response(s, live, status, reason, error, response.usage)
    s.arbiter.done(live.response_id, s.now)
    continue_if_answered(s, live.response_id)


def _calls_told_in_part(s: State, live: LiveResponse, named: set[str]) -> list[FunctionCall]:
    """Return the calls that the end of a response does not name, as far as others have told of them: by arguments,
    or by the conversation."""
    for item_id in live.items:
        if isinstance(known := s.conversation.item(item_id), FunctionCall):
            live.calls.tell(known)
    told = (call for call in live.calls.uncut() if id_of(call) not in named)
    return [call for call in told if not call.arguments or is_whole_object(call.arguments)]


def end_response(
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
    s.waits.end(RESPONSE_PROGRESS, live.response_id)
    s.waits.end(RESPONSE_END, live.response_id)
    s.waits.end(UNTOLD_RESPONSE, live.response_id)
    for key in list(live.audio_open):
        end_audio(s, live, *key)
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
        said = (error.message if error else None) or reason or "the server gave no reason"
        failure = ResponseFailed(f"the response failed: {said}", code=reason, response_id=live.response_id)
    if live.request is not None and live.request.handle_id is not None:
        end_handle(s, live, HandleDone(live.request.handle_id, status, text, reason, failure))


def end_overdue_response(s: State, live: LiveResponse) -> None:
    """End a response that was cancelled and whose end the server does not tell. What is told later is ignored."""
    end_response(s, live, "cancelled" if live.interrupted else "incomplete", NO_END)
    s.arbiter.done(live.response_id, s.now)
    continue_if_answered(s, live.response_id)


def abandon_response(s: State, live: LiveResponse, reason: str, lost: EngineError | None) -> None:
    """End a response of which nothing will come any more, nor be played, because the session is over."""
    live.interrupted = True
    live.audio_open.clear()
    live.delete_when_done.clear()
    end_response(s, live, "cancelled", reason, lost=lost)


def _status(response: Response) -> ResponseStatus:
    match response.status:
        case "cancelled" | "failed" | "incomplete":
            return response.status
        case _:
            return "completed"

"""Placing: which response, item and call an event of the server is about, whatever it calls them.

Each handler of such an event is wrapped: it is given the event with the names of `identity` in the place of ids, and
only if it is about something that goes on. Events about a response:

    it names                        belongs to
    a response that runs            that one
    a response that has ended       nothing: it comes late, and is dropped. But where beginnings are not told
                                    (`response.created`), an item that begins is the first of another response
    an unknown response             the one that runs and has no id yet, which has it from then on; else a new one, if
                                    the server has never told a beginning; else nothing
    no response                     the one that runs and owns the item; else the conversation's; else the only one

Where "nothing" is said of what is no late event, it is an `error` event with the code `unplaced_event`, once for each
unknown response.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from engine.core.arbitration import TOKEN
from engine.core.effects import Renamed
from engine.core.identity import COMMITTED, STARTED
from engine.core.responses import begin_response
from engine.core.state import LiveResponse, State
from engine.errors import ProtocolError
from engine.wire.client_events import (
    ClientEvent,
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemRetrieve,
    ConversationItemTruncate,
    ResponseCancel,
)
from engine.wire.items import FunctionCall, FunctionCallOutput, Item, Message, UnknownItem
from engine.wire.response import Response
from engine.wire.server_events import (
    ConversationItemAdded,
    ConversationItemDeleted,
    ConversationItemDone,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionDelta,
    ConversationItemInputAudioTranscriptionFailed,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    InputAudioBufferTimeoutTriggered,
    KnownServerEvent,
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
from engine.wire.struct import UNSET, evolve

UNPLACED = "unplaced_event"

P = TypeVar(
    "P",
    ResponseContentPartAdded,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    ResponseFunctionCallArgumentsDone,
)
"""Events about a part of an item, or about the arguments of a call."""
W = TypeVar("W", ResponseOutputItemAdded, ResponseOutputItemDone)
"""Events of a response about a whole item."""
C = TypeVar("C", ConversationItemAdded, ConversationItemDone)
"""Events of the conversation about a whole item."""
S = TypeVar(
    "S",
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    InputAudioBufferTimeoutTriggered,
    ConversationItemInputAudioTranscriptionDelta,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionFailed,
)
"""Events about what the user says."""
E = TypeVar("E", bound=KnownServerEvent)
T = TypeVar("T", ConversationItemTruncate, ConversationItemRetrieve, ConversationItemDelete)
K = TypeVar("K", FunctionCall, FunctionCallOutput)

# --- responses: their beginnings and ends


def begin_told(s: State, event: ResponseCreated) -> None:
    """Begin the response of a `response.created`, unless it is one that runs, told again."""
    s.tells_beginnings = True
    response = event.response
    if (known := _told_again(s, response)) is not None:
        known.told = True
        s.arbiter.believe(known.response_id)
        return
    live = begin_response(s, response, told=True)
    if live.response_id != response.id:
        _renamed(s, event, response=evolve(response, id=live.response_id))


def _told_again(s: State, response: Response) -> LiveResponse | None:
    """Return the running response whose beginning is told: without an id, one that has none and the same request."""
    if response.id:
        return s.live(s.identity.response(response.id) or "")
    token = (response.metadata or {}).get(TOKEN)
    for live in s.running():
        asked = None if live.request is None else live.request.token
        if token in (None, asked) and not s.identity.id_of_response(live.response_id):
            return live
    return None


def place_end(s: State, event: ResponseDone) -> Response | None:
    """Return what a `response.done` says, by names; None if that response has ended already. One that nothing was heard
    of begins with it."""
    response = event.response
    live = ending_response(s, response)
    if live is None and response.id and s.identity.response(response.id) is not None:
        return None
    if live is None and not response.id and s.tells_beginnings:
        _unplaced(s, event.type, "")
        return None
    if live is None:
        live = begin_response(s, response)
    output = tuple([_named(s, live, item, index) for index, item in enumerate(response.output)])
    if live.response_id == response.id and all(
        one is other for one, other in zip(output, response.output, strict=True)
    ):
        return response
    return _renamed(s, event, response=evolve(response, id=live.response_id, output=output)).response


def ending_response(s: State, response: Response) -> LiveResponse | None:
    """Return the running response that ends with what is told; None if there is none."""
    name = s.identity.response(response.id)
    if name is not None:
        return s.live(name)
    if not response.id:
        return _without_id(s, response)
    return _adopted(s, response.id)


def _without_id(s: State, response: Response) -> LiveResponse | None:
    """Return the running response that an end without an id is about: the one of the same request, the conversation's,
    or the only one."""
    token = (response.metadata or {}).get(TOKEN)
    for live in s.running():
        if token is not None and live.request is not None and live.request.token == token:
            return live
    return _conversations(s)


def _conversations(s: State) -> LiveResponse | None:
    """Return the response that the conversation runs, or the only one that runs at all."""
    live = s.live(s.arbiter.running or "")
    if live is None and len(running := s.running()) == 1:
        return running[0]
    return live


def _adopted(s: State, response_id: str) -> LiveResponse | None:
    """Return the running response that has no id yet, if there is just one, and give it this one."""
    without_id = [live for live in s.running() if not s.identity.id_of_response(live.response_id)]
    if len(without_id) != 1:
        return None
    s.identity.adopt_response(without_id[0].response_id, response_id)
    return without_id[0]


# --- responses: what they say


def of_part(handler: Callable[[State, P], None]) -> Callable[[State, P], None]:
    """Give a handler events about a part, by names, if they are about a response that runs."""

    def placed(s: State, event: P) -> None:
        if (found := place_part(s, event)) is not None:
            handler(s, found)

    return placed


def of_item(handler: Callable[[State, W], None]) -> Callable[[State, W], None]:
    """Give a handler events about an item, by names, if they are about a response that runs."""

    def placed(s: State, event: W) -> None:
        told = _id(event.item)
        if (live := _response_of(s, event.response_id, told, event.type)) is None:
            return
        item = _named(s, live, event.item, event.output_index)
        if item is event.item and live.response_id == event.response_id:
            handler(s, event)
        else:
            handler(s, _renamed(s, event, response_id=live.response_id, item=item))

    return placed


def place_part(s: State, event: P) -> P | None:
    """Return an event about a part, by names; None if it is about nothing that goes on."""
    if (live := _response_of(s, event.response_id, event.item_id, event.type)) is None:
        return None
    call = event.call_id if isinstance(event, ResponseFunctionCallArgumentsDone) else ""
    name = _item(s, live, event.item_id, event.output_index, call)
    changes: dict[str, str] = {}
    if name != event.item_id:
        changes["item_id"] = name
    if live.response_id != event.response_id:
        changes["response_id"] = live.response_id
    if isinstance(event, ResponseFunctionCallArgumentsDone):
        call_id = s.identity.call(live.response_id, call, name)
        if call_id != call:
            changes["call_id"] = call_id
    return _renamed(s, event, **changes) if changes else event


def _response_of(s: State, response_id: str, item_id: str, kind: str) -> LiveResponse | None:
    """Return the running response that an event belongs to, by the table above."""
    if not response_id:
        owner = s.identity.owner(item_id)
        live = s.live(owner or "") or _conversations(s)
        if live is None and owner is None:
            _unplaced(s, kind, "")
        return live
    if (name := s.identity.response(response_id)) is not None and not _begins_again(s, name, item_id, kind):
        return s.live(name)
    if name is None and (live := _adopted(s, response_id)) is not None:
        return live
    if s.tells_beginnings:
        _unplaced(s, kind, response_id)
        return None
    return begin_response(s, Response(id=response_id, conversation_id=""))


def _begins_again(s: State, name: str, item_id: str, kind: str) -> bool:
    """Whether an item of a response that has ended is the first of another: where beginnings are not told, it is."""
    if s.tells_beginnings or kind != ResponseOutputItemAdded.type or s.live(name) is not None:
        return False
    return not s.identity.has_item(name, item_id)


def _unplaced(s: State, kind: str, response_id: str) -> None:
    """Say, once for each unknown response, that an event could not be placed."""
    if not s.identity.is_stray(response_id):
        which = f"the response {response_id!r}, which has not begun" if response_id else "a response, and none runs"
        s.error(ProtocolError(f"{kind} is about {which}: it was left out, and what else comes of it"), UNPLACED)


def _item(s: State, live: LiveResponse, told: str, index: int, call: str = "") -> str:
    name = s.identity.item(live.response_id, told, index, call, in_conversation=not live.out_of_band)
    if name == told:
        live.same_names.add(told)
    return name


def _named(s: State, live: LiveResponse, item: Item, index: int) -> Item:
    """Return an item of a response by its name, with its call's."""
    call = item.call_id if isinstance(item, FunctionCall) else ""
    name = _item(s, live, _id(item), index, call)
    if isinstance(item, FunctionCall):
        item = _with_call(item, s.identity.call(live.response_id, call, name))
    return _with_id(item, name)


# --- the conversation


def of_conversation(handler: Callable[[State, C], None], *, final: bool) -> Callable[[State, C], None]:
    """Give a handler events about an item of the conversation, by names."""

    def placed(s: State, event: C) -> None:
        item, told = event.item, _id(event.item)
        users = isinstance(item, FunctionCallOutput) or (isinstance(item, Message) and item.role != "assistant")
        running = s.arbiter.running or ""
        name = (s.identity.done_item if final else s.identity.told_item)(told, users=users, running=running)
        if isinstance(item, FunctionCall):
            item = _with_call(item, s.identity.call_of(name, item.call_id, running))
        elif isinstance(item, FunctionCallOutput):
            item = _with_call(item, s.identity.output_of(name, item.call_id))
        item = _with_id(item, name)
        previous = s.identity.before_item(event.previous_item_id, name)
        if item is event.item and previous == event.previous_item_id:
            handler(s, event)
        else:
            handler(s, _renamed(s, event, item=item, previous_item_id=previous))

    return placed


def of_deletion(
    handler: Callable[[State, ConversationItemDeleted], None],
) -> Callable[[State, ConversationItemDeleted], None]:
    """Give a handler the deletions of items, by names."""

    def placed(s: State, event: ConversationItemDeleted) -> None:
        name = s.identity.deleted_item(event.item_id)
        handler(s, event if name == event.item_id else _renamed(s, event, item_id=name))

    return placed


def of_commit(
    handler: Callable[[State, InputAudioBufferCommitted], None],
) -> Callable[[State, InputAudioBufferCommitted], None]:
    """Give a handler the commits of what the user said, by names."""

    def placed(s: State, event: InputAudioBufferCommitted) -> None:
        name = s.identity.speech(event.item_id, COMMITTED)
        previous = s.identity.before_item(event.previous_item_id, name)
        if name == event.item_id and previous == event.previous_item_id:
            handler(s, event)
        else:
            handler(s, _renamed(s, event, item_id=name, previous_item_id=previous))

    return placed


def of_speech(handler: Callable[[State, S], None], *, begins: bool = False) -> Callable[[State, S], None]:
    """Give a handler events about what the user says, by names."""

    def placed(s: State, event: S) -> None:
        name = s.identity.speech(event.item_id, STARTED) if begins else s.identity.spoken(event.item_id)
        handler(s, event if name == event.item_id else _renamed(s, event, item_id=name))

    return placed


# --- on the way out


def tell_by_ids(s: State, sent: list[ClientEvent]) -> None:
    """Write the server's ids in the place of names, in client events on their way to it. What it has no id for it
    cannot be told of: such an event is left out."""
    for event in list(sent):
        told = _told(s, event)
        if told is not event:
            at = next(at for at, each in enumerate(sent) if each is event)
            if told is None:
                del sent[at]
            else:
                sent[at] = told
                s.effects.told.append(Renamed(told, event))


def _told(s: State, event: ClientEvent) -> ClientEvent | None:
    match event:
        case ConversationItemCreate():
            return _told_creation(s, event)
        case ConversationItemTruncate(item_id=name):
            return _told_item(s, event, name)
        case ConversationItemRetrieve(item_id=name):
            return _told_item(s, event, name)
        case ConversationItemDelete(item_id=name):
            s.identity.deletion_sent(name)
            return _told_item(s, event, name)
        case ResponseCancel(response_id=str(name)) if (told := s.identity.id_of_response(name)) != name:
            return evolve(event, response_id=told or UNSET)
    return event


def _told_item(s: State, event: T, name: str) -> T | None:
    told = s.identity.id_of_item(name)
    return event if told == name else evolve(event, item_id=told) if told else None


def _told_creation(s: State, event: ConversationItemCreate) -> ConversationItemCreate:
    item, previous = event.item, event.previous_item_id
    if isinstance(item, FunctionCallOutput):
        item = _with_call(item, s.identity.output_sent(item.call_id))
    if told := _id(item):
        s.identity.item_sent(told, users=not isinstance(item, Message) or item.role != "assistant")
    if isinstance(previous, str):
        previous = s.identity.id_of_item(previous) or UNSET
    if item is event.item and previous == event.previous_item_id:
        return event
    return evolve(event, item=item, previous_item_id=previous)


# --- names in the place of ids


def _renamed(s: State, event: E, **changes: object) -> E:
    """Return an event with other names, and note that for those who see events as they came."""
    named = evolve(event, **changes)
    s.effects.heard.append(Renamed(event, named))
    return named


def _id(item: Item) -> str:
    return item.id if isinstance(item.id, str) else ""


def _with_id(item: Item, name: str) -> Item:
    if _id(item) == name:
        return item
    return UnknownItem({**item.raw, "id": name}) if isinstance(item, UnknownItem) else evolve(item, id=name)


def _with_call(item: K, call_id: str) -> K:
    return item if item.call_id == call_id else evolve(item, call_id=call_id)

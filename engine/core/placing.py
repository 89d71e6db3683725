"""Placing: which response an event of the server is about, and which item and call of it.

Handlers of events about a response are wrapped here: they are given the event with the names of `identity` in the
place of ids, and only if it is about a response that runs.

    it names                        belongs to
    a response that runs            that one
    a response that has ended       nothing: it comes late, and is dropped. But where beginnings are not told
                                    (`response.created`), an item that begins is the first of another response
    an unknown response             the one that runs and has no id yet, which has it from then on; else a new one, if
                                    the server has never told a beginning; else nothing
    no response                     the one that runs and owns the item, unless that begins; else the conversation's;
                                    else the only one

Where "nothing" is said of what is no late event, it is an `error` event with the code `unplaced_event`, once for each
unknown response.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from engine.core.naming import id_of, renamed, with_call, with_id
from engine.core.requests import TOKEN
from engine.core.responses import begin_response
from engine.core.state import LiveResponse, State
from engine.core.waits import UNTOLD_RESPONSE
from engine.errors import ProtocolError
from engine.wire.items import FunctionCall, Item
from engine.wire.response import Response
from engine.wire.server_events import (
    ResponseContentPartAdded,
    ResponseContentPartDone,
    ResponseCreated,
    ResponseDone,
    ResponseFunctionCallArgumentsDelta,
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
from engine.wire.struct import evolve

UNPLACED = "unplaced_event"

P = TypeVar(
    "P",
    ResponseContentPartAdded,
    ResponseContentPartDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    ResponseFunctionCallArgumentsDelta,
    ResponseFunctionCallArgumentsDone,
)
"""Events about a part of an item, or about the arguments of a call."""
W = TypeVar("W", ResponseOutputItemAdded, ResponseOutputItemDone)
"""Events of a response about a whole item."""

# --- beginnings and ends


def begin_told(s: State, event: ResponseCreated) -> None:
    """Begin the response of a `response.created`, unless it is one that runs, told again."""
    s.tells_beginnings = True
    response = event.response
    if (known := _told_again(s, response)) is not None:
        known.told = True
        s.waits.end(UNTOLD_RESPONSE, known.response_id)
        return
    live = begin_response(s, response, told=True)
    if live.response_id != response.id:
        renamed(s, event, response=evolve(response, id=live.response_id))


def _told_again(s: State, response: Response) -> LiveResponse | None:
    """Return the response whose beginning is told, if it has begun already: it runs, or has ended before that was told;
    without an id, a running one that has none and the same request."""
    if response.id:
        known = s.responses.get(s.identity.response(response.id) or "")
        return known if known is not None and (not known.ended or not known.told) else None
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
    return renamed(s, event, response=evolve(response, id=live.response_id, output=output)).response


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


# --- what comes between


def of_part(handler: Callable[[State, P], None]) -> Callable[[State, P], None]:
    """Give a handler events about a part, by names, if they are about a response that runs."""

    def placed(s: State, event: P) -> None:
        if (found := place_part(s, event)) is not None:
            handler(s, found)

    return placed


def of_item(
    handler: Callable[[State, W], None], *, late: Callable[[State, LiveResponse, Item], None] | None = None
) -> Callable[[State, W], None]:
    """Give a handler events about an item, by names, if they are about a response that runs; one that has ended and is
    remembered, and its item, are given to `late`."""

    def placed(s: State, event: W) -> None:
        told = id_of(event.item)
        if (live := _response_of(s, event.response_id, told, event.type)) is None:
            ended = s.responses.get(s.identity.response(event.response_id) or "")
            if late is not None and ended is not None:
                late(s, ended, _named(s, ended, event.item, event.output_index))
            return
        item = _named(s, live, event.item, event.output_index)
        if item is event.item and live.response_id == event.response_id:
            handler(s, event)
        else:
            handler(s, renamed(s, event, response_id=live.response_id, item=item))

    return placed


def place_part(s: State, event: P) -> P | None:
    """Return an event about a part, by names; None if it is about nothing that goes on."""
    if (live := _response_of(s, event.response_id, event.item_id, event.type)) is None:
        return None
    of_call = isinstance(event, ResponseFunctionCallArgumentsDelta | ResponseFunctionCallArgumentsDone)
    call = (
        event.call_id
        if isinstance(event, ResponseFunctionCallArgumentsDelta | ResponseFunctionCallArgumentsDone)
        else ""
    )
    name = _item(s, live, event.item_id, event.output_index, call)
    changes: dict[str, str] = {}
    if name != event.item_id:
        changes["item_id"] = name
    if live.response_id != event.response_id:
        changes["response_id"] = live.response_id
    if of_call:
        call_id = s.identity.call(live.response_id, call, name)
        if call_id != call:
            changes["call_id"] = call_id
    return renamed(s, event, **changes) if changes else event


def _call_of(event: P) -> str:
    match event:
        case ResponseFunctionCallArgumentsDelta() | ResponseFunctionCallArgumentsDone():
            return event.call_id
        case _:
            return ""


def _response_of(s: State, response_id: str, item_id: str, kind: str) -> LiveResponse | None:
    """Return the running response that an event belongs to, by the table above."""
    if not response_id:
        owner = None if kind == ResponseOutputItemAdded.type else s.identity.owner(item_id)
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
    """Return whether an item of an ended response is the first of another: where beginnings are not told, it is."""
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
    name = _item(s, live, id_of(item), index, call)
    if isinstance(item, FunctionCall):
        item = with_call(item, s.identity.call(live.response_id, call, name))
    return with_id(item, name)

"""An item takes its place in the conversation, is told more of, and is completed, whoever tells of it.

Servers tell of an item by events of the conversation, by events of the response that makes it, or by both, in any
order; some leave out places, ends or contents. The first to name an item adds it to the history; its place is the
server's word where there is one, and otherwise follows from who made the item:

    made by              place, if the server says none
    this program         where it was asked to be; the end unless a place was asked for
    the user's voice     the end: speech becomes an item when it has been said
    a response           the end, or behind the item that the response made before it
    somebody else        the beginning: where a server tells places, none means the first
"""

from __future__ import annotations

from engine.core.conversation import ROOT
from engine.core.created_items import CreatedItem
from engine.core.naming import id_of
from engine.core.state import LiveResponse, State
from engine.events import HistoryAdded
from engine.wire.client_events import ClientEvent
from engine.wire.items import (
    FunctionCall,
    FunctionCallOutput,
    InputAudio,
    InputImage,
    InputText,
    Item,
    Message,
    OutputText,
)
from engine.wire.struct import evolve

# --- what this program creates


def send_event(s: State, event: ClientEvent) -> None:
    """Send a client event that may create an item, which the server is then expected to tell of."""
    s.created.sent(event)
    s.effects.wire.append(event)


def add_untold_items(s: State, count: int) -> None:
    """Add what this program created before `count` items were, at a server that tells of no item by itself.

    Called when a response begins that was asked for afterwards: events are taken in order, so that the server has those
    items, and would have told of them by now.
    """
    if s.tells_items:
        return
    for created in s.created.take_before(count):
        item = created.item
        if isinstance(item, Message | FunctionCall):
            whole = evolve(item, id=id_of(item) or s.fresh_id("item"), status="completed")
            _add(s, whole, created.previous_item_id, known_place=created.previous_item_id == ROOT)


# --- what the conversation tells


def item_told(s: State, item: Item, previous_item_id: str | None, *, known_place: bool) -> bool:
    """Take in what an event of the conversation tells of an item. Returns whether it is new.

    Args:
        s: the session.
        item: the item; one without an id has no place.
        previous_item_id: the item before it, as the server says; None where it says none.
        known_place: this is the server's word on the place (that of `conversation.item.done` is unreliable).
    """
    if not (item_id := id_of(item)):
        return False
    if s.conversation.item(item_id) is not None:
        s.conversation.add(item, previous_item_id, known_place=known_place)
        if s.conversation.fill(item):
            s.history_updated(item_id)
        return False
    if any(item_id in live.items for live in s.responses.values()):
        return False  # it has been deleted since: the news of its end is late
    created = s.created.claim(item)
    if created is not None and created.item_id is not None:
        s.unseen.discard(created.item_id)
    if previous_item_id is None:
        previous_item_id, certain = _own_place(s, item, created)
        known_place = certain and (known_place or created is not None)
    if created is None and (live := _made_by(s, item)) is not None and not live.tells_items:
        live.items.setdefault(item_id)
    return _add(s, item, previous_item_id, known_place=known_place)


def _own_place(s: State, item: Item, created: CreatedItem | None) -> tuple[str | None, bool]:
    """Return where an item stands of which the server says no place, and whether that is its place for certain."""
    if created is not None:
        return created.previous_item_id, created.previous_item_id == ROOT
    unfinished = getattr(item, "status", None) == "in_progress"
    return None, not (_is_speech(item) or unfinished or _made_by(s, item) is not None)


def _is_speech(item: Item) -> bool:
    """Return whether an item is what the user said, and not typed."""
    match item:
        case Message(role="user"):
            return not any(isinstance(part, InputText | InputImage | OutputText) for part in item.content)
        case _:
            return False


def _made_by(s: State, item: Item) -> LiveResponse | None:
    """Return the response that makes an item of which the conversation tells first: the running one, but for a kind of
    item that only clients create."""
    match item:
        case Message(role="user" | "system") | FunctionCallOutput():
            return None
        case _:
            return next((live for live in s.running() if not live.out_of_band), None)


def _add(s: State, item: Item, previous_item_id: str | None, *, known_place: bool) -> bool:
    if not s.conversation.add(item, previous_item_id, known_place=known_place):
        return False
    if isinstance(item, FunctionCallOutput):
        if item.output and (call_item := s.conversation.output(item.call_id, item.output)) is not None:
            s.history_updated(call_item)
        return True
    if isinstance(item, Message) and any(isinstance(part, InputAudio) for part in item.content):
        s.user_takes_part()
    if (shown := s.conversation.get(id_of(item))) is not None:
        s.emit(HistoryAdded, item=shown)
    return True


def complete_item(s: State, item: Item) -> None:
    """Take in the server's final word on an item that is known."""
    if s.conversation.complete(item):
        s.history_updated(id_of(item))


# --- what a response tells


def response_tells(s: State, live: LiveResponse, item: Item, *, after: str | None = None) -> None:
    """Take in what a response tells of an item that it makes; of one out of band the history has nothing.

    Args:
        s: the session.
        live: the response.
        item: the item as it is told.
        after: the item that the response made before it, where that is known.
    """
    item_id = id_of(item)
    if live.out_of_band or not item_id:
        return
    first = item_id not in live.items
    live.items[item_id] = None
    if first and s.conversation.item(item_id) is None:
        _add(s, item, after, known_place=False)
    elif s.conversation.fill(item):
        s.history_updated(item_id)


def response_names(s: State, live: LiveResponse, item_id: str) -> None:
    """Add an item of which a response says or plays something: the agent's message, if nobody has told it."""
    if item_id and item_id not in live.items:
        response_tells(s, live, Message(item_id, "assistant", (), "in_progress"))


def response_completes(s: State, live: LiveResponse, item: Item, *, after: str | None = None) -> None:
    """Take in a response's final word on an item. One that the server has deleted since stays away."""
    response_tells(s, live, item, after=after)
    if not live.out_of_band:
        complete_item(s, item)


def complete_items_of(s: State, live: LiveResponse, output: tuple[Item, ...], status: str) -> None:
    """Take in what the end of a response tells of items, and leave none of them in progress."""
    known = (s.conversation.previous_of(id_of(item)) for item in output if s.conversation.item(id_of(item)))
    before = next(known, None)
    for item in output:
        if s.conversation.is_final(item):
            response_tells(s, live, item, after=before)
        else:
            response_completes(s, live, item, after=before)
        before = id_of(item) or before
    for item_id in live.items:
        if s.conversation.close(item_id, "completed" if status == "completed" else "incomplete"):
            s.history_updated(item_id)

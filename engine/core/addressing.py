"""Addressing: client events with the server's ids in the place of names, on their way to it."""

from __future__ import annotations

from typing import TypeVar

from engine.core.effects import Effects, Renamed
from engine.core.naming import id_of, with_call
from engine.core.state import State
from engine.wire.client_events import (
    ClientEvent,
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemRetrieve,
    ConversationItemTruncate,
    ResponseCancel,
)
from engine.wire.items import FunctionCallOutput, Message
from engine.wire.struct import UNSET, evolve

T = TypeVar("T", ConversationItemTruncate, ConversationItemRetrieve, ConversationItemDelete)


def tell_by_ids(s: State, effects: Effects) -> None:
    """Write the server's ids in the place of names, in client events on their way to it. What it has no id for it
    cannot be told of: such an event is left out."""
    wire: list[ClientEvent] = []
    for event in effects.wire:
        told = _told(s, event)
        if told is not None:
            wire.append(told)
            if told is not event:
                effects.told.append(Renamed(told, event))
    effects.wire = wire


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
        item = with_call(item, s.identity.output_sent(item.call_id))
    if told := id_of(item):
        s.identity.item_sent(told, users=not isinstance(item, Message) or item.role != "assistant")
    if isinstance(previous, str):
        previous = s.identity.id_of_item(previous) or UNSET
    if item is event.item and previous == event.previous_item_id:
        return event
    return evolve(event, item=item, previous_item_id=previous)

"""Naming: events of the server with the names of `identity` in the place of its ids.

Handlers of events about the conversation are wrapped here: they are given the event by names. Events about a response
have to be placed first, which `placing` does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from engine.core.effects import Renamed
from engine.core.identity import COMMITTED, STARTED
from engine.core.state import State
from engine.wire.items import FunctionCall, FunctionCallOutput, Item, Message, UnknownItem
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
)
from engine.wire.struct import evolve

E = TypeVar("E", bound=KnownServerEvent)
K = TypeVar("K", FunctionCall, FunctionCallOutput)
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

# --- names in the place of ids


def renamed(s: State, event: E, **changes: object) -> E:
    """Return an event with other names, and note that for those who see events as they came."""
    named = evolve(event, **changes)
    s.effects.heard.append(Renamed(event, named))
    return named


def id_of(item: Item) -> str:
    """Return the id of an item; "" if it has none."""
    return item.id if isinstance(item.id, str) else ""


def with_id(item: Item, name: str) -> Item:
    """Return an item under another id."""
    if id_of(item) == name:
        return item
    return UnknownItem({**item.raw, "id": name}) if isinstance(item, UnknownItem) else evolve(item, id=name)


def with_call(item: K, call_id: str) -> K:
    """Return a call, or an output, under another id of the call."""
    return item if item.call_id == call_id else evolve(item, call_id=call_id)


# --- the conversation


def of_conversation(handler: Callable[[State, C], None], *, final: bool) -> Callable[[State, C], None]:
    """Give a handler events about an item of the conversation, by names."""

    def placed(s: State, event: C) -> None:
        item, told = event.item, id_of(event.item)
        users = isinstance(item, FunctionCallOutput) or (isinstance(item, Message) and item.role != "assistant")
        running = s.arbiter.running or ""
        name = (s.identity.done_item if final else s.identity.told_item)(told, users=users, running=running)
        if isinstance(item, FunctionCall):
            item = with_call(item, s.identity.call_of(name, item.call_id, running))
        elif isinstance(item, FunctionCallOutput):
            item = with_call(item, s.identity.output_of(name, item.call_id))
        item = with_id(item, name)
        previous = s.identity.before_item(event.previous_item_id, name)
        if item is event.item and previous == event.previous_item_id:
            handler(s, event)
        else:
            handler(s, renamed(s, event, item=item, previous_item_id=previous))

    return placed


def of_deletion(
    handler: Callable[[State, ConversationItemDeleted], None],
) -> Callable[[State, ConversationItemDeleted], None]:
    """Give a handler the deletions of items, by names."""

    def placed(s: State, event: ConversationItemDeleted) -> None:
        name = s.identity.deleted_item(event.item_id)
        handler(s, event if name == event.item_id else renamed(s, event, item_id=name))

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
            handler(s, renamed(s, event, item_id=name, previous_item_id=previous))

    return placed


def of_speech(handler: Callable[[State, S], None], *, begins: bool = False) -> Callable[[State, S], None]:
    """Give a handler events about what the user says, by names."""

    def placed(s: State, event: S) -> None:
        name = s.identity.speech(event.item_id, STARTED) if begins else s.identity.spoken(event.item_id)
        handler(s, event if name == event.item_id else renamed(s, event, item_id=name))

    return placed

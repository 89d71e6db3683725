"""Memory: against a server that confirms nothing a session stays as large as it is, however many turns there are; what
somebody else decides the size of is bounded."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

import pytest

from engine.core.conversation import Conversation
from engine.core.created_items import CreatedItems
from engine.core.images import DROPPED, MOST_IMAGE_CHARACTERS, KeptImages
from engine.core.inputs import SendMessage, TimePassed
from engine.core.unseen import MOST_UNSEEN, Unseen
from engine.history import UserMessage
from engine.wire.client_events import ConversationItemCreate
from engine.wire.items import InputImage, InputText, Message
from engine.wire.struct import UNSET
from tests.core.driving import Driven
from tests.properties.broken import swapped

SPARE = 1_000_000
"""Bytes by which a session may grow in 2,000 turns: names of items are remembered, up to a bound of their own."""


def _message(number: int) -> SendMessage:
    return SendMessage(Message(UNSET, "user", (InputText(f"message {number}"),)), respond=True)


def held_after(turns: int) -> Callable[[], tuple[int, int]]:
    """Hold `turns` turns against a server that says nothing at all, twice. Returns a function for the bytes held after
    each time."""

    def measure() -> tuple[int, int]:
        d = Driven()
        sizes = []
        tracemalloc.start()
        try:
            for half in range(2):
                for turn in range(turns):
                    d.tell(_message(turn), at_ms=(half * turns + turn) * 20_000)
                    d.tell(TimePassed(), at_ms=(half * turns + turn) * 20_000 + 10_000)
                    for kept in (d.events, d.wire, d.handles, d.told, d.tools):
                        kept.clear()
                gc.collect()
                sizes.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
        return sizes[0], sizes[1]

    return measure


@pytest.mark.long
def test_four_thousand_turns_that_nobody_confirms_take_no_more_than_two_thousand() -> None:
    first, second = held_after(2000)()
    assert second - first < SPARE


def test_a_server_that_confirms_nothing_makes_a_session_no_larger() -> None:
    first, second = held_after(500)()
    assert second - first < SPARE


def test_a_memory_without_a_bound_would_be_noticed() -> None:
    def remember_all(self: Unseen, sent_id: str) -> None:
        self._numbers[sent_id] = self.count
        self._numbers[sent_id + "x" * 10_000] = self.count
        self.count += 1

    with swapped(Unseen, "add", remember_all):
        first, second = held_after(500)()
    assert second - first > SPARE


def test_the_newest_that_is_unseen_is_remembered() -> None:
    unseen = Unseen()
    for number in range(MOST_UNSEEN + 10):
        unseen.add(str(number))
    unseen.read_before(unseen.count - 1)
    assert unseen
    assert not unseen.any_since(unseen.count)
    unseen.discard(str(MOST_UNSEEN + 9))
    assert not unseen


def _picture(number: int, size: int) -> Message:
    return Message(f"item_{number}", "user", (InputText("look"), InputImage("data:image/png;base64," + "x" * size)))


def test_the_history_keeps_the_newest_images_and_the_words_of_all() -> None:
    conversation = Conversation()
    size = MOST_IMAGE_CHARACTERS // 4
    previous: str | None = None
    for number in range(10):
        conversation.add(_picture(number, size), previous)
        previous = f"item_{number}"
    shown = [item for item in conversation if isinstance(item, UserMessage)]
    assert [item.content[0] for item in shown] == [InputText("look")] * 10
    urls = [part.image_url for item in shown for part in item.content if isinstance(part, InputImage)]
    assert urls[:7] == [DROPPED] * 7
    assert all(len(url) > size for url in urls[7:])
    for number in range(7, 10):
        conversation.remove(f"item_{number}")
    conversation.add(_picture(10, size), "item_6")
    assert (
        sum(len(part.image_url) for item in conversation for part in item.content if isinstance(part, InputImage))
        > size
    )  # type: ignore[union-attr]


def test_images_that_the_server_does_not_tell_of_are_bounded_too() -> None:
    created = CreatedItems()
    size = MOST_IMAGE_CHARACTERS // 4
    for number in range(10):
        created.sent(ConversationItemCreate(_picture(number, size)))
    assert len(created.take_before(created.count)) == 3
    assert not created.take_before(created.count)


def test_one_image_is_kept_however_large_it_is() -> None:
    kept = KeptImages[int](most=10)
    assert kept.keep(1, 100) == []
    assert kept.keep(2, 100) == [1]
    kept.drop(2)
    assert kept.keep(3, 5) == []
    assert kept.keep(3, 6) == []
    assert kept.keep(4, 5) == [3]

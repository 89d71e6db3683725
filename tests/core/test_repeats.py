"""Events told twice, with the same id and content, are taken once; ids that mean nothing are let be."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from engine.core.repeats import REMEMBERED_EVENTS, Repeats
from engine.wire.server_events import ConversationItemDeleted, ResponseOutputAudioDelta, ServerEvent
from tests.core.test_limits import held

ids = st.sampled_from(["", "", "e_1", "e_2", "e_3"])
deletions = st.builds(ConversationItemDeleted, st.sampled_from(["item_1", "item_2"]), event_id=ids)
audio = st.builds(
    ResponseOutputAudioDelta,
    st.sampled_from(["r_1", "r_2"]),
    st.sampled_from(["item_1", "item_2"]),
    st.just(0),
    st.just(0),
    st.sampled_from([b"\0\0", b"\1\0", b"\0\0\0\0"]),
    event_id=ids,
)
# Each id stands for one event, as a server should have it.
honest = st.lists(
    st.integers(0, 5).map(
        lambda number: ConversationItemDeleted(f"item_{number}", event_id=f"e_{number}" * (number > 0))
    )
)


def told(number: int) -> ServerEvent:
    return ConversationItemDeleted(f"item_{number}", event_id=f"e_{number}")


@given(honest, st.integers(1, 4))
def test_each_event_with_an_id_is_taken_once(events: Sequence[ServerEvent], size: int) -> None:
    repeats, taken = Repeats(), list[ServerEvent]()
    for at in range(0, len(events), size):
        taken += repeats.without(events[at : at + size])
    assert taken == [event for at, event in enumerate(events) if not event.event_id or event not in events[:at]]


@given(st.lists(deletions | audio))
def test_an_id_that_is_told_of_two_things_ends_the_trust_in_ids(events: Sequence[ServerEvent]) -> None:
    repeats, expected, known = Repeats(), list[ServerEvent](), dict[str, ServerEvent]()
    trusted = True
    for event in events:
        before = known.setdefault(event.event_id, event) if event.event_id else None
        same = before is not None and _alike(before, event)
        trusted = trusted and (before is None or same)
        if not (trusted and same and before is not event):
            expected.append(event)
    assert [event for one in events for event in repeats.without([one])] == expected


def _alike(one: ServerEvent, other: ServerEvent) -> bool:
    """Return whether two events are the same, as far as that is looked at."""
    if isinstance(one, ResponseOutputAudioDelta) and isinstance(other, ResponseOutputAudioDelta):
        return (one.response_id, one.item_id, len(one.delta)) == (other.response_id, other.item_id, len(other.delta))
    return one == other


def test_the_last_events_are_remembered_and_no_more_than_twice_as_many() -> None:
    repeats = Repeats()
    for number in range(10 * REMEMBERED_EVENTS):
        assert repeats.without([told(number)]) == [told(number)]
        latest = max(0, number - REMEMBERED_EVENTS + 1)
        assert repeats.without([told(latest)]) == []
        assert sum(size for _, size in held(repeats)) <= 2 * REMEMBERED_EVENTS + 1


def test_nothing_is_remembered_of_a_server_whose_ids_mean_nothing() -> None:
    repeats = Repeats()
    repeats.without([told(number) for number in range(REMEMBERED_EVENTS + 10)])
    repeats.without([ConversationItemDeleted("another", event_id="e_1")])
    assert sum(size for _, size in held(repeats)) == 0

"""The queue that says when each piece of audio is played, against an ear that rounds nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.caller.play_queue import PlayQueue
from engine.events import Audio, AudioEnd
from engine.wire.formats import PCM16
from tests.support.ear import Ear

MS = 1_000_000


def piece(nbytes: int, item: str = "a") -> Audio:
    return Audio(context=None, at_ns=0, response_id="r", item_id=item, content_index=0, data=bytes(nbytes))


def end(item: str = "a") -> AudioEnd:
    return AudioEnd(context=None, at_ns=0, response_id="r", item_id=item, content_index=0)


def sound(ms: int, item: str = "a") -> Audio:
    return piece(PCM16.bytes_of(ms), item)


def test_pieces_follow_one_another() -> None:
    queue = PlayQueue()
    places = [queue.add(sound(20), 5 * MS), queue.add(sound(30), 6 * MS), queue.add(sound(40, "b"), 7 * MS)]
    assert [place.starts_ns // MS for place in places] == [5, 25, 55]
    assert [place.stalled_ns for place in places] == [0, 0, 0]
    assert [(item.item_id, heard // MS) for item, heard in queue.heard(60 * MS)] == [("a", 50), ("b", 5)]


def test_a_piece_that_comes_too_late_stalls_its_item() -> None:
    queue = PlayQueue()
    queue.add(sound(20), 0)
    assert queue.add(sound(20), 50 * MS).stalled_ns == 30 * MS
    assert [heard // MS for _, heard in queue.heard(60 * MS)] == [30]


def test_only_what_is_complete_and_over_is_removed() -> None:
    queue = PlayQueue()
    for event in (sound(20), sound(20, "b"), sound(20, "c")):
        queue.add(event, 0)
    queue.complete(end("a"))
    queue.complete(end("c"))
    assert not queue.remove_finished(19 * MS)
    assert [item.item_id for item in queue.remove_finished(59 * MS)] == ["a"]
    assert [item.item_id for item, _ in queue.heard(59 * MS)] == ["b", "c"]


def test_a_flush_leaves_nothing() -> None:
    queue = PlayQueue()
    queue.add(sound(100), 0)
    queue.add(sound(100, "b"), 0)
    assert [(item.item_id, heard // MS) for item, heard in queue.flush(130 * MS)] == [("a", 100), ("b", 30)]
    assert not queue.heard(130 * MS)
    assert queue.add(sound(10, "c"), 140 * MS).starts_ns == 140 * MS


@given(st.lists(st.tuples(st.integers(1, 2000), st.integers(0, 50 * MS)), max_size=20), st.integers(0, 100 * MS))
def test_it_plays_what_an_ear_hears(pieces: list[tuple[int, int]], later: int) -> None:
    queue, ear, now = PlayQueue(), Ear[str](), 0
    for samples, gap in pieces:
        now += gap
        queue.add(piece(2 * samples), now)
        ear.take("a", 2 * samples, now)
    now += later
    heard = sum(heard for _, heard in queue.heard(now))
    # A piece lasts up to a nanosecond longer than the queue counts, and the ear counts whole bytes.
    assert -len(pieces) <= heard - ear.heard_bytes("a", now) * 1_000_000_000 / 48_000 < 1_000_000_000 / 48_000 + 1

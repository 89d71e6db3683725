"""Reports of playback, piece by piece: nothing is lost by how small the pieces are, or by what holds them."""

from __future__ import annotations

import array

from hypothesis import given
from hypothesis import strategies as st

from engine.mailboxes.playback_reports import RealtimePlaybackTracker
from engine.wire.formats import PCM16


def last_ms(tracker: RealtimePlaybackTracker) -> int:
    (report,) = tracker.reports()
    return report.ms


@given(st.lists(st.integers(1, 999), min_size=1, max_size=30))
def test_bytes_of_any_pieces_add_up(sizes: list[int]) -> None:
    tracker = RealtimePlaybackTracker()
    for size in sizes:
        tracker.on_play_bytes("a", 0, bytes(size))
    assert last_ms(tracker) == PCM16.ms_of(sum(sizes))


@given(st.lists(st.integers(1, 999), min_size=1, max_size=10))
def test_samples_count_as_their_bytes(sizes: list[int]) -> None:
    tracker = RealtimePlaybackTracker()
    for size in sizes:
        tracker.on_play_bytes("a", 0, array.array("h", [0] * size))
    assert last_ms(tracker) == PCM16.ms_of(2 * sum(sizes))


@given(st.floats(0.1, 60), st.integers(1, 200))
def test_milliseconds_add_up(ms: float, times: int) -> None:
    tracker = RealtimePlaybackTracker()
    for _ in range(times):
        tracker.on_play_ms("a", 0, ms)
    assert abs(last_ms(tracker) - ms * times) <= 0.51

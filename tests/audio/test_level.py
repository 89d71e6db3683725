"""Where sound begins and ends."""

from __future__ import annotations

import array

from engine.audio.level import AGENT_THRESHOLD, audible_span_ns, first_audible_ns

MS = 1_000_000


def tone(ms: int, level: int) -> bytes:
    return array.array("h", [level, -level] * (12 * ms)).tobytes()


def test_the_first_audible_window_is_where_the_level_is_reached() -> None:
    assert first_audible_ns(tone(30, 0) + tone(20, AGENT_THRESHOLD)) == 30 * MS


def test_what_stays_below_the_level_is_not_audible() -> None:
    assert first_audible_ns(tone(100, AGENT_THRESHOLD - 1)) is None
    assert first_audible_ns(b"") is None


def test_an_utterance_is_measured_against_its_own_loudest_sample() -> None:
    for peak in (300, 30_000):
        quiet = tone(50, peak // 100)  # 40 dB below
        assert audible_span_ns(quiet + tone(40, peak) + tone(40, peak // 40) + quiet) == (50 * MS, 130 * MS)


def test_silence_has_no_span() -> None:
    assert audible_span_ns(bytes(4800)) is None
    assert audible_span_ns(b"") is None


def test_the_span_never_reaches_beyond_the_end() -> None:
    assert audible_span_ns(tone(15, 1000)) == (0, 15 * MS)


def test_the_most_negative_sample_counts() -> None:
    assert first_audible_ns(array.array("h", [-32768] * 10).tobytes()) == 0

"""How loud sound is, and where it begins and ends."""

from __future__ import annotations

import array
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.audio.g711 import pcm_to_alaw, pcm_to_ulaw
from engine.audio.level import (
    AUDIBLE,
    audible_span_ns,
    first_audible,
    first_audible_ns,
    is_audible,
    last_audible_ns,
    level_db,
    rms,
)
from engine.audio.samples import pcm_of
from engine.wire.formats import G711_ALAW, G711_ULAW, PCM16

MS = 1_000_000


def tone(ms: int, level: int) -> bytes:
    return array.array("h", [level, -level] * (12 * ms)).tobytes()


def test_the_first_audible_window_is_where_the_level_is_reached() -> None:
    assert first_audible_ns(tone(30, 0) + tone(20, AUDIBLE)) == 30 * MS


def test_what_stays_below_the_level_is_not_audible() -> None:
    assert first_audible_ns(tone(100, AUDIBLE - 1)) is None
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


# --- one threshold


def test_minus_45_dbfs() -> None:
    assert math.isclose(20 * math.log10(AUDIBLE / 32768), -45, abs_tol=0.05)


@given(st.integers(0, 400), st.integers(AUDIBLE + 64, 32767), st.booleans())
def test_the_first_audible_sample_is_found_in_every_format(quiet: int, loud: int, negative: bool) -> None:
    pcm = pcm_of([*([AUDIBLE // 2] * quiet), -loud if negative else loud, 0])
    assert first_audible(pcm, PCM16) == 2 * quiet
    assert first_audible(pcm_to_ulaw(pcm), G711_ULAW) == quiet
    assert first_audible(pcm_to_alaw(pcm), G711_ALAW) == quiet


def test_silence_has_no_audible_sample() -> None:
    assert first_audible(pcm_of([AUDIBLE - 1, 1 - AUDIBLE]), PCM16) is None
    assert first_audible(b"", PCM16) is None
    assert not is_audible(b"")


@pytest.mark.parametrize("sample", [AUDIBLE - 1, AUDIBLE, 1 - AUDIBLE, -AUDIBLE])
def test_every_function_draws_the_same_line(sample: int) -> None:
    pcm = pcm_of([0, sample])
    audible = abs(sample) >= AUDIBLE
    assert is_audible(pcm) == audible
    assert first_audible(pcm, PCM16) == (2 if audible else None)
    assert (first_audible_ns(pcm) is not None) == audible
    assert (last_audible_ns(pcm) is not None) == audible


def test_a_window_is_audible_from_its_beginning_to_its_end() -> None:
    pcm = tone(30, 0) + tone(5, AUDIBLE) + tone(15, 0)
    assert (first_audible_ns(pcm), last_audible_ns(pcm)) == (30 * MS, 40 * MS)


# --- levels


def test_the_level_of_a_square_wave_is_that_of_its_samples() -> None:
    assert rms(tone(10, 1000)) == 1000
    assert level_db(tone(10, 16384)) == pytest.approx(-6.02, abs=0.01)
    assert level_db(tone(10, 16384), every=3) == level_db(tone(10, 16384))


def test_the_level_of_silence_is_the_lowest() -> None:
    assert (rms(bytes(480)), rms(b"")) == (0, 0)
    assert (level_db(bytes(480)), level_db(b""), level_db(bytes(480), silence_db=-160)) == (-96, -96, -160)
    faint = pcm_of([1, *[0] * 239])
    assert level_db(faint) == -96
    assert level_db(faint, silence_db=-160) == pytest.approx(-114.1, abs=0.1)


def test_samples_between_those_that_are_taken_are_not_looked_at() -> None:
    pcm = pcm_of([0, 9000, 9000, 9000] * 60)
    assert not is_audible(pcm, every=4)
    assert level_db(pcm, every=4) == -96

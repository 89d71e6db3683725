"""The resampler: right pitch and level, no aliases, no delay, and no difference how a stream is cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.audio.resample import Resampler, resample
from engine.audio.samples import samples_of
from engine.errors import AudioError
from tests.audio.tones import level_db, tone

_RATES = [8000, 11025, 16000, 22050, 24000, 44100, 48000]
_PAIRS = [(source, target) for source, target in itertools.permutations(_RATES, 2) if 24000 in (source, target)]


@pytest.mark.parametrize(("source", "target"), _PAIRS)
def test_a_tone_keeps_its_pitch_its_level_and_its_place(source: int, target: int) -> None:
    made = samples_of(resample(tone(440, source), source, target))
    wanted = samples_of(tone(440, target))
    assert abs(len(made) - len(wanted)) <= 1
    edge = len(wanted) // 10
    middle = list(zip(made, wanted, strict=False))[edge:-edge]
    assert max(abs(one - other) for one, other in middle) < 30, "more than -50 dB of error"


@pytest.mark.parametrize(("source", "target"), [(24000, 8000), (44100, 24000), (48000, 24000), (24000, 16000)])
def test_what_the_lower_rate_cannot_hold_is_gone(source: int, target: int) -> None:
    held, aliased = 0.7 * target / 2, 1.25 * target / 2
    edge = target // 20
    assert abs(level_db(resample(tone(held, source), source, target), edge=edge)) < 0.5
    assert level_db(resample(tone(aliased, source), source, target), edge=edge) < -50


@given(st.sampled_from(_PAIRS), st.lists(st.integers(0, 801), max_size=12))
def test_the_cuts_of_a_stream_do_not_show(pair: tuple[int, int], cuts: list[int]) -> None:
    source, target = pair
    pcm = tone(300, source, 0.05)
    resampler = Resampler(source, target)
    made, at = b"", 0
    for size in cuts:
        made += resampler.feed(pcm[at : at + size])
        at += size
    made += resampler.feed(pcm[at:]) + resampler.flush()
    assert made == resample(pcm, source, target)


@given(st.sampled_from(_PAIRS), st.integers(0, 3000))
def test_it_lasts_as_long_as_it_did(pair: tuple[int, int], count: int) -> None:
    source, target = pair
    made = len(resample(bytes(2 * count), source, target)) // 2
    assert count * target <= made * source < count * target + source


def test_a_stream_comes_out_while_it_goes_in() -> None:
    resampler = Resampler(24000, 8000)
    given_out = sum(len(resampler.feed(tone(300, 24000, 0.02))) // 2 for _ in range(50))
    assert given_out >= 8000 - 20, "held back more than the filter needs"


def test_flush_begins_a_new_stream() -> None:
    resampler = Resampler(22050, 24000)
    first = resampler.feed(tone(300, 22050)) + resampler.flush()
    assert resampler.feed(tone(300, 22050)) + resampler.flush() == first


def test_loud_sound_is_clipped_not_wrapped() -> None:
    square = (b"\xff\x7f" * 20 + b"\x00\x80" * 20) * 20
    made = samples_of(resample(square, 8000, 24000))
    assert max(made) == 32767
    assert min(made) == -32768
    steps = [abs(after - before) for before, after in itertools.pairwise(made)]
    assert max(steps) < 50_000, "no jump from one end to the other"


def test_equal_rates_change_nothing() -> None:
    resampler = Resampler(24000, 24000)
    assert resampler.feed(b"\1\2\3") + resampler.feed(b"\4") + resampler.flush() == b"\1\2\3\4"


@pytest.mark.parametrize(("source", "target"), [(0, 24000), (24000, -1), (10**9, 24000)])
def test_no_such_rate(source: int, target: int) -> None:
    with pytest.raises(AudioError, match="samples per second"):
        Resampler(source, target)

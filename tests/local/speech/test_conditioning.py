"""The same speech comes out whatever silence is around it and however loud it is."""

from __future__ import annotations

import math

from engine.audio.samples import pcm_of, samples_of
from engine.local.speech.conditioning import conditioned

RATE = 24_000


def tone(ms: int, height: float) -> list[int]:
    return [round(height * math.sin(math.tau * 300 * at / RATE)) for at in range(RATE * ms // 1000)]


def quiet(ms: int) -> list[int]:
    return [0] * (RATE * ms // 1000)


def loudness(samples: list[int]) -> float:
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples))


def test_silence_around_speech_does_not_matter() -> None:
    short = conditioned(pcm_of(quiet(300) + tone(400, 8000) + quiet(300)), RATE)
    long = conditioned(pcm_of(quiet(1200) + tone(400, 8000) + quiet(700)), RATE)
    assert short is not None
    assert short == long


def test_speech_that_fills_the_utterance_gets_margins_all_the_same() -> None:
    utterance = conditioned(pcm_of(tone(400, 8000)), RATE)
    assert utterance is not None
    assert len(utterance.searched) == 2 * RATE * (250 + 400 + 250) // 1000
    assert len(utterance.measured) == 2 * RATE * (80 + 400 + 80) // 1000


def test_soft_and_loud_speech_are_brought_to_one_loudness() -> None:
    for height in (300, 3000, 30_000):
        utterance = conditioned(pcm_of(quiet(300) + tone(400, height) + quiet(300)), RATE)
        assert utterance is not None
        samples = samples_of(utterance.searched).tolist()
        speech = samples[RATE * 300 // 1000 : RATE * 600 // 1000]
        assert abs(loudness(speech) - 3000) < 60
        assert 0 < loudness(samples[: RATE * 200 // 1000]) < 60, "silence is faint noise, never digital"


def test_silence_a_click_and_nothing_are_no_utterance() -> None:
    assert conditioned(b"", RATE) is None
    assert conditioned(pcm_of(quiet(500)), RATE) is None
    assert conditioned(pcm_of(quiet(300) + tone(30, 8000) + quiet(300)), RATE) is None

"""Where sound begins and ends in PCM: the one definition of *audible* that every time in the table rests on.

A window of 10 ms is audible if its loudest sample reaches the threshold. For the caller the threshold is 35 dB below
the loudest sample of the utterance, which suits loud and quiet files alike; for the agent, whose audio is judged as
it comes, it is 45 dB below full scale.
"""

from __future__ import annotations

import array
from collections.abc import Iterator

from engine.audio.samples import FULL_SCALE, samples_of
from engine.wire.formats import PCM16

WINDOW_MS = 10
AGENT_THRESHOLD = round(FULL_SCALE * 10 ** (-45 / 20))
_CALLER_DB_BELOW_PEAK = 35
_WINDOW = PCM16.rate * WINDOW_MS // 1000
_NS_PER_SAMPLE = 1_000_000_000 / PCM16.rate


def first_audible_ns(pcm: bytes, threshold: int = AGENT_THRESHOLD) -> int | None:
    """Nanoseconds from the beginning of `pcm` to its first audible window; None if it is silence.

    `pcm` is mono 16-bit PCM at 24 kHz.
    """
    for at, peak in _peaks(samples_of(pcm)):
        if peak >= threshold:
            return round(at * _NS_PER_SAMPLE)
    return None


def last_audible_ns(pcm: bytes, threshold: int = AGENT_THRESHOLD) -> int | None:
    """Nanoseconds from the beginning of `pcm` to the end of its last audible window; None if it is silence.

    `pcm` is mono 16-bit PCM at 24 kHz.
    """
    samples = samples_of(pcm)
    for end in range(len(samples), 0, -_WINDOW):
        window = samples[max(0, end - _WINDOW) : end]
        if max(window) >= threshold or min(window) <= -threshold:
            return round(end * _NS_PER_SAMPLE)
    return None


def audible_span_ns(pcm: bytes) -> tuple[int, int] | None:
    """Beginning of the first and end of the last audible window of an utterance; None if it is silence."""
    samples = samples_of(pcm)
    peaks = list(_peaks(samples))
    loudest = max((peak for _, peak in peaks), default=0)
    threshold = max(loudest * 10 ** (-_CALLER_DB_BELOW_PEAK / 20), 1)
    heard = [at for at, peak in peaks if peak >= threshold]
    if not heard:
        return None
    return round(heard[0] * _NS_PER_SAMPLE), round(min(heard[-1] + _WINDOW, len(samples)) * _NS_PER_SAMPLE)


def _peaks(samples: array.array[int]) -> Iterator[tuple[int, int]]:
    for at in range(0, len(samples), _WINDOW):
        window = samples[at : at + _WINDOW]
        yield at, max(max(window), -min(window))

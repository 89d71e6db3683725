"""An utterance as the recognizer wants it: cut out of its silence, at one loudness, with the faintest noise in it.

The recognizer compares sound with the mean of the whole utterance (cepstral mean normalisation), so what it hears would
otherwise depend on how much silence happens to be around it, and on nothing being digitally silent, which no microphone
ever was.
"""

from __future__ import annotations

import random
from functools import lru_cache

import attrs

from engine.audio.level import level_db, rms
from engine.audio.samples import pcm_of, samples_of

_FRAME_MS = 10
_BELOW_PEAK_DB = 35.0
_ABOVE_FLOOR_DB = 8.0
_SILENT_DB = -80.0
_NO_DB = -160.0
"""The level of digital silence: far below that of the faintest noise, however quiet the speech is."""
_LEAST_FRAMES = 8
_LOUDNESS = 3000.0
"""Root mean square of the speech after levelling."""
_NOISE = 40.0
"""Standard deviation: 37 dB below the speech."""
_MEASURED_SHARE = 0.2
"""Silence on each side of what the mean is taken of, as a share of the speech."""
_MARGIN_MS = 250
"""Silence on each side of what is searched: the acoustic model expects some."""


@attrs.frozen
class ConditionedSpeech:
    """Speech with its margins, twice: `measured` is for the mean, `searched` for the words. 16-bit PCM."""

    measured: bytes
    searched: bytes


def conditioned(pcm: bytes, rate: int) -> ConditionedSpeech | None:
    """Prepare mono 16-bit PCM at `rate`; None if nothing in it is louder than silence for a tenth of a second."""
    samples = samples_of(pcm).tolist()
    size = rate * _FRAME_MS // 1000
    starts = range(0, len(samples) - size + 1, size)
    bounds = _bounds([level_db(pcm[2 * at : 2 * (at + size)], silence_db=_NO_DB) for at in starts])
    if bounds is None:
        return None
    start, end = bounds[0] * size, bounds[1] * size
    speech = samples[start:end]
    gain = _LOUDNESS / rms(pcm[2 * start : 2 * end])

    def with_margin(margin: int) -> bytes:
        before, after = samples[max(0, start - margin) : start], samples[end : end + margin]
        silence = [0] * (margin - len(before)), [0] * (margin - len(after))
        return _noisy([*silence[0], *before, *speech, *after, *silence[1]], gain)

    share = round(len(speech) * _MEASURED_SHARE)
    return ConditionedSpeech(with_margin(share), with_margin(rate * _MARGIN_MS // 1000))


def _bounds(levels: list[float]) -> tuple[int, int] | None:
    """The first frame of speech and the one after the last; None if there is none."""
    ordered = sorted(levels)
    if not ordered or ordered[-1] < _SILENT_DB:
        return None
    floor, peak = ordered[len(ordered) // 10], ordered[-1 - len(ordered) // 20]
    threshold = max(ordered[-1] - _BELOW_PEAK_DB, min(floor + _ABOVE_FLOOR_DB, peak - _ABOVE_FLOOR_DB))
    loud = [at for at, level in enumerate(levels) if level >= threshold]
    if len(loud) < _LEAST_FRAMES:
        return None
    return loud[0], loud[-1] + 1


def _noisy(samples: list[int], gain: float) -> bytes:
    noise = _noise()
    repeated = noise * (len(samples) // len(noise) + 1)
    return pcm_of([round(sample * gain) + faint for sample, faint in zip(samples, repeated, strict=False)])


@lru_cache(maxsize=1)
def _noise() -> list[int]:
    source = random.Random(1)
    return [round(source.gauss(0, _NOISE)) for _ in range(24_001)]

"""Sounds whose samples are known."""

from __future__ import annotations

import math
from itertools import pairwise

from engine.audio.samples import pcm_of, samples_of

AMPLITUDE = 10_000


def tone(hz: float, rate: int, seconds: float = 0.25) -> bytes:
    """A sine that starts at zero."""
    return pcm_of(round(AMPLITUDE * math.sin(2 * math.pi * hz * at / rate)) for at in range(round(rate * seconds)))


def level_db(pcm: bytes, *, edge: int = 0) -> float:
    """Against a full `tone`, without `edge` samples at each end."""
    samples = samples_of(pcm)[edge : -edge or None]
    mean_square = sum(sample * sample for sample in samples) / len(samples)
    return 10 * math.log10(max(mean_square, 1e-9) / (AMPLITUDE * AMPLITUDE / 2))


def hertz(pcm: bytes, rate: int) -> float:
    """The pitch of the loud part, by its zero crossings; 0 for silence."""
    samples = samples_of(pcm)
    loud = [at for at, sample in enumerate(samples) if abs(sample) > AMPLITUDE / 20]
    if not loud:
        return 0.0
    part = samples[loud[0] : loud[-1]]
    crossings = sum((one < 0) != (other < 0) for one, other in pairwise(part))
    return crossings / 2 * rate / len(part)

"""A voice for when no speech synthesis is installed: tones, one for each syllable, as long as the
words.

It is not speech and does not pretend to be; it has the length, the pauses and the byte counts of speech,
which is what everything but an ear needs. A text sounds the same each time.
"""

from __future__ import annotations

import array
import math
import re
from functools import lru_cache

from engine.wire.formats import PCM16

_WORD = re.compile(r"[^\W_]+|[.,;:!?]")
_MS_PER_LETTER = 45
_SHORTEST_WORD_MS = 110
_GAP_MS = 45
_PAUSE_MS = {",": 120, ";": 160, ":": 160, ".": 260, "!": 260, "?": 260}
_AMPLITUDE = 5000
_FADE_STEPS = 4
_PITCHES_HZ = (150, 160, 200, 240, 250)
"""Divisors of the sample rate: one period is a whole number of samples, so that periods repeat without a
click."""


def tones(text: str, *, speed: float = 1.0) -> bytes:
    """Sound as long as `text` takes to say, mono 16-bit PCM at 24 kHz. `speed` 2.0 is twice as fast."""
    sound = bytearray()
    for word in _WORD.findall(text):
        if word in _PAUSE_MS:
            sound += _silence(_PAUSE_MS[word] / speed)
            continue
        length_ms = max(len(word) * _MS_PER_LETTER, _SHORTEST_WORD_MS)
        pitch = _PITCHES_HZ[sum(word.encode()) % len(_PITCHES_HZ)]
        sound += _tone(pitch, length_ms / speed)
        sound += _silence(_GAP_MS / speed)
    return bytes(sound)


def _silence(ms: float) -> bytes:
    return bytes(2 * round(ms * PCM16.rate / 1000))


def _tone(pitch_hz: int, ms: float) -> bytes:
    full, fading = _periods(pitch_hz)
    periods = max(round(ms * pitch_hz / 1000), 2 * _FADE_STEPS)
    return b"".join((*fading, full * (periods - 2 * _FADE_STEPS), *reversed(fading)))


@lru_cache(maxsize=len(_PITCHES_HZ))
def _periods(pitch_hz: int) -> tuple[bytes, tuple[bytes, ...]]:
    samples = PCM16.rate // pitch_hz
    wave = [math.sin(2 * math.pi * at / samples) + 0.3 * math.sin(6 * math.pi * at / samples) for at in range(samples)]
    steps = [
        array.array("h", [round(_AMPLITUDE * step / (_FADE_STEPS + 1) * value) for value in wave]).tobytes()
        for step in range(1, _FADE_STEPS + 2)
    ]
    return steps[-1], tuple(steps[:-1])

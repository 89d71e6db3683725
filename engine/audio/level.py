"""The level meter: how loud PCM is, and where in it there is something to hear.

A sample is audible if it reaches `AUDIBLE`, 45 dB below full scale. There are two questions:

- `first_audible` finds the first audible *sample*: the moment at which an item can be heard, in any format.
- `first_audible_ns`, `last_audible_ns` and `audible_span_ns` judge *windows* of 10 ms by their loudest sample, so that
  the zero crossings of a sound are part of it: where sound begins and ends for an ear. An utterance of the caller's is
  judged against a threshold of its own, 35 dB below its loudest sample, which suits loud and quiet files alike.
"""

from __future__ import annotations

import array
import math
from collections.abc import Iterator, Sequence
from typing import Final

from engine.audio.g711 import alaw_to_pcm, ulaw_to_pcm
from engine.audio.samples import FULL_SCALE, samples_of
from engine.wire.formats import PCM16, AudioFormat
from engine.wire.units import NS_PER_S

AUDIBLE: Final = round(FULL_SCALE * 10 ** (-45 / 20))
"""The smallest 16-bit sample that counts as audible: louder than the noise of a quiet line and softer than the softest
speech."""
SILENCE_DB: Final = -96.0
"""The level of silence: 16 bits reach no further down."""
WINDOW_MS = 10
_CALLER_DB_BELOW_PEAK = 35
_WINDOW = PCM16.rate * WINDOW_MS // 1000
_NS_PER_SAMPLE = NS_PER_S / PCM16.rate


def rms(pcm: bytes) -> float:
    """Return the root of the mean square of the samples; 0.0 for silence and for nothing."""
    return math.sqrt(_mean_square(samples_of(pcm)))


def level_db(pcm: bytes, *, every: int = 1, silence_db: float = SILENCE_DB) -> float:
    """Return the level in dB below full scale.

    Args:
        pcm: 16-bit PCM.
        every: take each so many samples only, which is quicker.
        silence_db: the lowest level that is told.
    """
    if pcm == bytes(len(pcm)):
        return silence_db
    mean_square = _mean_square(samples_of(pcm)[::every])
    return max(10 * math.log10(mean_square / FULL_SCALE**2), silence_db) if mean_square else silence_db


def is_audible(pcm: bytes, *, every: int = 1) -> bool:
    """Return whether any sample of 16-bit PCM is audible, of each so many samples."""
    return _peak(samples_of(pcm)[::every]) >= AUDIBLE


def first_audible(audio: bytes, audio_format: AudioFormat) -> int | None:
    """Return the place of the first audible sample, in bytes; None if there is none. `audio` is whole samples."""
    if audio_format.type == "audio/pcm":
        samples = samples_of(audio)
    else:
        samples = samples_of(ulaw_to_pcm(audio) if audio_format.type == "audio/pcmu" else alaw_to_pcm(audio))
    # Written out: this runs with every piece of audio until something is heard.
    if not samples or (max(samples) < AUDIBLE and min(samples) > -AUDIBLE):
        return None
    for place, sample in enumerate(samples):
        if sample >= AUDIBLE or sample <= -AUDIBLE:
            return place * audio_format.bytes_per_sample
    return None


def first_audible_ns(pcm: bytes) -> int | None:
    """Return the nanoseconds from the beginning of `pcm` to its first audible window; None if it is silence.

    `pcm` is mono 16-bit PCM at 24 kHz.
    """
    for at, peak in _peaks(samples_of(pcm)):
        if peak >= AUDIBLE:
            return round(at * _NS_PER_SAMPLE)
    return None


def last_audible_ns(pcm: bytes) -> int | None:
    """Return the nanoseconds from the beginning of `pcm` to the end of its last audible window; None if it is silence.

    Windows are counted from the end. `pcm` is mono 16-bit PCM at 24 kHz.
    """
    samples = samples_of(pcm)
    for end in range(len(samples), 0, -_WINDOW):
        if _peak(samples[max(0, end - _WINDOW) : end]) >= AUDIBLE:
            return round(end * _NS_PER_SAMPLE)
    return None


def audible_span_ns(pcm: bytes) -> tuple[int, int] | None:
    """Return the beginning of the first and the end of the last audible window of an utterance; None if it is silence.

    `pcm` is mono 16-bit PCM at 24 kHz.
    """
    samples = samples_of(pcm)
    peaks = list(_peaks(samples))
    loudest = max((peak for _, peak in peaks), default=0)
    threshold = max(loudest * 10 ** (-_CALLER_DB_BELOW_PEAK / 20), 1)
    heard = [at for at, peak in peaks if peak >= threshold]
    if not heard:
        return None
    return round(heard[0] * _NS_PER_SAMPLE), round(min(heard[-1] + _WINDOW, len(samples)) * _NS_PER_SAMPLE)


def _peaks(samples: array.array[int]) -> Iterator[tuple[int, int]]:
    """Yield the place of each window with its loudest sample."""
    for at in range(0, len(samples), _WINDOW):
        yield at, _peak(samples[at : at + _WINDOW])


def _peak(samples: Sequence[int]) -> int:
    return max(max(samples), -min(samples)) if samples else 0


def _mean_square(samples: Sequence[int]) -> float:
    return sum([sample * sample for sample in samples]) / len(samples) if samples else 0.0

"""Work cut into steps: the machine does one, and whoever drives it lets others run before the next.

A step has a stated size, whatever a client sends. What is shorter than a step is done at once, as one.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TypeAlias

from engine.wire.formats import PCM16, AudioFormat

SAMPLES = 24_000
"""Samples of a step over 24 kHz PCM, which is looked at in frames and copied."""
RESAMPLED_AT_ONCE = 4_800
"""Samples, at 24 kHz, that are decoded or encoded at another rate in one step, each with twenty multiplications: what a
caller sends or hears at once."""
RESAMPLED = 960
"""Samples of a step where there are more of them."""

Steps: TypeAlias = Generator[None, int, None]
"""Work that yields after each step but the last, and is sent the time (monotonic nanoseconds) for the next."""


def arriving(audio: bytes, audio_format: AudioFormat) -> Iterator[bytes]:
    """Cut audio that is to be decoded into steps."""
    if audio_format == PCM16:
        return _cut(audio, SAMPLES * PCM16.bytes_per_sample)
    return _resampled(audio, audio_format.bytes_per_second)


def leaving(pcm: bytes, audio_format: AudioFormat) -> Iterator[bytes]:
    """Cut mono 16-bit PCM at 24 kHz that is to be encoded into steps. PCM stays as it is: all of it is one step."""
    return iter((pcm,)) if audio_format == PCM16 else _resampled(pcm, PCM16.bytes_per_second)


def _resampled(audio: bytes, bytes_per_second: int) -> Iterator[bytes]:
    if len(audio) <= RESAMPLED_AT_ONCE * bytes_per_second // PCM16.rate:
        return iter((audio,))
    return _cut(audio, RESAMPLED * bytes_per_second // PCM16.rate)


def _cut(audio: bytes, size: int) -> Iterator[bytes]:
    yield audio[:size]
    for at in range(size, len(audio), size):
        yield audio[at : at + size]

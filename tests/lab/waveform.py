"""Turn gaps and yields read off a stereo recording: caller left, agent right. Shares nothing with the engine.

Someone with an editor for sound would do the same: look where each track is louder than a whisper, and measure from
one edge to the next.
"""

from __future__ import annotations

import sys
import wave
from array import array
from pathlib import Path
from typing import NamedTuple

AUDIBLE = 184
"""-45 dBFS of 16-bit samples."""
BREATH_S = 0.8
"""A shorter silence is a pause of the one who speaks, unless the other one speaks in it."""


class Stretch(NamedTuple):
    """Somebody speaks, in seconds."""

    start: float
    end: float


class Gap(NamedTuple):
    """From the end of the caller's words to the beginning of the agent's."""

    caller_end: float
    seconds: float


class Yield(NamedTuple):
    """From the beginning of the caller's words, over the agent's, to the agent's silence."""

    onset: float
    seconds: float


def read(path: Path) -> tuple[array[int], array[int], int]:
    """(caller, agent, samples per second) of a 16-bit stereo file."""
    with wave.open(str(path)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth()) == (2, 2)
        samples = array("h", sound.readframes(sound.getnframes()))
        if sys.byteorder == "big":
            samples.byteswap()
        return samples[::2], samples[1::2], sound.getframerate()


def loud(samples: array[int], rate: int) -> list[Stretch]:
    """Where the track is audible; silences shorter than a breath are part of it."""
    stretches: list[Stretch] = []
    window = rate // 100
    first = last = -1
    for at in range(0, len(samples), window):
        piece = samples[at : at + window]
        if max(piece) < AUDIBLE and min(piece) > -AUDIBLE:
            continue
        edges = [at + place for place, sample in enumerate(piece) if abs(sample) >= AUDIBLE]
        if first >= 0 and edges[0] - last > BREATH_S * rate:
            stretches.append(Stretch(first / rate, last / rate))
            first = -1
        first = edges[0] if first < 0 else first
        last = edges[-1]
    if first >= 0:
        stretches.append(Stretch(first / rate, last / rate))
    return stretches


def gaps(caller: list[Stretch], agent: list[Stretch]) -> list[Gap]:
    """For each stretch of the caller's that the agent answers before the caller speaks again."""
    found: list[Gap] = []
    for at, spoken in enumerate(caller):
        until = caller[at + 1].start if at + 1 < len(caller) else float("inf")
        starts = [answer.start for answer in agent if spoken.start < answer.start < until]
        if starts:
            found.append(Gap(spoken.end, starts[0] - spoken.end))
    return found


def yields(caller: list[Stretch], agent: list[Stretch]) -> list[Yield]:
    """For each stretch of the caller's that begins while the agent speaks, and ends that."""
    found: list[Yield] = []
    for spoken in caller:
        over = [said for said in agent if said.start < spoken.start < said.end]
        if over and over[0].end < spoken.end:
            found.append(Yield(spoken.start, over[0].end - spoken.start))
    return found

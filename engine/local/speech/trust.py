"""How far a sentence that was found can be believed, judged by how much better free phones explain the sound.

fit         how much worse the sentence's phones fit than free ones, in the worst half second: words that the caller
            did not say fit badly somewhere, even where most of a sentence fits well
coverage    the share of what sounds like phones that the sentence accounts for, instead of leaving it to silence
distance    how unlike the free phones are to those of the sentence
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.local.speech.phones import distance
from engine.local.speech.searches import Path

LEAST_TRUST = -3.3
"""Of 138 sentences said in three synthetic voices two fall below (one-word ones first). A sentence with a single wrong
word may lie above: that is for `word_fit`."""
_WINDOW = 45
"""Frames (of 10 ms) of the stretch that fits worst."""
_COVERAGE_WEIGHT, _DISTANCE_WEIGHT = 1.0, 6.0


def trust(sentence: Path, babble: Path, expected: Sequence[str]) -> float:
    """The more the better; `expected` are the phones of the sentence. Minus infinity if there was no speech."""
    fit = _fit(sentence, babble) + _COVERAGE_WEIGHT * _coverage(sentence, babble)
    return fit - _DISTANCE_WEIGHT * distance(babble.spoken, expected)


def _fit(sentence: Path, babble: Path) -> float:
    differences = [ours - theirs for ours, theirs in zip(sentence.scores, babble.scores, strict=False)]
    quiet = [ours and theirs for ours, theirs in zip(sentence.silent, babble.silent, strict=False)]
    spoken = [at for at, silent in enumerate(quiet) if not silent]
    if not spoken:
        return -math.inf
    part = differences[spoken[0] : spoken[-1] + 1]
    window = min(_WINDOW, len(part))
    total = worst = sum(part[:window])
    for at in range(window, len(part)):
        total += part[at] - part[at - window]
        worst = min(worst, total)
    return worst / window


def _coverage(sentence: Path, babble: Path) -> float:
    explained = [not ours for ours, theirs in zip(sentence.silent, babble.silent, strict=False) if not theirs]
    return sum(explained) / len(explained) if explained else 0.0

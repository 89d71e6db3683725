"""Speech by loudness: the classifier that needs nothing installed.

A frame is speech if it is louder than the background, which is the quietest of the last four seconds (speech
has gaps, a fan has none), and than a least level set by the client's threshold. It cannot tell a voice from
other loud sound; the speech extra's classifier can.
"""

from __future__ import annotations

from collections import deque

from engine.audio.level import SILENCE_DB, level_db

EVERY_NTH_SAMPLE = 4
"""Enough to know the level of a frame."""
_LEVEL_AT_HALF_DB = -42.0
_DB_PER_THRESHOLD = 30.0
_ABOVE_NOISE_DB = 9.0
_NOISE_WINDOW_FRAMES = 128


class LoudnessClassifier:
    """Speech is what is loud enough.

    Args:
        threshold: the client's `turn_detection.threshold`, 0 to 1: 0.5 asks for -42 dBFS, each tenth for 3 dB
        more.
    """

    def __init__(self, threshold: float = 0.5) -> None:
        self._least_db = _LEVEL_AT_HALF_DB + (threshold - 0.5) * _DB_PER_THRESHOLD
        self._levels: deque[float] = deque([SILENCE_DB], maxlen=_NOISE_WINDOW_FRAMES)

    def is_speech(self, frame: bytes) -> bool:
        """Whether this frame of mono 16-bit PCM is loud enough."""
        level = level_db(frame, every=EVERY_NTH_SAMPLE)
        self._levels.append(level)
        return level > self._least_db and level > min(self._levels) + _ABOVE_NOISE_DB

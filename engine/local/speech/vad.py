"""Speech or not, frame by frame: WebRTC's classifier, which knows voices from other loud sound."""

from __future__ import annotations

import array

from engine.audio.level import level_db
from engine.local.conversation.loudness import EVERY_NTH_SAMPLE
from engine.wire.formats import G711_ULAW

_RATE = G711_ULAW.rate
_BYTES = 2 * _RATE * 30 // 1000
"""It judges 30 ms at a time."""
_MOST_AGGRESSIVE = 3
"""Of its four modes the only one that is quiet in near-silence (measured on 40 utterances)."""
_LEAST_DB = -52.0
"""Below this nothing is speech at threshold 0.5; each tenth of the client's threshold moves it by 3 dB."""
_DB_PER_THRESHOLD = 30.0


class VoiceClassifier:
    """Judges frames of 32 ms of mono 16-bit PCM at 24 kHz.

    Args:
        threshold: the client's `turn_detection.threshold`, 0 to 1.
    """

    def __init__(self, threshold: float = 0.5) -> None:
        import webrtcvad

        self._classifier = webrtcvad.Vad(_MOST_AGGRESSIVE)
        self._least_db = _LEAST_DB + (threshold - 0.5) * _DB_PER_THRESHOLD

    def is_speech(self, frame: bytes) -> bool:
        """Whether somebody speaks in this frame."""
        if level_db(frame, every=EVERY_NTH_SAMPLE) < self._least_db:
            return False
        narrow = _third(frame)[:_BYTES]
        return len(narrow) == _BYTES and self._classifier.is_speech(narrow, _RATE)


def _third(frame: bytes) -> bytes:
    """Every three samples as their mean: 24 kHz to 8 kHz, good enough to tell a voice."""
    samples = array.array("h", frame)
    return array.array(
        "h", [(a + b + c) // 3 for a, b, c in zip(samples[0::3], samples[1::3], samples[2::3], strict=False)]
    ).tobytes()

"""Something to be said, looked at once: where it is audible, and in which pieces it may be sent.

In real time every piece is a frame of 20 ms. Where time is virtual, a longer piece costs no more than a short one, and
nothing is lost by it as long as it ends nowhere near a place where the server may decide something: the beginning
of speech, and silence that may turn out to be the end of it.
"""

from __future__ import annotations

import attrs

from engine.audio.level import audible_span_ns, is_audible
from engine.wire.formats import PCM16

FRAME_MS = 20
FRAME_BYTES = PCM16.bytes_of(FRAME_MS)
ONSET_FRAMES = 15
"""Voice detection decides that speech began within these 300 ms."""
PAUSE_FRAMES = 8
"""Silence shorter than these 160 ms ends no turn."""


@attrs.frozen
class Sound:
    """Mono 16-bit PCM at 24 kHz."""

    pcm: bytes = attrs.field(repr=False)
    span_ns: tuple[int, int] | None
    """Where its audible part begins and ends; None: it is silence."""
    careful: tuple[bool, ...] = attrs.field(repr=False)
    """Which frames have to be sent by themselves, because something may be decided near them."""

    @classmethod
    def of(cls, pcm: bytes, *, in_frames: bool = True) -> Sound:
        """`pcm`, to be sent in frames, or else in longer pieces where nothing depends on it."""
        frames = -(-len(pcm) // FRAME_BYTES)
        return cls(pcm, audible_span_ns(pcm), (True,) * frames if in_frames else tuple(_careful(pcm, frames)))

    @property
    def frames(self) -> int:
        """How many there are; the last one may be filled up with silence."""
        return len(self.careful)

    def plain_from(self, frame: int, most: int) -> int:
        """How many frames from this one on may be sent as one piece, at most so many."""
        count = 0
        while count < most and frame + count < len(self.careful) and not self.careful[frame + count]:
            count += 1
        return count


def _careful(pcm: bytes, frames: int) -> list[bool]:
    """Which frames are near a place where something may be decided."""
    quiet, since_onset = PAUSE_FRAMES, 0
    careful: list[bool] = []
    for frame in range(frames):
        if is_audible(pcm[frame * FRAME_BYTES : (frame + 1) * FRAME_BYTES], every=8):
            since_onset = 0 if quiet >= PAUSE_FRAMES else since_onset + 1
            quiet = 0
        else:
            quiet += 1
            since_onset += 1
        careful.append(since_onset < ONSET_FRAMES or quiet >= PAUSE_FRAMES)
    return careful

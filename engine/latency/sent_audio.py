"""When which part of the user's audio was written to the server."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import attrs

from engine.wire.formats import AudioFormat

REMEMBERED: Final = 1024
"""How many pieces: 20 s of the shortest that are usual (20 ms), longer than any server takes to speak of them."""


@attrs.frozen
class Piece:
    """One piece of audio on its way."""

    at_ns: int
    nbytes: int
    end: int
    """Its end in all audio sent, in bytes."""


class SentAudio:
    """Finds the piece that holds a position. Sending a piece costs an addition and a place in a ring."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self.audio_format = audio_format
        self._end = 0
        self._pieces: deque[tuple[int, int, int]] = deque(maxlen=REMEMBERED)
        self._first: tuple[int, int, int] | None = None

    def sent(self, nbytes: int, at_ns: int) -> None:
        """A piece was written."""
        self._end += nbytes
        piece = (at_ns, nbytes, self._end)
        self._pieces.append(piece)
        if self._first is None:
            self._first = piece

    def holding(self, ms: float) -> Piece | None:
        """The piece with the sample at this position: the newest one if that lies beyond everything sent. None if it is
        forgotten, or nothing was sent."""
        return self._newest(lambda start, place: start <= place, ms)

    def up_to(self, ms: float) -> Piece | None:
        """The piece with the last sample before this position, in the same manner."""
        return self._newest(lambda start, place: start < place or start == 0, ms)

    def _newest(self, begins: Callable[[int, int], bool], ms: float) -> Piece | None:
        place = round(ms * self.audio_format.bytes_per_second / 1000)
        for piece in reversed(self._pieces):
            if begins(piece[2] - piece[1], place):
                return Piece(*piece)
        return None

    def edges(self) -> tuple[Piece, Piece] | None:
        """The first and the last piece since the last time this was asked; None if nothing was sent since."""
        first, self._first = self._first, None
        return None if first is None else (Piece(*first), Piece(*self._pieces[-1]))

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
        self._stretches: list[tuple[int, float, int]] = [(0, 0, audio_format.bytes_per_second)]
        """Where audio of one format begins, in bytes and in milliseconds, and its bytes per second."""
        self._end = 0
        self._pieces: deque[tuple[int, int, int]] = deque(maxlen=REMEMBERED)
        self._first: tuple[int, int, int] | None = None

    def use_format(self, audio_format: AudioFormat) -> None:
        """Count what is sent from now on in another format."""
        if audio_format.bytes_per_second != self._stretches[-1][2]:
            self._stretches.append((self._end, self.ms_of(self._end), audio_format.bytes_per_second))

    def ms_of(self, place: int) -> float:
        """Return the milliseconds of all audio sent up to a place in it, in bytes."""
        start, start_ms, per_second = self._stretches[-1]
        if place < start:
            start, start_ms, per_second = next(each for each in reversed(self._stretches) if each[0] <= place)
        return start_ms + 1000 * (place - start) / per_second

    def _place_of(self, ms: float) -> int:
        of_ms = (each for each in reversed(self._stretches) if each[1] <= ms)
        start, start_ms, per_second = next(of_ms, self._stretches[0])
        return start + round((ms - start_ms) * per_second / 1000)

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
        place = self._place_of(ms)
        for piece in reversed(self._pieces):
            if begins(piece[2] - piece[1], place):
                return Piece(*piece)
        return None

    def edges(self) -> tuple[Piece, Piece] | None:
        """The first and the last piece since the last time this was asked; None if nothing was sent since."""
        first, self._first = self._first, None
        return None if first is None else (Piece(*first), Piece(*self._pieces[-1]))

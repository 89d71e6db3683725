"""What an ear hears of audio that is taken piece by piece and played in real time, one piece after another.

Written to be compared with the engine's playback ledger: it keeps every piece with the moment at which it starts, and
counts bytes, where the ledger keeps one number for the end of all sound. Exact: time is counted in nanoseconds times
bytes per second, so that nothing is ever rounded but the answer.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import attrs

K = TypeVar("K")
NS = 1_000_000_000


@attrs.define
class _Piece(Generic[K]):
    key: K
    starts: int
    nbytes: int


class Ear(Generic[K]):
    """Hears pieces of audio, each of which belongs to a key."""

    def __init__(self, bytes_per_second: int = 48_000) -> None:
        self._rate = bytes_per_second
        self._pieces: list[_Piece[K]] = []
        self._free = 0

    def take(self, key: K, nbytes: int, at_ns: int) -> None:
        """A piece is given to the player, which starts it as soon as it has played all others."""
        starts = max(self._free, at_ns * self._rate)
        self._pieces.append(_Piece(key, starts, nbytes))
        self._free = starts + nbytes * NS

    def heard_bytes(self, key: K, now_ns: int) -> int:
        """How many whole bytes of a key have been heard."""
        return sum(self._played(piece, now_ns) for piece in self._pieces if piece.key == key)

    def heard_ms(self, key: K, now_ns: int) -> int:
        """How many whole milliseconds of a key have been heard."""
        return self.heard_bytes(key, now_ns) * 1000 // self._rate

    def cut(self, at_ns: int) -> None:
        """The player was flushed at that moment."""
        for piece in self._pieces:
            piece.nbytes = self._played(piece, at_ns)
        self._free = min(self._free, at_ns * self._rate)

    def _played(self, piece: _Piece[K], now_ns: int) -> int:
        return min(piece.nbytes, max(0, now_ns * self._rate - piece.starts) // NS)

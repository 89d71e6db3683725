"""Frames counted as they arrive, so that a read full of tiny ones is taken apart in several steps."""

from __future__ import annotations

_FINAL, _OPCODE, _BINARY = 0x80, 0x0F, 0x02
_MASKED, _LENGTH = 0x80, 0x7F
_EXTENDED = {126: 2, 127: 8}
_LONGEST_HEAD = 14


class FrameMeter:
    """Follows the frames of a WebSocket through the pieces in which they arrive."""

    def __init__(self) -> None:
        self._head = b""
        """The beginning of a frame whose head is not complete."""
        self._owed = 0
        """Bytes of the last frame that have not come yet."""
        self.fragments = 0
        """Frames of the message that is not complete."""

    def cut(self, data: bytes, most: int) -> int:
        """Return how many bytes of `data` belong to the next `most` frames; the next call is given the rest."""
        at, frames, size = 0, 0, len(data)
        while at < size:
            if self._owed:
                step = min(self._owed, size - at)
                self._owed -= step
                at += step
                continue
            if frames == most:
                break
            known = len(self._head)
            head = self._head + data[at : at + _LONGEST_HEAD - known]
            length = _head_length(head)
            if length is None or len(head) < length:
                self._head = head
                return size
            at += length - known
            frames += 1
            self._head = b""
            self._owed = _payload_length(head)
            if head[0] & _OPCODE <= _BINARY:
                self.fragments = 0 if head[0] & _FINAL else self.fragments + 1
        return at


def _head_length(head: bytes) -> int | None:
    """Return the length of a frame's head; None if it cannot be known yet."""
    if len(head) < 2:
        return None
    return 2 + _EXTENDED.get(head[1] & _LENGTH, 0) + (4 if head[1] & _MASKED else 0)


def _payload_length(head: bytes) -> int:
    short = head[1] & _LENGTH
    extended = _EXTENDED.get(short)
    return short if extended is None else int.from_bytes(head[2 : 2 + extended], "big")

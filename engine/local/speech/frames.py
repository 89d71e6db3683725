"""What goes between a session and a speech process: a JSON head and a body of audio, each with its length.

==========  =========================================  ==============================================
to          head                                       body
==========  =========================================  ==============================================
hear        {"templates": [...], "slots": {...}}       (first)
            {}                                         mono 16-bit PCM at 24 kHz
speak       {}                                         (first)
            {"text": ..., "voice": ..., "speed": x}
==========  =========================================  ==============================================

Each is answered, in order: the first with {}, hearing with {"text": ... or null}, speaking with {} and mono 16-bit PCM
at 24 kHz; or with {"error": ...}, and "settings": true where the grammar is at fault.
"""

from __future__ import annotations

import struct
from typing import Any

import orjson

_LENGTHS = struct.Struct("<II")
Head = dict[str, Any]


def pack(head: Head, body: bytes = b"") -> bytes:
    """One frame."""
    encoded = orjson.dumps(head)
    return _LENGTHS.pack(len(encoded), len(body)) + encoded + body


class Unpacker:
    """Frames out of a stream of bytes."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[Head, bytes]]:
        """Every frame that is complete with this data."""
        self._buffer += data
        frames = []
        while len(self._buffer) >= _LENGTHS.size:
            head, body = _LENGTHS.unpack_from(self._buffer)
            end = _LENGTHS.size + head + body
            if len(self._buffer) < end:
                break
            start = _LENGTHS.size + head
            frames.append((orjson.loads(self._buffer[_LENGTHS.size : start]), bytes(self._buffer[start:end])))
            del self._buffer[:end]
        return frames

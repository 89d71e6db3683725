"""What goes between the session's process and the speech child: a JSON head and a body of audio, each with its length.

request   {"id": n, "do": "hear"}                                          body: mono 16-bit PCM at 24 kHz
          {"id": n, "do": "speak", "text": ..., "voice": ..., "speed": x}
reply     {"id": n, "text": ... | null}   or  {"id": n}                    body: mono 16-bit PCM at 24 kHz
          {"ready": true}  or  {"error": "..."}                            once, at the start
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

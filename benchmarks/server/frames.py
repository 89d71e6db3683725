"""WebSocket frames as bytes: what the server sends is built ahead, what clients send is cut and unmasked.

Only what RFC 6455 asks of a server that never compresses: clients that offer permessage-deflate are not granted it,
as the measured difference should be the client and not zlib.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterator
from typing import Final

from websockets.speedups import apply_mask

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_LONG: Final = struct.Struct("!BBH")
_HUGE: Final = struct.Struct("!BBQ")

TEXT: Final = 0x1
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA


def head(length: int, opcode: int = TEXT) -> bytes:
    """The header of one unmasked, unfragmented frame."""
    if length < 126:
        return bytes((0x80 | opcode, length))
    if length < 65536:
        return _LONG.pack(0x80 | opcode, 126, length)
    return _HUGE.pack(0x80 | opcode, 127, length)


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    return head(len(payload), opcode) + payload


def payloads(data: bytes) -> Iterator[bytes]:
    """The messages in some unmasked frames, as a client would see them."""
    at = 0
    while at < len(data):
        length, at = data[at + 1], at + 2
        if length == 126:
            length, at = int.from_bytes(data[at : at + 2], "big"), at + 2
        elif length == 127:
            length, at = int.from_bytes(data[at : at + 8], "big"), at + 8
        yield data[at : at + length]
        at += length


def accept(request: bytes) -> tuple[bytes, str]:
    """The answer to an upgrade request (complete, with its blank line), and the path that it asked for.

    Raises ValueError for anything that is not an upgrade.
    """
    lines = request.split(b"\r\n")
    path = lines[0].split(b" ")[1].decode("ascii")
    fields = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines[1:] if line)
    }
    key = fields.get(b"sec-websocket-key")
    if key is None:
        raise ValueError("not a WebSocket upgrade")
    token = base64.b64encode(hashlib.sha1(key + _GUID).digest())
    answer = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + token + b"\r\n"
    )
    if b"realtime" in fields.get(b"sec-websocket-protocol", b""):
        answer += b"Sec-WebSocket-Protocol: realtime\r\n"
    return answer + b"\r\n", path


def cut(buffer: bytearray) -> Iterator[tuple[int, bytes]]:
    """Take every complete client frame off the front of `buffer`: (opcode, payload), fragments joined."""
    start = 0
    parts: list[bytes] = []
    kept = 0
    first_opcode = TEXT
    available = len(buffer)
    while available - start >= 6:
        opcode, length = buffer[start] & 0x0F, buffer[start + 1] & 0x7F
        body = start + 2
        if length == 126:
            length = int.from_bytes(buffer[body : body + 2], "big")
            body += 2
        elif length == 127:
            if available < body + 8:
                break
            length = int.from_bytes(buffer[body : body + 8], "big")
            body += 8
        end = body + 4 + length
        if end > available:
            break
        payload = apply_mask(bytes(buffer[body + 4 : end]), bytes(buffer[body : body + 4]))
        final = buffer[start] & 0x80
        start = end
        if opcode >= CLOSE:
            yield opcode, payload
            if not parts:
                kept = start
            continue
        if opcode:
            first_opcode = opcode
        parts.append(payload)
        if final:
            yield first_opcode, parts[0] if len(parts) == 1 else b"".join(parts)
            parts = []
            kept = start
    del buffer[:kept]

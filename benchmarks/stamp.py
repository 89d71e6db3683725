"""What the load server hides in the first samples of every audio delta, so that the client can read its send time.

18 bytes: a magic number, flags, the delta's number within its session, CLOCK_MONOTONIC in nanoseconds at the moment
of the write, and the turn. 18 bytes are exactly 24 base64 characters, so the rest of a delta is encoded once, ahead
of the run. Standard library only: client processes of every environment import this file.
"""

from __future__ import annotations

import binascii
import struct
from typing import Final, NamedTuple

LAYOUT: Final = struct.Struct("<HHIQH")
SIZE: Final = LAYOUT.size
MAGIC: Final = 0x7AB5
MAGIC_BYTES: Final = struct.pack("<H", MAGIC)

START: Final = 1
"""The measured part begins when the application gets this delta."""
END: Final = 2
"""The measured part of this session ends when the application gets this delta."""
ACKNOWLEDGE: Final = 4
"""The application answers with a little silence on the microphone: it has taken everything up to here."""


class Stamp(NamedTuple):
    flags: int
    number: int
    sent_ns: int
    turn: int


def encode(number: int, sent_ns: int, turn: int, flags: int = 0) -> bytes:
    """The stamp as the first 24 characters of a delta's base64."""
    packed = LAYOUT.pack(MAGIC, flags, number & 0xFFFFFFFF, sent_ns, turn & 0xFFFF)
    return binascii.b2a_base64(packed, newline=False)


def read(pcm: bytes | bytearray | memoryview) -> Stamp | None:
    """The stamp at the start of some audio, or None where there is none."""
    if len(pcm) < SIZE:
        return None
    magic, flags, number, sent_ns, turn = LAYOUT.unpack_from(pcm)
    return Stamp(flags, number, sent_ns, turn) if magic == MAGIC else None

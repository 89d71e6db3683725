"""Framing: the peer's bytes to messages, and messages to frames.

A conversation consists of whole text frames. These are read and written here, by hand, in half the time and less. Every
other byte goes to the sans-IO core of `websockets`, which knows control frames, fragments, compression, how a
connection ends, and what a peer must not do.
"""

from __future__ import annotations

import os
from struct import Struct

from websockets.client import ClientProtocol
from websockets.frames import CloseCode, Frame
from websockets.protocol import State

from engine.transport.assembly import Assembly

try:
    from websockets.speedups import apply_mask
except ImportError:  # where that package came without its compiled part
    from websockets.utils import apply_mask

_OPEN = State.OPEN
"""Looked up once: that costs as much as the rest of a step."""

_WHOLE_TEXT = 0x81
_MASKED = 0x80
_TWO_BYTES, _EIGHT_BYTES = 126, 127
"""What the second byte of a frame says instead of a length when the length follows, in so many bytes."""

_SHORT, _MEDIUM, _LONG = Struct("!BB"), Struct("!BBH"), Struct("!BBQ")

LONGEST_BY_HAND = 2**16 - 1
"""Bytes. What is held of a frame until the rest is there is copied, so that it must not be much."""


class Inbound:
    """Finds the messages in what arrives, however the network has cut it.

    It takes over from the core where the handshake ends, and hands it whatever it does not read itself: frame by
    frame, each from its first byte on, so that the core stands at the beginning of a frame whenever this does.
    """

    def __init__(self, core: ClientProtocol) -> None:
        self._core = core
        self._longest = min(LONGEST_BY_HAND, core.max_message_size or LONGEST_BY_HAND)
        self._assembly = Assembly()
        self._held = b""
        """The beginning of a frame that is not complete."""
        self.asked_core = False
        """The last `take` has handed the core something: it may want to answer, or have come to an end."""
        self._owed = 0
        """How many of the next bytes belong to a frame whose beginning the core has."""

    def take(self, data: bytes) -> list[str | bytes]:
        """The messages that `data` completes. What the core wants to say, and whether it is still open, may change."""
        arrived: list[str | bytes] = []
        at = 0
        self.asked_core = False
        if self._held:
            data, self._held = self._held + data, b""
        if self._core.state is not _OPEN:
            self._leave(data, arrived)
            return arrived
        if self._owed:
            at = self._pass_on(data, 0, self._owed, arrived)
            if self._core.state is not _OPEN:
                self._held = data[at:]
                return arrived
        end = len(data)
        while at + 2 <= end:
            length = data[at + 1]
            body = at + 2
            if length == _TWO_BYTES:
                body += 2
                if body > end:
                    break
                length = data[at + 2] << 8 | data[at + 3]
            elif length == _EIGHT_BYTES:
                body += 8
                length = int.from_bytes(data[at + 2 : body], "big")
            elif length & _MASKED:
                # Only a client may do that, and the core will say so.
                self._leave(data[at:], arrived)
                return arrived
            if body > end:
                break
            stop = body + length
            if data[at] != _WHOLE_TEXT or length > self._longest or self._assembly.open:
                at = self._pass_on(data, at, stop - at, arrived)
                if self._core.state is not _OPEN:
                    break
                continue
            if stop > end:
                break
            try:
                arrived.append(data[body:stop].decode())
            except UnicodeDecodeError as error:
                self._fail(error)
                at = stop
                break
            at = stop
        self._held = data[at:]
        return arrived

    def _fail(self, error: UnicodeDecodeError) -> None:
        self.asked_core = True
        self._core.fail(CloseCode.INVALID_DATA, f"a text message is not UTF-8 ({error.reason})")

    def _pass_on(self, data: bytes, at: int, length: int, arrived: list[str | bytes]) -> int:
        """Hand the core what is there of a frame. Returns where that ends."""
        stop = min(at + length, len(data))
        self._owed = at + length - stop
        self._leave(data[at:stop], arrived)
        return stop

    def _leave(self, data: bytes, arrived: list[str | bytes]) -> None:
        """Hand the core `data`, whatever it is."""
        self.asked_core = True
        self._core.receive_data(data)
        try:
            for event in self._core.events_received():
                if isinstance(event, Frame) and (message := self._assembly.add(event)) is not None:
                    arrived.append(message)
        except UnicodeDecodeError as error:
            self._fail(error)


def text_frame(message: bytes) -> bytes:
    """`message`, text in UTF-8, as one frame from a client: final, uncompressed, masked."""
    length = len(message)
    if length < _TWO_BYTES:
        head = _SHORT.pack(_WHOLE_TEXT, _MASKED | length)
    elif length <= LONGEST_BY_HAND:
        head = _MEDIUM.pack(_WHOLE_TEXT, _MASKED | _TWO_BYTES, length)
    else:
        head = _LONG.pack(_WHOLE_TEXT, _MASKED | _EIGHT_BYTES, length)
    key = os.urandom(4)
    return b"".join((head, key, apply_mask(message, key)))

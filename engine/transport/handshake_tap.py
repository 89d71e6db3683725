"""HandshakeTap: a stream that listens in while trio-websocket opens a connection over it, and tells what it hides.

The package waits for the end of a refusal's body, which a server without a `Content-Length` does not tell; and it tells
what the server broke as if the server had said goodbye. A real goodbye it answers.
"""

from __future__ import annotations

import math
import re
from typing import Final

import trio

_BODY_PAUSES: Final = 0.5
"""Seconds without a byte after which the body of a refusal is taken to be over, if nothing else says where it ends."""

_END_OF_HEAD: Final = b"\r\n\r\n"
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})\b")
_ACCEPTED: Final = 101
_MOST_HEARD: Final = 64 * 1024

_CLOSE_FRAME: Final = b"\x88"


class NoHandshake(Exception):
    """The server answered the handshake with something else, or not at all. `status` is None if it was not HTTP."""

    def __init__(self, status: int | None, body: bytes) -> None:
        super().__init__()
        self.status = status
        self.body = body


class HandshakeTap(trio.abc.Stream):
    """Passes everything on; raises `NoHandshake` where the package would wait for nothing."""

    def __init__(self, inner: trio.SocketStream | trio.SSLStream[trio.SocketStream]) -> None:
        self._inner = inner
        self._heard = b""
        self._open = False
        self.said_goodbye = False
        """Whether this side has sent a close frame, of its own or in answer to the server's."""

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """See `trio.abc.ReceiveStream`. Raises NoHandshake."""
        if self._open:
            return bytes(await self._inner.receive_some(max_bytes))
        refused = _END_OF_HEAD in self._heard
        data = b""
        with trio.move_on_after(_BODY_PAUSES if refused else math.inf):
            data = bytes(await self._inner.receive_some(max_bytes))
        self._heard += data[: _MOST_HEARD - len(self._heard)]
        status = self._status()
        if not data:
            raise NoHandshake(status, self._heard.partition(_END_OF_HEAD)[2])
        self._open = status == _ACCEPTED and _END_OF_HEAD in self._heard
        return data

    def _status(self) -> int | None:
        match = _STATUS.match(self._heard)
        return None if match is None else int(match[1])

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """See `trio.abc.SendStream`."""
        self.said_goodbye = self.said_goodbye or data[:1] == _CLOSE_FRAME
        await self._inner.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """See `trio.abc.SendStream`."""
        await self._inner.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """See `trio.abc.AsyncResource`."""
        await self._inner.aclose()

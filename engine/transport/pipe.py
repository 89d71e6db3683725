"""Pipe: a connected socket that never makes anybody wait, and the bytes that it has not taken yet.

Bytes are put into one buffer in the order in which they were made, and drained from it in that order by plain
function calls. Nothing can come between the halves of a frame, so there is nothing to lock: a pong made while a sender
waits for the socket goes behind the sender's bytes and leaves with them, and a sender cancelled half-way leaves a
buffer which the next write goes on with. Waiting for the socket is a separate step, and holds nothing.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Awaitable
from contextlib import suppress

import trio

from engine.transport.tls import Tls

READ_SIZE = 2**16
"""Bytes asked for in one read; four audio deltas of the usual size."""


class Pipe:
    """Owns the file descriptor from construction to `close`.

    Every method raises `OSError` if the connection is broken (of which `ssl.SSLError` is one). `readable` and
    `flushed` raise `trio.ClosedResourceError` if `wake` or `close` was called meanwhile.
    """

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        self._socket = connected
        self._tls: Tls | None = None
        self._unsent = bytearray()

    async def secure(self, context: ssl.SSLContext, host: str) -> None:
        """Speak TLS from here on.

        Raises:
            ssl.SSLError: the peer cannot be trusted, or does not speak TLS.
        """
        tls = Tls(context, host)
        while not tls.shake_hands():
            self._take(tls.outgoing())
            await self.flushed()
            await trio.lowlevel.wait_readable(self._socket.fileno())
            tls.feed(self._receive() or b"")
        self._take(tls.outgoing())
        self._tls = tls

    @property
    def closed(self) -> bool:
        """`close` was called."""
        return self._socket.fileno() < 0

    @property
    def unsent(self) -> bool:
        """Bytes are waiting for the socket to take them."""
        return bool(self._unsent)

    def read(self) -> bytes | None:
        """What has arrived: None if that is nothing, empty if nothing will come any more."""
        if self._tls is None:
            return self._receive()
        if self._tls.ended:
            return b""
        ciphertext = self._receive()
        if ciphertext is None:
            return None
        self._tls.feed(ciphertext)
        plaintext = self._tls.decrypt()
        # A socket that takes no more may still have a goodbye to give: reading goes on, and says how it ended.
        with suppress(OSError):
            self._take(self._tls.outgoing())
        return plaintext or (b"" if self._tls.ended else None)

    def has_unread(self) -> bool:
        """`read` would have something to say."""
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            return True
        return True

    def write(self, data: bytes) -> None:
        """Put `data` behind what is unsent, and give the socket as much as it takes now."""
        if self._tls is None:
            self._take(data)
        elif data:
            self._tls.encrypt(data)
            self._take(self._tls.outgoing())

    def push(self) -> None:
        """Give the socket as much of what is unsent as it takes now."""
        if self._unsent:
            del self._unsent[: self._send(self._unsent)]

    def say_goodbye(self) -> None:
        """End the TLS session, if there is one."""
        if self._tls is not None:
            self._tls.say_goodbye()
            self._take(self._tls.outgoing())

    def readable(self) -> Awaitable[None]:
        """Wait until `read` has something to say. (What it waits for is handed on: a coroutine around it would cost a
        tenth of the wait.)"""
        if self._tls is not None and self._tls.ended:
            return trio.lowlevel.checkpoint()  # noqa: ASYNC105 - the caller awaits it
        return trio.lowlevel.wait_readable(self._socket.fileno())  # noqa: ASYNC105

    async def flushed(self) -> None:
        """Wait until the socket has taken everything. Cancelling it loses nothing."""
        while self._unsent:
            await trio.lowlevel.wait_writable(self._socket.fileno())
            self.push()

    def wake(self) -> None:
        """Wake whoever waits in `readable` or `flushed` with `trio.ClosedResourceError`."""
        if not self.closed:
            trio.lowlevel.notify_closing(self._socket.fileno())

    def close(self) -> None:
        """Release the file descriptor. Idempotent."""
        self.wake()
        self._socket.close()
        self._unsent.clear()

    def _receive(self) -> bytes | None:
        try:
            return self._socket.recv(READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return None

    def _take(self, data: bytes) -> None:
        if self._unsent:
            self._unsent += data
            self.push()
        elif data:
            taken = self._send(data)
            if taken < len(data):
                self._unsent += memoryview(data)[taken:]

    def _send(self, data: bytes | bytearray) -> int:
        try:
            return self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            return 0

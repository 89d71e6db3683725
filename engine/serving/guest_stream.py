"""The bytes of one connection, which know how far it has come: what may still be said to its client, and how."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

import trio

from engine.serving.boundary import INTERNAL_ERROR, LAST_WORD
from engine.serving.frames import FrameMeter
from engine.serving.limits import FRAMES_AT_ONCE, MOST_FRAGMENTS

LINGER_SECONDS = 1.0
"""How long a client that is turned away may take to read why: closed at once, a socket drops what it has sent."""
TOO_BIG = 1009
_LINGER_READS = 64
_READ = 2**16
_HEAD_ENDS = b"\r\n\r\n"
_UPGRADED = b"HTTP/1.1 101"


def http_answer(status: HTTPStatus, text: str) -> bytes:
    """Return a whole answer to an HTTP request that ends its connection."""
    body = text.encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def close_frame(code: int, reason: str) -> bytes:
    """Return a server's close frame. `reason` is ASCII, and at most 123 characters."""
    payload = code.to_bytes(2, "big") + reason.encode("ascii")
    return bytes((0x88, len(payload))) + payload


class GuestStream(trio.abc.Stream):
    """A stream under a WebSocket on the server's side.

    It hands out what arrived a few frames at a time, and nothing that comes behind the request before that was
    answered. One task reads it.
    """

    def __init__(self, stream: trio.abc.HalfCloseableStream) -> None:
        self._stream = stream
        self._meter = FrameMeter()
        self._arrived = b""
        self._head: bytes | None = b""
        """What has come of the request; None: all of it."""
        self._moved = trio.Event()
        """The request was answered, or the stream is closed."""
        self.answered = False
        """Something was said to the client."""
        self.upgraded = False
        """What is said to it are frames."""
        self.asked = False
        """The request was read and understood."""
        self.on_end: Callable[[], None] = _nothing
        """Called when this stream is closed, or the client leaves before its request is complete."""

    # ------------------------------------------------------------------------------------------ a stream
    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what arrived next. See `trio.abc.ReceiveStream`."""
        if self._head is None and not self._moved.is_set():
            await self._moved.wait()
        if self._arrived and self._moved.is_set():
            await trio.lowlevel.checkpoint()
        else:
            self._arrived += await self._stream.receive_some(max_bytes)
        if self._head is not None:
            return self._of_request()
        count = self._meter.cut(self._arrived, FRAMES_AT_ONCE)
        data, self._arrived = self._arrived[:count], self._arrived[count:]
        if self._meter.fragments > MOST_FRAGMENTS:
            await self._leave(close_frame(TOO_BIG, f"a message has at most {MOST_FRAGMENTS} fragments"))
            return b""
        return data

    def _of_request(self) -> bytes:
        data, self._arrived = self._arrived, b""
        if not data:
            self.on_end()
            return data
        before = len(self._head or b"")
        head = (self._head or b"") + data
        end = head.find(_HEAD_ENDS, max(before - len(_HEAD_ENDS) + 1, 0))
        if end < 0:
            self._head = head[-len(_HEAD_ENDS) + 1 :]
            return data
        end += len(_HEAD_ENDS) - before
        self._head = None
        self._arrived = data[end:]
        return data[:end]

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send. See `trio.abc.SendStream`."""
        if not self.answered and data:
            self.answered = True
            self.upgraded = bytes(data[: len(_UPGRADED)]) == _UPGRADED
            if self.upgraded:
                self._moved.set()
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """See `trio.abc.SendStream`."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close. See `trio.abc.AsyncResource`."""
        self._moved.set()
        self.on_end()
        await self._stream.aclose()

    # ------------------------------------------------------------------------------------------ last words
    async def turn_away(self, status: HTTPStatus, text: str) -> None:
        """Answer a request that may not have been read, and let its client read the answer. Never raises for it."""
        if not self.answered:
            self.answered = True
            await self._leave(http_answer(status, text))

    async def tell_fault(self) -> None:
        """Tell the client that its conversation ended by a fault of this side, as far as there is a way to say it."""
        if self.upgraded:
            await self._leave(close_frame(INTERNAL_ERROR, LAST_WORD))
        elif self.asked:
            await self.turn_away(HTTPStatus.INTERNAL_SERVER_ERROR, "The server failed over this request.")
        else:
            await self.turn_away(HTTPStatus.BAD_REQUEST, "This is no request that the server understands.")

    async def see_off(self) -> None:
        """Let a client that was turned away read why."""
        await self._leave(b"")

    async def _leave(self, words: bytes) -> None:
        with trio.move_on_after(LINGER_SECONDS):
            try:
                await self._stream.send_all(words)
                await self._stream.send_eof()
                for _ in range(_LINGER_READS):
                    if not await self._stream.receive_some(_READ):
                        break
            except (trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError):
                return


def _nothing() -> None:
    """Do nothing."""

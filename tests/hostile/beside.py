"""A server on a port with a well-behaved caller at it, who holds a turn after whatever a hostile client has done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import attrs
import trio

from engine.local.server import serve
from engine.local.settings.latencies import Latencies
from engine.local.settings.options import LocalOptions
from engine.serving.limits import ServingLimits
from engine.transport.sansio import connect_sansio
from tests.local.caller import Caller
from tests.local.driver import user_text

PATIENCE = 30
QUICK = LocalOptions(latencies=Latencies.none())
UPGRADE = (
    b"Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
REQUEST = b"GET /v1/realtime HTTP/1.1\r\n" + UPGRADE + b"\r\n"


@attrs.define
class Beside:
    """The server, and its caller."""

    port: int
    caller: Caller

    async def attack(self, *parts: bytes, seconds: float = 0.02) -> bytes:
        """Send bytes over a connection of their own, and hang up. Returns what the server said."""
        said = b""
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        async with stream:
            with suppress(trio.BrokenResourceError):
                for part in parts:
                    await stream.send_all(part)
                with trio.move_on_after(seconds):
                    while received := await stream.receive_some(2**16):
                        said += received
        return said

    async def notices_nothing(self) -> None:
        """The caller holds a turn, on the connection that it had all the time."""
        await self.caller.send(user_text("hello"), {"type": "response.create"})
        done = (await self.caller.until("response.done"))[-1]
        assert done["response"]["status"] == "completed"


@asynccontextmanager
async def beside() -> AsyncIterator[Beside]:
    """Serve, with a caller. Whatever ends the server fails the test."""
    async with trio.open_nursery() as nursery:
        served = await nursery.start(partial(serve, options=QUICK, limits=ServingLimits(handshake_seconds=2)))
        async with connect_sansio(served.url, {}) as transport:
            caller = Caller(transport)
            await caller.until("session.created")
            yield Beside(served.port, caller)
        nursery.cancel_scope.cancel()


def frame(payload: bytes, *, first: int = 0x81, mask: bytes = bytes(4)) -> bytes:
    """A client's frame with a mask of zeros, which leaves its payload as it is."""
    length = len(payload)
    if length < 126:
        head = bytes((first, 0x80 | length))
    elif length < 2**16:
        head = bytes((first, 0xFE)) + length.to_bytes(2, "big")
    else:
        head = bytes((first, 0xFF)) + length.to_bytes(8, "big")
    return head + mask + payload

"""The server of a WebSocket under test: it speaks the protocol by hand, so that it can also break it."""

from __future__ import annotations

import socket
import ssl
import struct

import trio
import trustme
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import Protocol
from websockets.server import ServerProtocol

AUTHORITY = trustme.CA()
"""Vouches for this machine, for as long as this test run lasts."""


def trusting_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


def serving_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


class Peer:
    """One connection, seen from the server. It does nothing by itself: not even answer a ping."""

    def __init__(self, stream: trio.SocketStream | trio.SSLStream[trio.SocketStream], protocol: Protocol) -> None:
        self.stream = stream
        self.protocol = protocol
        self._frames: list[Frame] = []

    async def accept(self) -> Request:
        """Read the handshake and answer it with 101."""
        request = await self.request()
        assert isinstance(self.protocol, ServerProtocol)
        self.protocol.send_response(self.protocol.accept(request))
        await self.flush()
        return request

    async def request(self) -> Request:
        """Read the handshake."""
        while True:
            self.protocol.receive_data(await self.stream.receive_some())
            for event in self.protocol.events_received():
                assert isinstance(event, Request)
                return event

    async def connect(self) -> None:
        """Open the handshake, as a client."""
        assert isinstance(self.protocol, ClientProtocol)
        self.protocol.send_request(self.protocol.connect())
        await self.flush()
        while True:
            self.protocol.receive_data(await self.stream.receive_some())
            for event in self.protocol.events_received():
                assert isinstance(event, Response)
                assert event.status_code == 101
                return

    async def say(self, *texts: str) -> None:
        """Send text messages, as one write."""
        for text in texts:
            self.protocol.send_text(text.encode())
        await self.flush()

    async def write(self, raw: bytes) -> None:
        """Send bytes that need not be frames."""
        await self.stream.send_all(raw)

    async def flush(self) -> None:
        await self.stream.send_all(b"".join(self.protocol.data_to_send()))

    async def frame(self) -> Frame:
        """The next frame; unlike a real peer's, the replies of the protocol core are not sent by it."""
        while not self._frames:
            data = await self.stream.receive_some()
            if data:
                self.protocol.receive_data(data)
            else:
                self.protocol.receive_eof()
                if self.protocol.parser_exc is not None:
                    raise self.protocol.parser_exc
                raise EOFError
            self._frames += [event for event in self.protocol.events_received() if isinstance(event, Frame)]
        return self._frames.pop(0)

    async def hear(self) -> str:
        """The next text message."""
        frame = await self.frame()
        assert (frame.opcode, frame.fin) == (Opcode.TEXT, True)
        return bytes(frame.data).decode()

    async def hear_goodbye(self) -> tuple[int, str]:
        """Read until the other side's close frame, and answer it if it was the first."""
        while self.protocol.close_rcvd is None:
            await self.frame()
        await self.flush()
        return self.protocol.close_rcvd.code, self.protocol.close_rcvd.reason

    async def say_goodbye(self, code: int = 1000, reason: str = "") -> None:
        """Send a close frame, and do not wait for the answer."""
        self.protocol.send_close(code, reason)
        await self.flush()

    def vanish(self) -> None:
        """Close with a reset, as a process that died does."""
        stream = self.stream.transport_stream if isinstance(self.stream, trio.SSLStream) else self.stream
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.socket.close()

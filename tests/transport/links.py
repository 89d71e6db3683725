"""Every kind of transport, each joined to a peer that tests can play."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, Protocol

import attrs
import trio
import trio.testing
from trio_websocket import WebSocketRequest, serve_websocket
from websockets.client import ClientProtocol
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from engine.errors import TransportClosed, TransportLost
from engine.transport.interface import Transport
from engine.transport.memory import MemoryTransport, memory_pair
from engine.transport.sansio import connect_sansio
from engine.transport.trio_websocket import ANY_SIZE, READ_SIZE, connect_trio_websocket, serve_transport
from tests.transport.peer import Peer, serving_context, trusting_context


class Server(Protocol):
    """What a test may do at the other side."""

    async def say(self, *texts: str) -> None: ...
    async def hear(self) -> str: ...
    async def hear_goodbye(self) -> tuple[int, str]: ...
    async def say_goodbye(self, code: int = 1000, reason: str = "") -> None: ...
    def vanish(self) -> None: ...


@attrs.frozen
class MemoryServer:
    end: MemoryTransport
    unread: list[str] = attrs.field(factory=list)

    async def say(self, *texts: str) -> None:
        await self.end.send([text.encode() for text in texts])

    async def hear(self) -> str:
        while not self.unread:
            self.unread.extend(str(message) for message in await self.end.receive())
        return self.unread.pop(0)

    async def hear_goodbye(self) -> tuple[int, str]:
        try:
            while True:
                await self.hear()
        except TransportClosed as closed:
            return closed.code or 0, closed.reason

    async def say_goodbye(self, code: int = 1000, reason: str = "") -> None:
        await self.end.aclose(code, reason)

    def vanish(self) -> None:
        self.end.vanish()


Connect = Callable[..., AbstractAsyncContextManager[Transport]]
Kind = str

CLIENTS: dict[str, Connect] = {"sansio": connect_sansio, "trio-websocket": connect_trio_websocket}
OVER_TCP = ["sansio", "sansio-tls", "trio-websocket", "trio-websocket-tls"]
ALL = [*OVER_TCP, "served", "memory"]


@asynccontextmanager
async def listening(serve: Callable[[trio.SocketStream], Awaitable[None]]) -> AsyncIterator[int]:
    """Run `serve` for each connection to the port that is yielded; it ends with the context.

    Its sockets hold little, so that a peer that does not read is noticed within a few megabytes.
    """

    async def serve_and_close(stream: trio.SocketStream) -> None:
        async with stream:
            await serve(stream)

    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, serve_and_close, 0, host="127.0.0.1"))
        listener.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
        yield listener.socket.getsockname()[1]
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def linked(kind: Kind, **options: float) -> AsyncIterator[tuple[Transport, Server]]:
    """A transport and its peer. `options` go to the function that connects."""
    if kind == "memory":
        near, far = memory_pair()
        yield near, MemoryServer(far)
        await near.aclose()
        await far.aclose()
    elif kind == "served":
        async with served(**options) as (transport, peer):
            yield transport, peer
    else:
        async with dialled(kind, **options) as (transport, peer):
            yield transport, peer


@asynccontextmanager
async def dialled(kind: Kind, **options: Any) -> AsyncIterator[tuple[Transport, Peer]]:
    """A client's transport, and the server's end of its connection, which supports `extensions`."""
    extensions = options.pop("extensions", None)
    name, secure = kind.removesuffix("-tls"), kind.endswith("-tls")
    give, take = trio.open_memory_channel[Peer](1)
    released = trio.Event()

    async def serve(stream: trio.SocketStream) -> None:
        tls = trio.SSLStream(stream, serving_context(), server_side=True, https_compatible=True) if secure else None
        peer = Peer(tls or stream, ServerProtocol(max_size=None, extensions=extensions))
        await peer.accept()
        give.send_nowait(peer)
        await released.wait()

    async with listening(serve) as port:
        if secure:
            options["ssl_context"] = trusting_context()
        url = f"{'wss' if secure else 'ws'}://127.0.0.1:{port}/v1/realtime?model=m"
        options.setdefault("close_timeout", 0.02)
        try:
            async with CLIENTS[name](url, **options) as transport:
                yield transport, await take.receive()
        finally:
            released.set()


@asynccontextmanager
async def served(close_timeout: float = 0.02) -> AsyncIterator[tuple[Transport, Peer]]:
    """A server's transport, and the client's end of its connection."""
    give, take = trio.open_memory_channel[Transport](1)
    released = trio.Event()

    async def handle(request: WebSocketRequest) -> None:
        async with serve_transport(await request.accept(), close_timeout=close_timeout) as transport:
            give.send_nowait(transport)
            await released.wait()

    async with trio.open_nursery() as nursery:
        server = await nursery.start(
            lambda task_status: serve_websocket(
                handle,
                "127.0.0.1",
                0,
                None,
                receive_buffer_size=READ_SIZE,
                max_message_size=ANY_SIZE,
                task_status=task_status,
            )
        )
        stream = await trio.open_tcp_stream("127.0.0.1", server.port)
        async with stream:
            peer = Peer(stream, ClientProtocol(parse_uri("ws://127.0.0.1/"), max_size=None))
            await peer.connect()
            yield await take.receive(), peer
            released.set()
        nursery.cancel_scope.cancel()


async def collect(transport: Transport, number: int) -> list[str | bytes]:
    """The next `number` messages."""
    messages: list[str | bytes] = []
    while len(messages) < number:
        messages += await transport.receive()
    assert len(messages) == number
    return messages


async def all_and_end(transport: Transport) -> tuple[list[str | bytes], TransportLost]:
    """Every message until the end, and the end."""
    messages: list[str | bytes] = []
    try:
        while True:
            messages += await transport.receive()
    except TransportLost as ending:
        return messages, ending


async def cut_when_stuck(function: Callable[..., Awaitable[object]], *args: object) -> None:
    """Call `function`, and cancel it once it waits for the network."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(function, *args)
        await trio.testing.wait_all_tasks_blocked(0.01)
        nursery.cancel_scope.cancel()

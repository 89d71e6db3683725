"""The same interface over the trio-websocket package: another client beside `connect_sansio`, and a server's end.

It runs a reader task and a queue of its own for each connection, so a batch is always one message.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import h11
import trio
from trio_websocket import CloseReason, ConnectionClosed, ConnectionRejected, WebSocketConnection, wrap_client_stream
from websockets.headers import build_host

from engine.transport import refusal
from engine.transport.address import Address, checked_headers, parse_address
from engine.transport.dialing import trusted_authorities
from engine.transport.ending import Ending, broken, closed_by_peer, closed_here, sendable
from engine.transport.helper_nursery import helper_nursery

READ_SIZE = 2**16
"""Bytes asked for in one read. With the package's own 4 KiB, one audio delta takes five."""

ANY_SIZE = 2**31
"""Stands for "no limit", which the package does not know. Its own, 1 MiB, is less than some `session.updated`."""

_ABNORMAL = 1006
"""The package's word for a connection that ended without a close frame."""

_CLEARING = 1.0
"""Seconds for the package's reader to run to its end over data that is in memory already."""


@asynccontextmanager
async def connect_trio_websocket(
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    ssl_context: ssl.SSLContext | None = None,
    connect_timeout: float = 10.0,
    close_timeout: float = 5.0,
    max_message_size: int | None = None,
) -> AsyncIterator[TrioWebSocketTransport]:
    """Open a WebSocket; leaving the context closes it. Arguments and errors as for `connect_sansio`.

    What answers, but not as a WebSocket, is noticed only by `connect_timeout`.
    """
    address = parse_address(url)
    extra = checked_headers(headers or {})
    try:
        async with helper_nursery() as nursery:
            with trio.move_on_after(connect_timeout) as patience:
                stream = await _dial(address, ssl_context)
                try:
                    connection = await wrap_client_stream(
                        nursery,
                        stream,
                        build_host(address.uri.host, address.uri.port, address.uri.secure),
                        address.uri.resource_name,
                        extra_headers=[(name.encode(), value.encode()) for name, value in extra.items()],
                        max_message_size=max_message_size or ANY_SIZE,
                        receive_buffer_size=READ_SIZE,
                    )
                except BaseException:
                    await trio.aclose_forcefully(stream)
                    raise
            if patience.cancelled_caught:
                raise refusal.no_answer(address.where, connect_timeout)
            transport = TrioWebSocketTransport(connection, close_timeout=close_timeout)
            try:
                yield transport
            finally:
                try:
                    await transport.aclose()
                finally:
                    # The package's reader goes on until the peer closes the socket, which a peer may forget.
                    await trio.aclose_forcefully(stream)
                    nursery.cancel_scope.cancel()
    except ConnectionRejected as rejected:
        raise refusal.answered(address.where, rejected.status_code, rejected.body or b"") from rejected
    except h11.ProtocolError as error:
        # Some answers that are no handshake make the package's own HTTP layer fail.
        raise refusal.not_a_websocket(address.where, str(error)) from error


async def _dial(
    address: Address, ssl_context: ssl.SSLContext | None
) -> trio.SocketStream | trio.SSLStream[trio.SocketStream]:
    uri = address.uri
    try:
        stream = await trio.open_tcp_stream(uri.host, uri.port)
        if not uri.secure:
            return stream
        context = ssl_context or trusted_authorities()
        secured = trio.SSLStream(stream, context, server_hostname=uri.host, https_compatible=True)
        try:
            await secured.do_handshake()
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
    except (OSError, UnicodeError) as error:
        raise refusal.unreachable(address.where, error) from error
    except trio.BrokenResourceError as error:
        raise refusal.unreachable(address.where, _os_error(error)) from error
    return secured


def _os_error(error: trio.BrokenResourceError) -> OSError:
    cause = error.__cause__
    return cause if isinstance(cause, OSError) else OSError(str(error))


@asynccontextmanager
async def serve_transport(
    connection: WebSocketConnection, *, close_timeout: float = 5.0
) -> AsyncIterator[TrioWebSocketTransport]:
    """The server's end of an accepted connection, as a transport; leaving the context closes it.

    Serve with `receive_buffer_size=READ_SIZE` and a `max_message_size` that allows 15 MiB of audio in one event.
    """
    transport = TrioWebSocketTransport(connection, close_timeout=close_timeout)
    try:
        yield transport
    finally:
        await transport.aclose()


class TrioWebSocketTransport:
    """An open WebSocket. Implements `Transport`.

    A `send` that is cancelled while it writes may leave half a frame, and nothing can follow that: later sends raise
    `TransportLost`. Receiving goes on.
    """

    def __init__(self, connection: WebSocketConnection, *, close_timeout: float) -> None:
        self._connection = connection
        self._close_timeout = close_timeout
        self._torn: Ending | None = None
        self._closed: Ending | None = None

    async def receive(self) -> list[str | bytes]:
        """See `Transport.receive`."""
        try:
            return [await self._connection.get_message()]
        except ConnectionClosed as closed:
            raise self._ending(closed.reason).error() from None

    async def send(self, messages: Sequence[bytes]) -> None:
        """See `Transport.send`. The package writes each message on its own."""
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._torn is not None:
            raise self._torn.error()
        try:
            for message in messages:
                await self._connection.send_message(message.decode())
        except ConnectionClosed as closed:
            raise self._ending(closed.reason).error() from None
        except trio.Cancelled:
            self._torn = broken("an earlier send was cancelled half-way")
            raise

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        """See `Transport.aclose`."""
        code, reason = sendable(code, reason)
        if self._connection.closed is None:
            self._closed = closed_here(code, reason)
        patience = 0.0 if self._torn else self._close_timeout
        try:
            with trio.move_on_after(patience):
                await self._connection.aclose(code, reason)
        finally:
            await self._clear()

    async def _clear(self) -> None:
        """Let the package's reader go: it may be waiting for somebody to take a message, and knows no other end."""
        with trio.move_on_after(_CLEARING, shield=True), suppress(ConnectionClosed):
            while True:
                await self._connection.get_message()

    def _ending(self, reason: CloseReason | None) -> Ending:
        if self._closed is not None:
            return self._closed
        if reason is None:
            return broken("the peer broke the WebSocket protocol")
        if reason.code == _ABNORMAL:
            return broken("the peer ended it without a goodbye")
        return closed_by_peer(int(reason.code), reason.reason or "")

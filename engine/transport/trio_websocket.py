"""The same interface over the trio-websocket package: another client beside `connect_sansio`, and a server's end.

It runs a reader task and a queue of its own for each connection, so a batch is always one message.
"""

from __future__ import annotations

import http
import logging
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import h11
import trio
from trio_websocket import CloseReason, ConnectionClosed, ConnectionRejected, WebSocketConnection, wrap_client_stream
from websockets.headers import build_host

from engine.errors import ConnectRefused
from engine.secret.redaction import Redaction
from engine.secret.value import Secret, SecretUrl, sealed_headers
from engine.transport import refusal
from engine.transport.address import Address, checked_headers, parse_address
from engine.transport.dialing import trusted_authorities
from engine.transport.ending import Ending, broken, closed_by_peer, closed_for_fault, closed_here, sendable
from engine.transport.handshake_tap import HandshakeTap, NoHandshake
from engine.transport.helper_nursery import helper_nursery
from engine.transport.known_secrets import known_secrets


class _NoWordsOfTheServer(logging.Filter):
    """Keeps the reasons of closes, which may repeat a key, out of the package's debug log."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(type(each).__name__ if isinstance(each, Exception) else each for each in record.args)
        return True


logging.getLogger("trio-websocket").addFilter(_NoWordsOfTheServer())

READ_SIZE = 2**16
"""Bytes asked for in one read. With the package's own 4 KiB, one audio delta takes five."""

ANY_SIZE = 2**31
"""Stands for "no limit", which the package does not know. Its own, 1 MiB, is less than some `session.updated`."""

_ABNORMAL = 1006
"""The package's word for a connection that ended without a close frame."""

_TOO_BIG = 1009

_CLEARING = 1.0
"""Seconds for the package's reader to run to its end over data that is in memory already."""


@asynccontextmanager
async def connect_trio_websocket(
    url: str | Secret,
    headers: Mapping[str, str | Secret] | None = None,
    *,
    ssl_context: ssl.SSLContext | None = None,
    connect_timeout: float = 10.0,
    close_timeout: float = 5.0,
    max_message_size: int | None = None,
) -> AsyncIterator[TrioWebSocketTransport]:
    """Open a WebSocket; leaving the context closes it. Arguments and errors as for `connect_sansio`."""
    url, headers = SecretUrl.of(url), sealed_headers(headers or {})
    address, headers = parse_address(url), checked_headers(headers)
    redaction = known_secrets(url, headers)
    refused: ConnectRefused | None = None
    try:
        async with helper_nursery() as nursery:
            with trio.move_on_after(connect_timeout) as patience:
                stream = HandshakeTap(await _dial(address, ssl_context))
                try:
                    connection = await wrap_client_stream(
                        nursery,
                        stream,  # type: ignore[arg-type]  # any stream will do
                        build_host(address.host, address.port, address.secure),
                        address.uri().resource_name,
                        extra_headers=[(name.encode(), value.reveal().encode()) for name, value in headers.items()],
                        max_message_size=max_message_size or ANY_SIZE,
                        receive_buffer_size=READ_SIZE,
                    )
                except BaseException:
                    await trio.aclose_forcefully(stream)
                    raise
            if patience.cancelled_caught:
                raise refusal.no_answer(address.where, connect_timeout)
            transport = TrioWebSocketTransport(
                connection, close_timeout=close_timeout, tap=stream, max_message_size=max_message_size
            )
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
        refused = refusal.answered(address.where, rejected.status_code, rejected.body or b"", redaction)
    except NoHandshake as answer:
        refused = _refusal(address, answer, redaction)
    except h11.ProtocolError as error:
        # Some answers that are no handshake make the package's own HTTP layer fail.
        refused = refusal.not_a_websocket(address.where, str(error), redaction)
    if refused is not None:
        # Outside of the handler: the package's frames hold the headers.
        raise refused


def _refusal(address: Address, answer: NoHandshake, redaction: Redaction) -> ConnectRefused:
    if answer.status is None or answer.status == http.HTTPStatus.SWITCHING_PROTOCOLS:
        return refusal.not_a_websocket(address.where, "the connection ended during the handshake", redaction)
    return refusal.answered(address.where, answer.status, answer.body, redaction)


async def _dial(
    address: Address, ssl_context: ssl.SSLContext | None
) -> trio.SocketStream | trio.SSLStream[trio.SocketStream]:
    try:
        stream = await trio.open_tcp_stream(address.host, address.port)
        if not address.secure:
            return stream
        context = ssl_context or trusted_authorities()
        secured = trio.SSLStream(stream, context, server_hostname=address.host, https_compatible=True)
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

    def __init__(
        self,
        connection: WebSocketConnection,
        *,
        close_timeout: float,
        tap: HandshakeTap | None = None,
        max_message_size: int | None = None,
    ) -> None:
        """`tap` and `max_message_size`, of a client's end, tell which closes were this side's own."""
        self._connection = connection
        self._tap = tap
        self._too_big = f"Exceeded maximum message size: {max_message_size} bytes"
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
        if self._tap is not None and not self._tap.said_goodbye:
            return closed_for_fault(int(reason.code), reason.reason or "")
        if reason.code == _TOO_BIG and reason.reason == self._too_big:
            return closed_for_fault(int(reason.code), self._too_big)
        return closed_by_peer(int(reason.code), reason.reason or "")

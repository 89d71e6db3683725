"""The WebSocket client of the hot path: the sans-IO core of the `websockets` package over a `Pipe`, with its `framing`.

There is no reader task and no queue: the caller's receive loop reads the socket, and everything that one read completed
is one batch. A task and a queue of their own would cost more than decoding does. The one task there is sleeps until the
peer has been silent for long: a deadline around each read would cost more than the read.
"""

from __future__ import annotations

import logging
import math
import re
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import trio
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.extensions.permessage_deflate import enable_client_permessage_deflate
from websockets.http11 import Request
from websockets.protocol import State

from engine.errors import ConnectRefused
from engine.secret.redaction import Redaction
from engine.secret.value import Secret, SecretUrl, sealed_headers
from engine.transport import refusal
from engine.transport.address import Address, checked_headers, parse_address
from engine.transport.dialing import dial
from engine.transport.ending import Ending, broken, closed_by_peer, closed_for_fault, closed_here, sendable
from engine.transport.framing import Inbound, text_frame
from engine.transport.helper_nursery import helper_nursery
from engine.transport.keepalive import Keepalive, Silence
from engine.transport.known_secrets import known_secrets
from engine.transport.pipe import Pipe

MOST_UNREAD_REPLIES = 16 * 1024
"""Bytes of pongs that wait to be sent; beyond it pings are not answered. A peer that does not read misses none."""
_RETRY = 0.02
"""Seconds between attempts to send what a cancelled sender left, or a pong that did not fit, while nobody sends."""

_BODY_PAUSES = 0.5
"""Seconds without a byte after which the body of a refusal is taken to be over, if nothing else says where it ends."""

_END_OF_HEAD = b"\r\n\r\n"
_ACCEPTED = re.compile(rb"HTTP/1\.[01] 101\b")
_LONGEST_HEAD = 64 * 1024

# The core writes every header, so every key, and every frame into its debug log. This logger is nobody's child: silent.
_SILENT = logging.Logger("engine.transport", logging.CRITICAL)


@asynccontextmanager
async def connect_sansio(
    url: str | Secret,
    headers: Mapping[str, str | Secret] | None = None,
    *,
    ssl_context: ssl.SSLContext | None = None,
    connect_timeout: float = 10.0,
    close_timeout: float = 5.0,
    ping_interval: float | None = 20.0,
    ping_timeout: float | None = 20.0,
    max_message_size: int | None = None,
    compression: bool = False,
) -> AsyncIterator[WebSocketTransport]:
    """Open a WebSocket; leaving the context closes it.

    Args:
        url: `ws://` or `wss://`.
        headers: sent with the handshake, over the WebSocket's own.
        ssl_context: whom to trust on `wss://`; the system's authorities by default.
        connect_timeout: seconds for name resolution, TCP, TLS and the handshake together.
        close_timeout: seconds that `aclose` waits for the peer.
        ping_interval: seconds of silence before a ping asks whether the peer is alive. None: never; a path that died
            is found without (see `dialing`), a peer that hangs behind a proxy is not.
        ping_timeout: seconds after that ping before the connection counts as lost; None: never.
        max_message_size: bytes; a longer message closes the connection with 1009. None: any size.
        compression: offer permessage-deflate. Audio in base64 shrinks by a quarter at a high price in CPU.

    Raises:
        ConnectRefused, AuthenticationError: it could not be opened; the message says why and what to do.
        SettingsError: the URL or a header cannot be used.
    """
    url, headers = SecretUrl.of(url), sealed_headers(headers or {})
    address, headers = parse_address(url), checked_headers(headers)
    redaction = known_secrets(url, headers)
    with trio.move_on_after(connect_timeout) as patience:
        pipe = await dial(address, ssl_context)
        try:
            core = ClientProtocol(
                address.uri(),
                max_size=max_message_size,
                extensions=enable_client_permessage_deflate(None) if compression else None,
                logger=_SILENT,
            )
            surplus = await _shake_hands(core, pipe, address, headers, redaction)
        except BaseException:
            pipe.close()
            raise
    if patience.cancelled_caught:
        raise refusal.no_answer(address.where, connect_timeout)
    transport = WebSocketTransport(pipe, core, surplus, close_timeout=close_timeout)
    async with helper_nursery() as nursery:
        if ping_interval is not None:
            nursery.start_soon(transport.keep_alive, Keepalive(ping_interval, ping_timeout))
        try:
            yield transport
        finally:
            await transport.aclose()
            nursery.cancel_scope.cancel()


async def _shake_hands(
    core: ClientProtocol, pipe: Pipe, address: Address, headers: Mapping[str, Secret], redaction: Redaction
) -> bytes:
    """Returns what came in one read with the end of the handshake: the peer's first frames."""
    # A peer that refuses may answer and close before it has read everything: reading tells.
    with suppress(OSError):
        pipe.write(_request(core, headers))
        await pipe.flushed()
    try:
        surplus = await _answer(core, pipe)
    except OSError as error:
        raise refusal.unreachable(address.where, error) from error
    if (refused := _refusal(core, address, redaction)) is not None:
        raise refused
    return surplus


def _request(core: ClientProtocol, headers: Mapping[str, Secret]) -> bytes:
    """Return the bytes of the handshake. They are in no variable, nor is what they are made of."""
    core.send_request(_with_headers(core.connect(), headers))
    return b"".join(core.data_to_send())


def _with_headers(request: Request, headers: Mapping[str, Secret]) -> Request:
    for name, value in headers.items():
        if name in request.headers:
            del request.headers[name]
        request.headers[name] = value.reveal()
    return request


async def _answer(core: ClientProtocol, pipe: Pipe) -> bytes:
    """Let the core hear what the peer answers. Of a refusal without a length the body ends when it pauses."""
    surplus, heard = b"", b""
    while core.state is State.CONNECTING and core.handshake_exc is None:
        refused = _END_OF_HEAD in heard and not _ACCEPTED.match(heard)
        with trio.move_on_after(_BODY_PAUSES if refused else math.inf) as pause:
            await pipe.readable()
        data = b"" if pause.cancelled_caught else pipe.read()
        if data:
            heard = (heard + data)[:_LONGEST_HEAD]
            surplus = _hear(core, data)
        elif data is not None:
            core.receive_eof()
    return surplus


def _refusal(core: ClientProtocol, address: Address, redaction: Redaction) -> ConnectRefused | None:
    failure = core.handshake_exc
    if failure is None:
        return None
    if isinstance(failure, InvalidStatus):
        body = bytes(failure.response.body or b"")
        return refusal.answered(address.where, failure.response.status_code, body, redaction)
    return refusal.not_a_websocket(address.where, str(failure.__cause__ or failure), redaction)


def _hear(core: ClientProtocol, data: bytes) -> bytes:
    """Let the core hear `data` up to the end of the handshake. Returns the rest."""
    lines = data.splitlines(keepends=True)
    while lines and core.state is State.CONNECTING:
        core.receive_data(lines.pop(0))
    return b"".join(lines)


class WebSocketTransport:
    """An open WebSocket. Implements `Transport` and `SupportsSendNowait`.

    A cancelled `send` breaks nothing: a frame that is half out is completed by the next write, or while `receive`
    waits. At most one batch is left behind like this, because each `send` first waits until nothing is unsent.
    """

    def __init__(self, pipe: Pipe, core: ClientProtocol, surplus: bytes = b"", *, close_timeout: float) -> None:
        """`surplus` are bytes of the peer's that were read together with the handshake."""
        self._pipe = pipe
        self._core = core
        self._inbound = Inbound(core)
        self._by_hand = not core.extensions
        self._begun = 0
        """How many messages of the next `send` have been handed to the pipe already."""
        self._failure: OSError | None = None
        """Why `send_nowait` could not write: the next `send` says it."""
        self._clock = trio.lowlevel.current_clock()
        self._heard_at = self._clock.current_time()
        self._close_timeout = close_timeout
        self._arrived: list[str | bytes] = []
        self._unread_replies = 0
        """Bytes of replies that were handed over since the socket last had taken everything."""
        self._ending: Ending | None = None
        self._hear(surplus)

    async def receive(self) -> list[str | bytes]:
        """See `Transport.receive`. Reading, parsing and answering pings are one step that nothing can cut in two."""
        if self._arrived:
            await trio.lowlevel.checkpoint()
        while not self._arrived:
            if self._ending is not None:
                await trio.lowlevel.checkpoint()
                raise self._ending.error()
            try:
                if self._pipe.unsent:
                    await self._readable_while_unsent()
                else:
                    await self._pipe.readable()
            except trio.ClosedResourceError:
                continue
            self._take_in()
        arrived, self._arrived = self._arrived, []
        return arrived

    async def send(self, messages: Sequence[bytes]) -> None:
        """See `Transport.send`."""
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._pipe.unsent:
            await self._flush()
        if self._ending is not None:
            raise self._ending.error()
        if self._failure is not None:
            raise broken(self._failure).error() from self._failure
        begun, self._begun = self._begun, 0
        try:
            self._pipe.write(self._frames(messages[begun:]))
        except OSError as error:
            raise broken(error).error() from error
        if self._pipe.unsent:
            await self._flush()

    def send_nowait(self, messages: Sequence[bytes]) -> bool:
        """See `SupportsSendNowait.send_nowait`."""
        if self._pipe.unsent or self._ending is not None:
            return False
        try:
            self._pipe.write(self._frames(messages))
        except OSError as error:
            self._failure = error
            return False
        if self._pipe.unsent:
            self._begun = len(messages)
            return False
        return True

    def _frames(self, messages: Sequence[bytes]) -> bytes:
        if self._by_hand:
            return b"".join([text_frame(message) for message in messages])
        for message in messages:
            self._core.send_text(message)
        return b"".join(self._core.data_to_send())

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        """See `Transport.aclose`. Called while another task is in it, it closes the socket without further waiting."""
        code, reason = sendable(code, reason)
        try:
            if self._pipe.closed:
                await trio.lowlevel.checkpoint()
                return
            if self._core.state is State.OPEN:
                self._core.send_close(code, reason)
            self._end(closed_here(code, reason))
            self._answer()
            with trio.move_on_after(self._close_timeout):
                await self._wait_for_goodbye()
            self._pipe.say_goodbye()
        except (OSError, trio.BusyResourceError, trio.ClosedResourceError):
            return
        finally:
            self._pipe.close()

    async def keep_alive(self, keepalive: Keepalive) -> None:
        """Ask after a silent peer, and end the connection if it stays silent. Runs until the end."""
        while True:
            await trio.sleep_until(keepalive.look_again(self._heard_at, trio.current_time()))
            if self._ending is not None:
                return
            now = trio.current_time()
            if self._pipe.has_unread():
                # The caller is late, not the peer.
                self._heard_at = now
            silence = keepalive.silent(self._heard_at, now)
            if silence is Silence.ASK:
                self._core.send_ping(b"alive?")
                self._answer()
            elif silence is Silence.GIVE_UP:
                self._break("no sign of life from the peer, not even an answer to a ping")

    async def _wait_for_goodbye(self) -> None:
        await self._pipe.flushed()
        while self._core.state is State.CLOSING and self._core.close_rcvd is None:
            await self._pipe.readable()
            self._take_in()
            self._arrived.clear()

    async def _flush(self) -> None:
        try:
            await self._pipe.flushed()
        except OSError as error:
            raise broken(error).error() from error
        except trio.ClosedResourceError:
            assert self._ending is not None, "the pipe is woken and closed only once the end is known"
            raise self._ending.error() from None

    async def _readable_while_unsent(self) -> None:
        with trio.move_on_after(_RETRY):
            await self._pipe.readable()
        with suppress(OSError):
            self._pipe.push()

    def _take_in(self) -> None:
        """Read once, and take what it was."""
        try:
            data = self._pipe.read()
        except OSError as error:
            self._break(error)
            return
        if data is None:
            return
        self._heard_at = self._clock.current_time()
        if not data:
            self._core.receive_eof()
        self._hear(data)

    def _hear(self, data: bytes) -> None:
        """Hand on the messages in `data`, answer where the core wants to, and note if it has come to an end."""
        if data:
            self._arrived += self._inbound.take(data)
            if not self._inbound.asked_core:
                return
        self._answer()
        if self._core.state is not State.OPEN:
            self._end(self._how_it_ended())

    def _how_it_ended(self) -> Ending:
        received, sent = self._core.close_rcvd, self._core.close_sent
        if received is not None:
            return closed_by_peer(received.code, received.reason)
        if sent is not None:
            return closed_for_fault(sent.code, sent.reason)
        return broken("the peer ended it without a goodbye")

    def _answer(self) -> None:
        """Hand over what the core wants to say by itself: pongs, and the answer to a goodbye."""
        replies = self._core.data_to_send()
        if not replies:
            return
        if not self._pipe.unsent:
            self._unread_replies = 0
        elif self._unread_replies > MOST_UNREAD_REPLIES and self._core.state is State.OPEN:
            return
        self._unread_replies += sum(map(len, replies))
        # A peer that takes no more may still have said why: reading tells.
        with suppress(OSError):
            self._pipe.write(b"".join(replies))

    def _break(self, why: str | OSError) -> None:
        self._core.receive_eof()
        self._end(broken(why))

    def _end(self, ending: Ending) -> None:
        if self._ending is None:
            self._ending = ending
            self._pipe.wake()

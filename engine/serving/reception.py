"""The reception of a server: from a socket to a request that may become a conversation, within its limits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from http import HTTPStatus

import attrs
import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, wrap_server_stream

from engine.serving.boundary import contain
from engine.serving.guest_stream import GuestStream
from engine.serving.guests import Guests
from engine.serving.limits import ServingLimits, most_descriptors
from engine.transport.trio_websocket import READ_SIZE

_FULL = "This server has as many sessions as it takes. Try again later."
_LATE = "The request did not come in time."
_CROWDED = "Too many connections have not sent their request. Try again."


@attrs.frozen
class Guest:
    """Somebody whose request was read, and who is not refused by its headers."""

    target: str
    """Path and query, as they were sent."""
    host: str
    headers: Sequence[tuple[bytes, bytes]]
    """Names are in lower case. What belongs to the WebSocket itself is left out."""
    subprotocols: Sequence[str]
    request: WebSocketRequest = attrs.field(repr=False)
    """To be accepted, or rejected."""


Converse = Callable[[Guest], Awaitable[None]]
"""Serves one guest to its end: accepts its request or rejects it."""


class Reception:
    """Takes connections, each of which is a conversation of its own."""

    def __init__(self, converse: Converse, *, guests: Guests, limits: ServingLimits) -> None:
        """Make a reception without guests.

        Args:
            converse: serves a guest. What it raises ends that guest's connection, and nothing else.
            guests: who is let in.
            limits: how many, and how long.
        """
        self._converse = converse
        self._guests = guests
        self._limits = limits
        self._most_descriptors = most_descriptors()
        self._count = 0
        self._handshakes: dict[trio.CancelScope, None] = {}
        """Requests that are not complete, the oldest first."""
        self.sessions = 0
        """Conversations at this moment."""

    async def serve(
        self,
        listeners: Sequence[trio.SocketListener],
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Take connections until cancelled."""
        async with trio.open_nursery() as nursery:
            await nursery.start(trio.serve_listeners, self.take, list(listeners))
            task_status.started()

    async def take(self, socket: trio.SocketStream) -> None:
        """Serve one connection to its end. Its faults stay inside."""
        self._count += 1
        stream, whose = GuestStream(socket), f"connection {self._count}"
        try:
            free = self._free_descriptors(socket)
            if free is not None and free < self._limits.spare_descriptors:
                if free > self._limits.spare_descriptors // 2:  # lingering keeps a descriptor
                    await stream.turn_away(HTTPStatus.SERVICE_UNAVAILABLE, _FULL)
                return
            await contain(partial(self._receive, stream, whose), whose=whose, tell=stream.tell_fault)
        finally:
            await trio.aclose_forcefully(socket)

    def _free_descriptors(self, socket: trio.SocketStream) -> int | None:
        """Return how many descriptors are left. A system gives the lowest number that is free: all below are taken."""
        return None if self._most_descriptors is None else self._most_descriptors - 1 - socket.socket.fileno()

    async def _receive(self, stream: GuestStream, whose: str) -> None:
        async with trio.open_nursery() as nursery:
            request: WebSocketRequest | None = None
            with trio.move_on_after(self._limits.handshake_seconds) as patience:
                self._enter(patience)
                try:
                    request = await nursery.start(self._read, stream, whose)
                finally:
                    self._handshakes.pop(patience, None)
            if patience.cancelled_caught:
                late = trio.current_time() >= patience.deadline
                await stream.turn_away(
                    HTTPStatus.REQUEST_TIMEOUT if late else HTTPStatus.SERVICE_UNAVAILABLE,
                    _LATE if late else _CROWDED,
                )
            elif request is not None:
                try:
                    await self._welcome(stream, request)
                except* ConnectionClosed:  # the client has left, which is no fault
                    pass
            nursery.cancel_scope.cancel(reason="the conversation is over")

    def _enter(self, patience: trio.CancelScope) -> None:
        """Count a handshake. One too many ends the oldest: an honest one takes no time."""
        if len(self._handshakes) >= self._limits.handshakes:
            oldest = next(iter(self._handshakes))
            del self._handshakes[oldest]
            oldest.cancel(reason="too many handshakes")
        self._handshakes[patience] = None

    async def _read(
        self, stream: GuestStream, whose: str, *, task_status: trio.TaskStatus[WebSocketRequest | None]
    ) -> None:
        """Run the package's reader. A fault in it ends the stream, and so the conversation on it."""
        started = False

        async def work() -> None:
            nonlocal started
            async with trio.open_nursery() as nursery:
                request: WebSocketRequest | None = None
                with trio.CancelScope() as asking:
                    stream.on_end = partial(asking.cancel, reason="the connection has ended")
                    request = await wrap_server_stream(
                        nursery, stream, max_message_size=self._limits.message_bytes, receive_buffer_size=READ_SIZE
                    )
                    stream.asked = True
                started = True
                task_status.started(request)
                if request is None:
                    nursery.cancel_scope.cancel(reason="the connection has ended")

        async def work_or_refuse() -> None:
            try:
                await work()
            except* UnicodeError:  # the package's, over headers that are no text
                if stream.asked:
                    raise
                await stream.tell_fault()

        if not await contain(work_or_refuse, whose=whose, tell=stream.tell_fault) or not started:
            await trio.aclose_forcefully(stream)
            if not started:
                task_status.started(None)

    async def _welcome(self, stream: GuestStream, request: WebSocketRequest) -> None:
        event = request._event  # the package's own properties leave the host out
        origins = [value.decode("latin-1") for name, value in request.headers if name.lower() == b"origin"]
        refusal = self._guests.refusal(event.host, origins)
        if refusal is not None:
            await self._reject(request, stream, HTTPStatus.FORBIDDEN, refusal)
        elif self.sessions >= self._limits.sessions:
            await self._reject(request, stream, HTTPStatus.SERVICE_UNAVAILABLE, _FULL)
        else:
            self.sessions += 1
            try:
                await self._converse(
                    Guest(request.path, event.host, tuple(request.headers), request.proposed_subprotocols, request)
                )
            finally:
                self.sessions -= 1
            if not stream.upgraded:
                await stream.see_off()

    async def _reject(self, request: WebSocketRequest, stream: GuestStream, status: HTTPStatus, text: str) -> None:
        await request.reject(status.value, body=text.encode())
        await stream.see_off()

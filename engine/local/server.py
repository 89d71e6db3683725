"""The local model on a port: a WebSocket server for anybody's Realtime client."""

from __future__ import annotations

import time
from functools import partial

import attrs
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection

from engine.local.admission import PATH_ENDS_WITH, BadTarget, UpgradeRequest, model_of, refusal_of
from engine.local.connection import GOODBYE_SECONDS, now_ns
from engine.local.conversation.ids import Ids
from engine.local.conversation.replies import Responder
from engine.local.host import LocalHost
from engine.local.settings.options import LocalOptions
from engine.local.speech.parts import SpeechParts
from engine.serving.boundary import INTERNAL_ERROR, LAST_WORD, contain
from engine.serving.guests import Guests
from engine.serving.limits import ServingLimits
from engine.serving.overtime import Overtime
from engine.serving.reception import Guest, Reception
from engine.transport.trio_websocket import TrioWebSocketTransport, serve_transport

_MISSED_PINGS = 3
"""After so many pings without a pong a client is gone."""


@attrs.frozen
class Served:
    """A running server."""

    url: str
    """For clients, without a model: `ws://127.0.0.1:8765/v1/realtime`."""
    port: int
    notice: str | None
    """What the user should be told, or nothing: see `LocalHost.notice`."""


async def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    options: LocalOptions | None = None,
    responder: Responder | None = None,
    speech: SpeechParts | None = None,
    guests: Guests | None = None,
    limits: ServingLimits | None = None,
    task_status: trio.TaskStatus[Served] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled. Each connection is a conversation of its own, and its faults end nothing else.

    Args:
        host: the address to listen on.
        port: 0 finds a free one; `Served.port` tells.
        options: how the model behaves.
        responder: decides what to say; None: the dialogue that ships.
        speech: hears and speaks; None: without words.
        guests: which pages and hosts are let in; None: those of this machine.
        limits: how many connections; None: the usual.

    Raises:
        OSError: the port is taken, or the address is not this machine's.
    """
    local = LocalHost(options or LocalOptions(), responder=responder, speech=speech)
    reception = Reception(
        partial(_admit, local, Overtime()), guests=guests or Guests(listening=host), limits=limits or ServingLimits()
    )
    listeners = await trio.open_tcp_listeners(port, host=host)
    found: int = listeners[0].socket.getsockname()[1]
    if port == 0:  # a name of several addresses has a free port at each, and only one can be told
        for other in listeners[1:]:
            await other.aclose()
        del listeners[1:]
    async with trio.open_nursery() as nursery:
        await nursery.start(reception.serve, listeners)
        name = f"[{host}]" if ":" in host else host
        task_status.started(Served(f"ws://{name}:{found}/v1{PATH_ENDS_WITH}", found, local.notice))


async def _admit(local: LocalHost, overtime: Overtime, guest: Guest) -> None:
    """Serve one guest, from the request to the end."""
    try:
        upgrade = UpgradeRequest.of(guest.target, guest.headers, guest.subprotocols)
    except BadTarget:
        await guest.request.reject(
            400, body=b"The request's path cannot be read. Realtime sessions are at /v1/realtime."
        )
        return
    if not upgrade.served:
        await guest.request.reject(404, body=b"Not found. Realtime sessions are at /v1/realtime.")
        return
    connection = await guest.request.accept(subprotocol=upgrade.subprotocol)
    async with serve_transport(connection, close_timeout=GOODBYE_SECONDS) as transport:
        await contain(
            partial(_hold, local, overtime, upgrade, connection, transport),
            whose="a conversation",
            tell=partial(transport.aclose, INTERNAL_ERROR, LAST_WORD),
        )


async def _hold(
    local: LocalHost,
    overtime: Overtime,
    upgrade: UpgradeRequest,
    connection: WebSocketConnection,
    transport: TrioWebSocketTransport,
) -> None:
    """Hold a conversation, or say why there is none."""
    refusal = refusal_of(upgrade, local.options)
    if refusal is not None:
        ids = Ids(local.options.seed, wall_s=int(time.time()), started_ns=now_ns())
        with trio.move_on_after(GOODBYE_SECONDS):
            await _turn_away(connection, refusal.event(ids), refusal.close_code, refusal.reason)
        return
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_ping, connection, local.options.ping_seconds)
        await local.converse(transport, model=model_of(upgrade), transcription=upgrade.transcription, overtime=overtime)
        nursery.cancel_scope.cancel(reason="the conversation is over")


async def _turn_away(connection: WebSocketConnection, event: bytes, code: int, reason: str) -> None:
    try:
        await connection.send_message(event.decode())
        await connection.aclose(code, reason)
    except ConnectionClosed:
        return


async def _ping(connection: WebSocketConnection, every: float) -> None:
    """Ask the client for a sign of life, as the service does; close if there is none."""
    try:
        while True:
            await trio.sleep(every)
            with trio.move_on_after(every * _MISSED_PINGS) as patience:
                await connection.ping()
            if patience.cancelled_caught:
                # A client that does not read does not let the goodbye out either: then the stream is closed.
                with trio.move_on_after(GOODBYE_SECONDS):
                    await connection.aclose(1011, "keepalive ping timeout")
                return
    except ConnectionClosed:
        return

"""The local model on a port: a WebSocket server for anybody's Realtime client."""

from __future__ import annotations

import time
from functools import partial

import attrs
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, serve_websocket

from engine.local.admission import PATH_ENDS_WITH, UpgradeRequest, model_of, refusal_of
from engine.local.connection import GOODBYE_SECONDS, now_ns
from engine.local.conversation.ids import Ids
from engine.local.conversation.replies import Responder
from engine.local.host import LocalHost
from engine.local.settings.options import LocalOptions
from engine.local.speech.parts import SpeechParts
from engine.transport.trio_websocket import READ_SIZE, serve_transport

LARGEST_MESSAGE = 32 * 2**20
"""15 MiB of audio in one append are 20 MiB of base64."""
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
    task_status: trio.TaskStatus[Served] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled. Each connection is a conversation of its own.

    Args:
        host: the address to listen on.
        port: 0 finds a free one; `Served.port` tells.
        options: how the model behaves.
        responder: decides what to say; None: the dialogue that ships.
        speech: hears and speaks; None: without words.

    Raises:
        OSError: the port is taken, or the address is not this machine's.
    """
    local = LocalHost(options or LocalOptions(), responder=responder, speech=speech)
    async with trio.open_nursery() as nursery:
        server = await nursery.start(
            partial(
                serve_websocket,
                partial(_admit, local),
                host,
                port,
                None,
                max_message_size=LARGEST_MESSAGE,
                receive_buffer_size=READ_SIZE,
            )
        )
        name = f"[{host}]" if ":" in host else host
        url = f"ws://{name}:{server.port}/v1{PATH_ENDS_WITH}"
        task_status.started(Served(url, server.port, local.notice))


async def _admit(local: LocalHost, request: WebSocketRequest) -> None:
    """One connection, from its request to its end."""
    upgrade = UpgradeRequest.of(request.path, request.headers, request.proposed_subprotocols)
    if not upgrade.served:
        await request.reject(404, body=b"Not found. Realtime sessions are at /v1/realtime.")
        return
    connection = await request.accept(subprotocol=upgrade.subprotocol)
    refusal = refusal_of(upgrade, local.options)
    if refusal is not None:
        ids = Ids(local.options.seed, wall_s=int(time.time()), started_ns=now_ns())
        with trio.move_on_after(GOODBYE_SECONDS):
            await _turn_away(connection, refusal.event(ids), refusal.close_code, refusal.reason)
        return
    async with serve_transport(connection, close_timeout=GOODBYE_SECONDS) as transport, trio.open_nursery() as nursery:
        nursery.start_soon(_ping, connection, local.options.ping_seconds)
        await local.converse(transport, model=model_of(upgrade), transcription=upgrade.transcription)
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
                await connection.aclose(1011, "keepalive ping timeout")
                return
    except ConnectionClosed:
        return

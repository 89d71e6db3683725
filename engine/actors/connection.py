"""The model connection.

owns    the open connection to the server
reads   what the server says; `wire` and `uplink`
writes  batches of the server's events to the router, which routes them in this task; at the end one
        `Disconnected` to `inbox`
ends    when the server is gone, or when `wire` is closed: then it says goodbye, within the deadline of its scope

While it is open, what need not wait is written by whoever brings it (`mailboxes/direct`); the writing task here is for
the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import trio

from engine.actors.isolation import isolate_errors
from engine.core.inputs import Disconnected, Input
from engine.errors import ConnectRefused, SessionClosed, SessionFailed, TransportLost
from engine.mailboxes import Batch, DirectWrite, Inbox, Outbound
from engine.models.interface import ModelConnection, RealtimeModel, SupportsSendNowait, WaitsForFirstWord
from engine.settings import RealtimeModelConfig
from engine.wire.server_events import ServerEvent

REASON_GRACE = 1.0
"""Seconds that the reading side has to learn why writing failed: the close code tells more than a broken pipe."""


@attrs.define
class Connection:
    """Moves events between the server and the session."""

    model: RealtimeModel
    config: RealtimeModelConfig
    on_server_events: Callable[[Sequence[ServerEvent]], None]
    inbox: Inbox[Input]
    outbound: Outbound
    direct_write: DirectWrite
    written: Callable[[Batch], None]
    """Called with each batch that the writing task has written."""

    @trio.lowlevel.enable_ki_protection
    async def run(self, *, task_status: trio.TaskStatus[trio.CancelScope]) -> None:
        """Connect, report the scope that bounds everything, then read and write until the end.

        Raises:
            ConnectRefused: before `started`, if no connection could be made, or the server turned us away.
        """
        with trio.CancelScope() as service:
            async with self.model.connect(self.config) as link:
                if isinstance(link, WaitsForFirstWord) and not link.greeted:
                    await self._speak_first(link)
                task_status.started(service)
                lost = await self._converse(link)
                # If the session is over, there is nobody any more who would take it.
                await self.inbox.report(Disconnected(lost or SessionFailed("the model connection ended by itself")))
                if lost is None:
                    await link.aclose()
        self.outbound.abandon()

    async def _speak_first(self, link: WaitsForFirstWord) -> None:
        """Send the settings before the session is open, and wait for the server's first word."""
        self.on_server_events(())  # the router, whose task does not run yet, makes them of what is in its inbox
        batch = self.outbound.begin()
        await link.speak_first(batch.events if batch is not None else ())
        if batch is not None:
            self.outbound.begun = None
            self.written(batch)

    async def _converse(self, link: ModelConnection) -> TransportLost | None:
        if isinstance(link, SupportsSendNowait) and link.can_send_nowait:
            self.direct_write.open(link)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._read, link)
                try:
                    await self._write(link)
                except TransportLost as lost:
                    nursery.cancel_scope.deadline = trio.current_time() + REASON_GRACE
                    return lost
                nursery.cancel_scope.cancel()
            return None
        finally:
            self.direct_write.close()

    @trio.lowlevel.enable_ki_protection
    async def _read(self, link: ModelConnection) -> None:
        try:
            with isolate_errors():
                while True:
                    self.on_server_events(await link.receive())
        except (TransportLost, ConnectRefused) as lost:
            await self.inbox.report(Disconnected(lost))
        except SessionClosed:
            return

    async def _write(self, link: ModelConnection) -> None:
        while True:
            batch = await self.outbound.take()
            if not batch.events:
                return
            await link.send(batch.events)
            self.written(batch)

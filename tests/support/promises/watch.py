"""All promises together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.core.effects import HandleStatus, ResponseToolCall
from engine.core.inputs import Input
from engine.events import RealtimeSessionEvent
from engine.history import HistoryItem
from engine.wire.client_events import ClientEvent
from engine.wire.server_events import ServerEvent
from tests.support.fake_server.server import Server
from tests.support.promises.agents import SettingsFirst
from tests.support.promises.audio import ByteForByte
from tests.support.promises.base import Promise, PromiseBroken
from tests.support.promises.calls import OneOutputEach
from tests.support.promises.guardrails import AllTextIsChecked
from tests.support.promises.interruptions import WhatWasHeard
from tests.support.promises.order import ServersOrder
from tests.support.promises.requests import WhoMaySpeak
from tests.support.promises.responses import OneStartOneEnd
from tests.support.promises.sending import ApplicationsOrder
from tests.support.promises.settings import WhatWasConfirmed
from tests.support.promises.transparency import NothingHides
from tests.support.promises.waits import NoSilence


class Watch:
    """Gives every observation to every promise, and keeps the first objection until somebody asks.

    Objections are kept, not raised, because some observations are made inside the engine, which does not let the
    errors of an application's functions through.
    """

    def __init__(
        self, far: Server, *, barge_in: bool, machine_only: bool, step: int, name_of: Callable[[object], str]
    ) -> None:
        self._far = far
        self._order = ServersOrder()
        self._requests = WhoMaySpeak(far, barge_in=barge_in, strict=machine_only)
        self._transparency = NothingHides()
        self._promises: tuple[Promise, ...] = (
            OneStartOneEnd(),
            ByteForByte(barge_in=barge_in, commands_are_immediate=machine_only),
            OneOutputEach(),
            self._requests,
            SettingsFirst(far, name_of),
            AllTextIsChecked(step),
            self._order,
            WhatWasConfirmed(),
            WhatWasHeard(strict=machine_only, bytes_per_ms=far.bytes_per_ms),
            ApplicationsOrder(),
            self._transparency,
            NoSilence(),
        )
        self.broken: PromiseBroken | None = None

    def check(self) -> None:
        """Raise the first objection, if there is one."""
        if self.broken is not None:
            raise self.broken

    def delivered(self, event: ServerEvent) -> None:
        """The server's event has come out of the connection."""
        self._transparency.delivered(event)

    def told(self, event: ServerEvent, at: int) -> None:
        self._give(lambda promise: promise.told(event, at))

    def commanded(self, command: Input, at: int) -> None:
        self._give(lambda promise: promise.commanded(command, at))

    def sent(self, event: ClientEvent, at: int) -> None:
        self._give(lambda promise: promise.sent(event, at))

    def seen(self, event: RealtimeSessionEvent, at: int) -> None:
        self._give(lambda promise: promise.seen(event, at))

    def invoked(self, call_id: str) -> None:
        self._give(lambda promise: promise.invoked(call_id))

    def checked(self, text: str) -> None:
        self._give(lambda promise: promise.checked(text))

    def objected(self, at: int) -> None:
        """A guardrail objects to what it was given."""
        self._requests.objected(at)

    def answered(self, handle_id: int, status: HandleStatus) -> None:
        self._give(lambda promise: promise.answered(handle_id, status))

    def reported(self, response_id: str | None, calls: Sequence[ResponseToolCall]) -> None:
        if response_id is not None:
            self._give(lambda promise: promise.reported(response_id, calls))

    def history(self, items: list[HistoryItem]) -> None:
        """The history, when everything that was told has been handled."""
        self._give(lambda promise: self._order.expect(items) if promise is self._order else None)

    def settled(self, items: list[HistoryItem]) -> None:
        self._give(lambda promise: promise.settled(self._far, items))

    def ended(self) -> None:
        self._give(lambda promise: promise.ended())

    def _give(self, observation: Callable[[Promise], None]) -> None:
        if self.broken is not None:
            return
        for promise in self._promises:
            try:
                observation(promise)
            except PromiseBroken as broken:
                self.broken = broken
                return

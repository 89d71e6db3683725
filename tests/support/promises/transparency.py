"""Promise 10: an unknown or malformed event never ends a session and never hides: it is passed through raw, with an
`error` event if it broke the protocol."""

from __future__ import annotations

from collections import deque

from engine.errors import ProtocolError, ServerError, ServerTimeout, SettingsDiffer
from engine.events import Error, RawModelEvent, RealtimeSessionEvent
from engine.history import HistoryItem
from engine.wire.server_events import ErrorEvent, MalformedEvent, ServerEvent, UnknownEvent
from tests.support.fake_server.server import CONFLICT, Server
from tests.support.promises.base import Promise

HARMLESS = {CONFLICT, "response_cancel_not_active"}
"""What the engine handles by itself."""


class NothingHides(Promise):
    number = 10

    def __init__(self) -> None:
        self._raw: deque[ServerEvent] = deque()
        self._protocol_errors = 0
        self._refusals: deque[str] = deque()
        self._under_way: deque[ServerEvent] = deque()
        """What the connection has delivered and the session has not handled."""

    def delivered(self, event: ServerEvent) -> None:
        """The connection has handed this over. (Only in whole sessions: a bare machine has no connection.)"""
        self._under_way.append(event)

    def told(self, event: ServerEvent, at: int) -> None:
        if self._under_way and (first := self._under_way.popleft()) is not event:
            self.broken(f"{event!r} was handled where {first!r} was delivered")
        match event:
            case MalformedEvent():
                self._raw.append(event)
                self._protocol_errors += 1
            case UnknownEvent():
                self._raw.append(event)
            case ErrorEvent(error=detail) if detail.code not in HARMLESS:
                self._refusals.append(detail.message)

    def seen(self, event: RealtimeSessionEvent, at: int) -> None:
        match event:
            case RawModelEvent(data=data) if isinstance(data, UnknownEvent | MalformedEvent):
                if not self._raw or self._raw.popleft() is not data:
                    self.broken(f"{data!r} was passed through out of order or more than once")
            case Error(error=ProtocolError()):
                self._protocol_errors -= 1
            case Error(error=ServerTimeout() | SettingsDiffer()):
                return  # what the server did not say
            case Error(error=ServerError() as error):
                if not self._refusals or self._refusals.popleft() not in str(error):
                    self.broken(f"an error that the server did not send: {error}")

    def settled(self, far: Server, history: list[HistoryItem]) -> None:
        if self._under_way:
            self.broken(f"{self._under_way[0]!r} was delivered and never handled")
        self.ended()

    def ended(self) -> None:
        if self._raw:
            self.broken(f"{self._raw[0]!r} was not passed through")
        if self._protocol_errors:
            self.broken("a malformed event without exactly one error event")
        if self._refusals:
            self.broken(f"the server's error {self._refusals[0]!r} was hidden")

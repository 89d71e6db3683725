"""What can be observed of a session, and what an observer does when a promise is broken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NoReturn

from engine.core.effects import HandleStatus, ResponseToolCall
from engine.core.inputs import Input
from engine.events import RealtimeSessionEvent
from engine.history import HistoryItem
from engine.wire.client_events import ClientEvent
from engine.wire.server_events import ServerEvent
from tests.support.fake_server.server import Server


class PromiseBroken(AssertionError):
    """A promise of the design was not kept."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(f"promise {number}: {why}")
        self.number = number


class Promise:
    """Sees everything in the order in which it happens. `at` is the session's clock in nanoseconds."""

    number: ClassVar[int]

    def told(self, event: ServerEvent, at: int) -> None:
        """The server's event is about to be handled."""

    def commanded(self, command: Input, at: int) -> None:
        """The application asks for something."""

    def sent(self, event: ClientEvent, at: int) -> None:
        """This goes to the server."""

    def seen(self, event: RealtimeSessionEvent, at: int) -> None:
        """The application has taken an event."""

    def invoked(self, call_id: str) -> None:
        """A call has been given to its tool."""

    def checked(self, text: str) -> None:
        """The guardrails are given a text."""

    def answered(self, handle_id: int, status: HandleStatus) -> None:
        """The application learns how a response that it asked for ended."""

    def reported(self, response_id: str, calls: Sequence[ResponseToolCall]) -> None:
        """The application learns what a response that it asked for has called."""

    def settled(self, far: Server, history: list[HistoryItem]) -> None:
        """Everything has been delivered, everybody is done, and nothing will happen by itself any more."""

    def ended(self) -> None:
        """The session is over, and the application has taken every event."""

    def broken(self, why: str) -> NoReturn:
        """Object."""
        raise PromiseBroken(self.number, why)

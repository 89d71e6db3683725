"""ResponseHandle: what an application holds after asking for a response, and the table of those of one session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

import attrs
import trio

from engine.core.effects import HandleCreated, HandleDone, HandleStatus, HandleWork, ResponseToolCall
from engine.core.inputs import CancelHandle, Input
from engine.errors import EngineError


@attrs.frozen
class ResponseOutcome:
    """How a response that was asked for ended."""

    status: HandleStatus
    """``superseded``: it never began, because an interruption or another response took its place."""
    text: str
    """Everything it said or wrote."""
    reason: str | None
    response_id: str | None
    calls: tuple[ResponseToolCall, ...] = ()
    """The tools that it called, in order. Those of an out-of-band response have ended; those of the conversation may
    still run (their `output` is None then), and their results go to the conversation."""


class ResponseHandle:
    """A response that was asked for: await its beginning, its end, or cancel it."""

    def __init__(self, handle_id: int, post: Callable[[Input], Awaitable[None]]) -> None:
        self._handle_id = handle_id
        self._post = post
        self._created = trio.Event()
        self._done = trio.Event()
        self._error: EngineError | None = None
        self._outcome: ResponseOutcome | None = None
        self.response_id: str | None = None
        """Known once it has been created."""

    @property
    def status(self) -> Literal["requested", "in_progress"] | HandleStatus:
        """Where it stands now."""
        if self._outcome is not None:
            return self._outcome.status
        return "requested" if self.response_id is None else "in_progress"

    async def created(self) -> str | None:
        """Wait until it begins. Returns its id; None if it was superseded or refused before it could."""
        await self._created.wait()
        return self.response_id

    async def done(self) -> ResponseOutcome:
        """Wait until it ends; an out-of-band response, until the tools that it called have ended, too.

        Raises:
            ResponseFailed: the server refused it, or failed to produce it.
            TransportLost: the connection went away first.
            AuthenticationError, ModelNotFound: the server ended the session for this reason.
        """
        await self._done.wait()
        if self._error is not None:
            raise self._error
        assert self._outcome is not None
        return self._outcome

    async def cancel(self) -> None:
        """Stop it, or forget it if it has not begun. The outcome is then ``cancelled`` or ``superseded``.

        Of what an out-of-band response has called, this stops the tools that declare ``on_interruption="cancel"`` and
        the calls that wait to be approved.
        """
        if self._outcome is None:
            await self._post(CancelHandle(self._handle_id))

    def __repr__(self) -> str:
        return f"<ResponseHandle {self.response_id or self._handle_id} {self.status}>"

    def on_created(self, effect: HandleCreated) -> None:
        """The router's word that it has begun."""
        self.response_id = effect.response_id
        self._created.set()

    def on_done(self, effect: HandleDone) -> None:
        """The router's word that it has ended."""
        self._error = effect.error
        self._outcome = ResponseOutcome(effect.status, effect.text, effect.reason, self.response_id, effect.calls)
        self._created.set()
        self._done.set()


class HandleTable:
    """The handles of one session whose responses have not ended."""

    def __init__(self) -> None:
        self._open: dict[int, ResponseHandle] = {}
        self._count = 0

    def new(self, post: Callable[[Input], Awaitable[None]]) -> tuple[int, ResponseHandle]:
        """Make a handle; return it with its id."""
        self._count += 1
        handle = self._open[self._count] = ResponseHandle(self._count, post)
        return self._count, handle

    def apply(self, effects: Sequence[HandleWork]) -> None:
        """Tell handles what the machine says of their responses."""
        for effect in effects:
            if isinstance(effect, HandleCreated):
                self._open[effect.handle_id].on_created(effect)
            else:
                self._open.pop(effect.handle_id).on_done(effect)

    def resolve_rest(self, error: EngineError | None) -> None:
        """End the handles whose requests came too late for the router to see them."""
        status: HandleStatus = "superseded" if error is None else "failed"
        reason = "session_closed" if error is None else "connection_lost"
        self.apply([HandleDone(handle_id, status, reason=reason, error=error) for handle_id in self._open])

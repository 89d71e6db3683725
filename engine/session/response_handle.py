"""ResponseHandle: what an application holds after asking for a response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

import attrs
import trio

from engine.core.effects import HandleCreated, HandleDone, HandleStatus
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
        """Wait until it ends.

        Raises:
            ResponseFailed: the far end refused it, or failed to produce it.
            TransportLost: the connection went away first.
        """
        await self._done.wait()
        if self._error is not None:
            raise self._error
        assert self._outcome is not None
        return self._outcome

    async def cancel(self) -> None:
        """Stop it, or forget it if it has not begun. The outcome is then ``cancelled`` or ``superseded``."""
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
        self._outcome = ResponseOutcome(effect.status, effect.text, effect.reason, self.response_id)
        self._created.set()
        self._done.set()

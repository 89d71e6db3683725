"""InlineEvent: a client event with a place among the audio."""

from __future__ import annotations

import trio

from engine.errors import SessionClosed
from engine.wire.client_events import ClientEvent


class InlineEvent:
    """A client event that keeps its place among the audio, and tells when it has been written."""

    def __init__(self, event: ClientEvent) -> None:
        self.event = event
        self.sent = False
        self._settled = trio.Event()

    def mark_sent(self) -> None:
        """Note that it has been written."""
        self.sent = True
        self._settled.set()

    def give_up(self) -> None:
        """Note that it will not be written any more."""
        self._settled.set()

    async def wait(self) -> None:
        """Wait until it has been written. Raises SessionClosed if it never will be."""
        await self._settled.wait()
        if not self.sent:
            raise SessionClosed("the session closed before the audio was written")

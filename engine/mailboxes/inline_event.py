"""Mark: a client event with a place among the audio."""

from __future__ import annotations

import trio

from engine.errors import SessionClosed
from engine.wire.client_events import ClientEvent


class Mark:
    """A client event that keeps its place among the audio, and tells when it has been written."""

    def __init__(self, event: ClientEvent) -> None:
        self.event = event
        self.settled = trio.Event()
        self.written = False

    async def wait(self) -> None:
        """Until it is on the wire. Raises SessionClosed if it never will be."""
        await self.settled.wait()
        if not self.written:
            raise SessionClosed("the session closed before the audio was written")

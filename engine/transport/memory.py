"""memory_pair: two transports joined back to back, for tests and for a model in the same process.

There is no socket and no time in it, so a conversation over it runs under virtual time and is the same every time.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import trio

from engine.transport.ending import Ending, broken, closed_by_peer, closed_here, sendable

_Batch = tuple[str, ...]


@attrs.define
class _Parting:
    """What one end tells the other when it leaves."""

    words: Ending = attrs.field(factory=lambda: broken("the peer is gone"))


def memory_pair(capacity: int = 64) -> tuple[MemoryTransport, MemoryTransport]:
    """Two joined transports. Each way holds `capacity` batches; then `send` waits."""
    to_second, from_first = trio.open_memory_channel[_Batch](capacity)
    to_first, from_second = trio.open_memory_channel[_Batch](capacity)
    first_says, second_says = _Parting(), _Parting()
    first = MemoryTransport(to_second, from_second, first_says, second_says)
    second = MemoryTransport(to_first, from_first, second_says, first_says)
    return first, second


class MemoryTransport:
    """One end of a `memory_pair`. Implements `Transport` and `SupportsSendNowait`.

    A cancelled `send` has sent nothing. A close needs nobody's answer: the peer reads what was sent before it, in
    order, and then is told; what it had sent itself and was not read is gone, as with a socket.
    """

    def __init__(
        self,
        outgoing: trio.MemorySendChannel[_Batch],
        incoming: trio.MemoryReceiveChannel[_Batch],
        to_peer: _Parting,
        from_peer: _Parting,
    ) -> None:
        self._outgoing = outgoing
        self._incoming = incoming
        self._to_peer = to_peer
        self._from_peer = from_peer
        self._ending: Ending | None = None

    async def receive(self) -> list[str | bytes]:
        """See `Transport.receive`."""
        arrived: list[str | bytes] = []
        try:
            arrived.extend(await self._incoming.receive())
            while True:
                arrived.extend(self._incoming.receive_nowait())
        except (trio.WouldBlock, trio.EndOfChannel, trio.ClosedResourceError):
            if arrived:
                return arrived
            raise self._how_it_ended().error() from None

    async def send(self, messages: Sequence[bytes]) -> None:
        """See `Transport.send`."""
        if not messages:
            await trio.lowlevel.checkpoint()
            return
        try:
            await self._outgoing.send(tuple(message.decode() for message in messages))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise self._how_it_ended().error() from None

    def send_nowait(self, messages: Sequence[bytes]) -> bool:
        """See `SupportsSendNowait.send_nowait`."""
        try:
            self._outgoing.send_nowait(tuple(message.decode() for message in messages))
        except (trio.WouldBlock, trio.BrokenResourceError, trio.ClosedResourceError):
            return False
        return True

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        """See `Transport.aclose`."""
        code, reason = sendable(code, reason)
        self._leave(closed_here(code, reason), closed_by_peer(code, reason))
        await trio.lowlevel.checkpoint()

    def vanish(self) -> None:
        """End it without a goodbye, as a network that fails does: the peer is told `TransportLost`."""
        self._leave(broken("it was cut on purpose"), broken("the peer vanished"))

    def _leave(self, ending: Ending, parting: Ending) -> None:
        if self._ending is None:
            self._ending, self._to_peer.words = ending, parting
            self._outgoing.close()
            self._incoming.close()

    def _how_it_ended(self) -> Ending:
        return self._ending or self._from_peer.words

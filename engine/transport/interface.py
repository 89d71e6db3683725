"""Transport: one open pipe of messages, whatever carries it.

Above it nobody knows sockets, frames or channels; below it nobody knows JSON. Open one with `connect_sansio`,
`connect_trio_websocket` or `memory_pair`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable


class Transport(Protocol):
    """One open pipe of messages. At any time one task may receive and one may send; any task may close.

    It has an end, and an end has a code: `TransportClosed` where a WebSocket close code was given, by the peer or by
    this side; `TransportLost` where the connection broke without one. Once it has ended, every call says the same.
    """

    async def receive(self) -> list[str | bytes]:
        """Every complete message that has arrived, at least one, in order: `str` was sent as text, `bytes` as binary.

        Messages that came before the end are handed out before it is raised. Cancelling loses no message.
        WebSocket pings are answered in here, so a caller that stops receiving stops answering.

        Raises:
            TransportClosed: the connection was closed in good order, or for a fault, with this code and reason.
            TransportLost: it broke.
        """
        ...

    async def send(self, messages: Sequence[bytes]) -> None:
        """Send `messages`, each one text message in UTF-8, as one write. Returns when the system below has taken all.

        A cancel point always, but a schedule point only where it has to wait: the caller's loop waits for something
        to send in any case. What a cancelled send leaves behind, each implementation states.

        Raises:
            TransportLost, TransportClosed: nothing can be sent any more.
        """
        ...

    async def aclose(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye with `code` and `reason`, wait for the peer's goodbye, and release everything.

        The caller's cancel scope bounds the wait, and so does the transport's own `close_timeout`. Even a call that is
        cancelled from the start hands the goodbye to the network if that takes it without waiting, and always
        releases everything. Whoever waits in `receive` or `send` is woken with `TransportClosed`. Idempotent.

        Raises:
            Misuse: `code` is one that cannot be sent (only 1000-1014 but for the reserved ones, and 3000-4999).
        """
        ...


@runtime_checkable
class SupportsSendNowait(Protocol):
    """What a `Transport` may be able to do besides, for any task, but never while `send` runs."""

    def send_nowait(self, messages: Sequence[bytes]) -> bool:
        """Send `messages` as `Transport.send` does, if that needs no waiting. Never raises.

        Returns whether the system below has taken all. If not, the next call is `send` with the same messages, which
        goes on where this stopped, or says how the connection has ended.
        """
        ...

"""Promise 9, second half: control never waits behind audio, not even behind audio that was sent after it."""

from __future__ import annotations

from collections import deque

from engine.core.inputs import AudioSent, Input, SendMessage
from engine.wire.client_events import (
    ClientEvent,
    ConversationItemCreate,
    InputAudioBufferClear,
    InputAudioBufferCommit,
)
from engine.wire.items import Message
from tests.support.promises.base import Promise


class ApplicationsOrder(Promise):
    number = 9

    def __init__(self) -> None:
        self._asked = self._sent = 0
        """Messages."""
        self._before: deque[int] = deque()
        """How many messages had been asked for before each commit and clear that is not on the wire yet."""

    def commanded(self, command: Input, at: int) -> None:
        match command:
            case SendMessage():
                self._asked += 1
            case AudioSent():
                self._before.append(self._asked)

    def sent(self, event: ClientEvent, at: int) -> None:
        match event:
            case ConversationItemCreate(item=Message()):
                self._sent += 1
            case InputAudioBufferCommit() | InputAudioBufferClear() if self._before:
                if self._sent < self._before.popleft():
                    self.broken(f"{event.type} went out before a message that the application had sent earlier")

"""Promise 16: no wait for the server is without a bound, an event and a way on."""

from __future__ import annotations

from collections import Counter

import attrs

from engine.core.inputs import Input
from engine.core.waits import RESPONSE_END, TURN_END, Wait
from engine.events import AgentEnd, Error, RealtimeSessionEvent
from engine.history import HistoryItem
from engine.wire.client_events import ClientEvent, ResponseCancel
from engine.wire.server_events import (
    InputAudioBufferCleared,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    ResponseCreated,
    ResponseDone,
    ServerEvent,
)
from engine.wire.units import NS_PER_S
from tests.support.fake_server.server import Server
from tests.support.promises.base import Promise

SLACK_NS = 100_000_000
"""How much later than its bound a wait may be seen to end: whole sessions have tasks that take turns."""


@attrs.define
class _Debts:
    """What the server owes, and since when."""

    ends: dict[str, int] = attrs.field(factory=dict)
    """Of cancelled responses that have not been told to end."""
    turn: int | None = None
    """The user began to speak."""


class NoSilence(Promise):
    number = 16

    def __init__(self) -> None:
        self._debts = _Debts()
        self._running: set[str] = set()
        self._told: Counter[str] = Counter()
        """Error events, by code."""
        self._owed: Counter[str] = Counter()
        """Error events that there had to be, by code."""
        self._now = 0

    def told(self, event: ServerEvent, at: int) -> None:
        self._time(at)
        match event:
            case ResponseCreated(response=response):
                self._running.add(response.id)
                if response.conversation_id is not None and not response.metadata:
                    self._debts.turn = None  # it may be the server's own, which ends the turn
            case ResponseDone(response=response):
                self._running.discard(response.id)
                self._debts.ends.pop(response.id, None)
            case InputAudioBufferSpeechStarted():
                self._debts.turn = at
            case InputAudioBufferSpeechStopped() | InputAudioBufferCommitted() | InputAudioBufferCleared():
                self._debts.turn = None

    def commanded(self, command: Input, at: int) -> None:
        self._time(at)

    def sent(self, event: ClientEvent, at: int) -> None:
        self._time(at)
        match event:
            case ResponseCancel(response_id=str(response_id)) if response_id in self._running:
                self._debts.ends.setdefault(response_id, at)

    def seen(self, event: RealtimeSessionEvent, at: int) -> None:
        match event:
            case Error(code=str(code)):
                self._told[code] += 1
            case AgentEnd(response_id=response_id):
                self._running.discard(response_id)

    def _time(self, now: int) -> None:
        """Turn debts whose bound is reached into error events that must come."""
        for response_id, since in list(self._debts.ends.items()):
            if now > since + _ns(RESPONSE_END) + SLACK_NS:
                del self._debts.ends[response_id]
                self._owed[RESPONSE_END.code] += 1
        if self._debts.turn is not None and now > self._debts.turn + 2 * _ns(TURN_END) + SLACK_NS:
            self._debts.turn = None
            self._owed[TURN_END.code] += 1

    def settled(self, far: Server, history: list[HistoryItem]) -> None:
        for _ in self._debts.ends:
            self._owed[RESPONSE_END.code] += 1
        if self._debts.turn is not None:
            self._owed[TURN_END.code] += 1
        for code, owed in self._owed.items():
            if self._told[code] < owed:
                self.broken(f"{owed} times {code}, of which {self._told[code]} were told")


def _ns(wait: Wait) -> int:
    return round(wait.seconds * NS_PER_S)

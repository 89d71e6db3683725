"""Whose turn it is: what a polite caller pays attention to before speaking.

The agent has *finished* when it has begun to answer since a given moment and since it last heard the user, and now no
response runs, no tool runs, no answer to a tool is owed, and nothing is being played. That is not one event but the
state that several leave behind.
"""

from __future__ import annotations

import attrs
import trio

from engine.caller.call_events import CallEvent, PlaybackBegan, PlaybackEnded
from engine.events import (
    AgentEnd,
    AgentStart,
    Audio,
    HistoryAdded,
    HistoryUpdated,
    ToolEnd,
    ToolStart,
    UserSpeechStarted,
    UserSpeechStopped,
)
from engine.history import HistoryItem, ToolCall
from engine.wire.units import NS_PER_S

PATIENCE_SECONDS = 20.0
"""How long a caller waits for a sign of life before speaking again."""
PATIENCE_AT_WORK_SECONDS = 60.0
"""The same, while a response or a tool is under way."""


@attrs.define
class TurnTaking:
    """Watches the events of a call, and lets callers wait for their turn."""

    _responses: set[str] = attrs.field(factory=set, init=False)
    _calls: set[str] = attrs.field(factory=set, init=False)
    _sounding: set[str] = attrs.field(factory=set, init=False)
    """Items whose audio has begun to arrive and has not been played to its end."""
    _owed: bool = attrs.field(default=False, init=False)
    """A tool has answered and the response to it has not begun."""
    _user_speaks: bool = attrs.field(default=False, init=False)
    """As far as the server can hear."""
    _user_heard_ns: int = attrs.field(default=-1, init=False)
    _answered_ns: int = attrs.field(default=-1, init=False)
    _audible: tuple[str, int] | None = attrs.field(default=None, init=False)
    """The item that is audible now, and since when."""
    _changed: trio.lowlevel.ParkingLot = attrs.field(factory=trio.lowlevel.ParkingLot, init=False)

    def on_event(self, event: CallEvent) -> None:
        """Something happened."""
        match event:
            case AgentStart():
                self._responses.add(event.response_id)
                self._answered_ns = event.at_ns
                self._owed = False
            case AgentEnd():
                self._responses.discard(event.response_id)
            case UserSpeechStarted():
                self._user_speaks = True
            case UserSpeechStopped():
                self._user_speaks = False
                self._user_heard_ns = event.at_ns
            case HistoryAdded(item=item) | HistoryUpdated(item=item):
                self._note_call(item)
            case ToolStart():
                self._calls.add(event.call_id)
            case ToolEnd():
                self._calls.discard(event.call_id)
                self._owed = event.outcome != "cancelled"
            case Audio():
                self._sounding.add(event.item_id)
            case PlaybackBegan():
                self._audible = (event.item_id, event.at_ns)
            case PlaybackEnded():
                self._sounding.discard(event.item_id)
                self._audible = None
        self._changed.unpark_all()

    def _note_call(self, item: HistoryItem) -> None:
        """A call is under way from the moment it is written, before its tool starts."""
        if isinstance(item, ToolCall):
            if item.status == "incomplete":
                self._calls.discard(item.call_id)
            elif item.output is None:
                self._calls.add(item.call_id)

    @property
    def agent_is_audible(self) -> bool:
        """Whether the agent is being heard right now."""
        return self._audible is not None

    @property
    def agent_is_busy(self) -> bool:
        """Whether the agent speaks, thinks or works."""
        return bool(self._responses or self._calls or self._sounding or self._owed)

    async def agent_finished(self, since_ns: int) -> bool:
        """Wait until the agent has answered what was begun at `since_ns`. False if it never did."""
        while not self._answered(since_ns) or self.agent_is_busy:
            if not await self._wait_for_change():
                return False
        return True

    async def agent_audible(self, since_ns: int, seconds: float) -> bool:
        """Wait until the agent's answer has been audible for `seconds`. False if it fell silent before that."""
        while self._audible is None or self._audible[1] < since_ns:
            if (self._answered(since_ns) and not self.agent_is_busy) or not await self._wait_for_change():
                return False
        item_id, began_ns = self._audible
        with trio.move_on_at(began_ns / NS_PER_S + seconds):
            while self._audible is not None and self._audible[0] == item_id:
                await self._changed.park()
        return self.agent_is_audible

    def _answered(self, since_ns: int) -> bool:
        return not self._user_speaks and self._answered_ns >= max(since_ns, self._user_heard_ns)

    async def _wait_for_change(self) -> bool:
        """Wait for the next event; False when the caller's patience is at its end."""
        if self._sounding and not self._responses:
            await self._changed.park()  # what has arrived whole is certain to be played
            return True
        with trio.move_on_after(PATIENCE_AT_WORK_SECONDS if self.agent_is_busy else PATIENCE_SECONDS):
            await self._changed.park()
            return True
        return False

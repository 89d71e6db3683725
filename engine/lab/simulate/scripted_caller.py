"""The simulated caller: does what the scenario's turns say, one after another, when it is time for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs
import trio

from engine.caller.call_events import CallEvent
from engine.caller.caller import CallerActions
from engine.lab.scenario.distributions import Draws, Spread, Stream
from engine.lab.scenario.scenario import ScenarioCaller, ScenarioTurn
from engine.lab.scenario.sounds import Sounds
from engine.lab.simulate.oracle import OracleRecognizer
from engine.latency.turns import Purpose
from engine.wire.units import NS_PER_MS

PATIENCE_SECONDS = 20.0
"""How long a caller waits for an event before going on without it."""
_MOMENTS: Final = frozenset(
    {"agent_start", "agent_end", "tool_start", "tool_end", "audio_interrupted", "user_speech_started"}
)


@attrs.define
class Moments:
    """When each kind of event happened last."""

    _last: dict[str, int] = attrs.field(factory=dict, init=False)
    _changed: trio.lowlevel.ParkingLot = attrs.field(factory=trio.lowlevel.ParkingLot, init=False)

    def on_event(self, event: CallEvent) -> None:
        """Note when an event happened, and wake whoever waits for it."""
        if event.type in _MOMENTS:
            self._last[event.type] = event.at_ns
            self._changed.unpark_all()

    async def happened(self, kind: str, since_ns: int) -> bool:
        """Wait until it has happened since a moment. False: the caller's patience is at its end."""
        with trio.move_on_after(PATIENCE_SECONDS):
            while self._last.get(kind, -1) < since_ns:
                await self._changed.park()
            return True
        return False


@attrs.define(kw_only=True)
class ScriptedCaller:
    """Holds the caller's side of one call. Implements `ScenarioCaller`."""

    caller: ScenarioCaller
    turns: tuple[ScenarioTurn, ...]
    moments: Moments
    sounds: Sounds
    recognizer: OracleRecognizer | None
    """None: the server hears for itself."""
    draws: Draws
    done: int = attrs.field(default=0, init=False)
    """How often the caller has spoken or typed."""
    _streams: dict[str, Stream] = attrs.field(factory=dict, init=False)
    _since_ns: int = attrs.field(default=0, init=False)
    """When what the agent should answer was begun."""
    _expects: bool = attrs.field(default=False, init=False)

    @property
    def speaks(self) -> bool:
        """See `ScenarioCaller.speaks`."""
        return True

    async def call(self, actions: CallerActions, began_ns: int, *, greeted: bool) -> None:
        """See `ScenarioCaller.call`."""
        self._since_ns, self._expects = began_ns, greeted
        for number, turn in self._turns():
            await self._wait(actions, number, turn)
            await self._do(actions, number, turn)
        if self._expects:
            await actions.agent_finished(self._since_ns)

    def _turns(self) -> Iterator[tuple[int, ScenarioTurn]]:
        while True:
            yield from enumerate(self.turns)
            if not self.caller.repeats:
                return

    # ------------------------------------------------------------------------------------------ when
    async def _wait(self, actions: CallerActions, number: int, turn: ScenarioTurn) -> None:
        if turn.on is not None:
            await self.moments.happened(turn.on, self._since_ns)
            await trio.sleep(self._seconds(f"{number}.after_ms", turn.after_ms))
        elif turn.cuts_in_ms is not None:
            seconds = self._seconds(f"{number}.cuts_in_ms", turn.cuts_in_ms)
            if self._expects:
                await actions.agent_audible(self._since_ns, seconds)
        else:
            if self._expects:
                await actions.agent_finished(self._since_ns)
            pause_ms = self.caller.pause_ms if turn.pause_ms is None else turn.pause_ms
            await trio.sleep(self._seconds(f"{number}.pause_ms", pause_ms))

    def _seconds(self, purpose: str, spread: Spread) -> float:
        stream = self._streams.get(purpose)
        if stream is None:
            stream = self._streams[purpose] = Stream(spread, self.draws.stream(f"caller.{purpose}"))
        return stream.seconds()

    # ------------------------------------------------------------------------------------------ what
    async def _do(self, actions: CallerActions, number: int, turn: ScenarioTurn) -> None:
        if turn.silence_s is not None:
            await trio.sleep(turn.silence_s)
            return
        self.done += 1
        if turn.types is not None:
            self._since_ns = await actions.type(turn.types, interrupts=False)
            self._expects = True
            return
        begins_ns = await self._say(actions, turn)
        if not turn.backchannel:
            self._since_ns = begins_ns
            self._expects = True

    async def _say(self, actions: CallerActions, turn: ScenarioTurn) -> int:
        sound = self.sounds.of(turn)
        interrupts = turn.cuts_in_ms is not None or turn.on is not None
        purpose: Purpose = "backchannel" if turn.backchannel else "barge_in" if interrupts else "turn"
        if self.recognizer is not None and sound.span_ns is not None and turn.says:
            begins_ns, ends_ns = sound.span_ns
            self.recognizer.told(turn.says, (ends_ns - begins_ns) / NS_PER_MS)
        return await actions.say(sound, turn.says, purpose=purpose)

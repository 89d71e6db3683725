"""The event router.

    owns    all conversation state, inside the machine
    reads   `inbox`; what the application has taken out of `feed`; the clock
    writes  `feed`, `wire`, `tools`, `checks`, and the handles that the application awaits
    ends    when the machine has handled `Ended`; returns the error that ended the session, if one did

It is a loop around the machine and never waits for anybody but its inbox.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import trio

from engine.agents.wording import error_name
from engine.application_code import contained
from engine.clock import NS, now_ns
from engine.core.effects import CheckWork, Effects, HandleWork, ToolWork
from engine.core.inputs import Ended, Fault, Input, Tick
from engine.core.machine import OWN_INPUTS, Machine
from engine.errors import EngineError, SessionFailed, SlowConsumer, TransportLost
from engine.mailboxes import Feed, Mailbox, Outbound
from engine.models.interface import RealtimeModel
from engine.playback import RealtimePlaybackTracker


@attrs.define
class Router:
    """Gives every input to the machine, and every effect to whom it concerns."""

    machine: Machine
    model: RealtimeModel
    inbox: Mailbox[Input]
    outbound: Outbound
    feed: Feed
    tools: Mailbox[ToolWork]
    checks: Mailbox[CheckWork]
    playback: RealtimePlaybackTracker
    settle: Callable[[Sequence[HandleWork]], None]

    async def run(self) -> EngineError | None:
        """Route until the end."""
        while True:
            batch = await self._next()
            for taken in self.feed.reports():
                self.machine.handle(taken, taken.at_ns)
            now = now_ns()
            for played in self.playback.reports():
                self.machine.handle(played, now)
            for given in batch:
                if self.model.listeners and type(given) not in OWN_INPUTS:
                    self._tell_listeners(given, now)
                if isinstance(given, Ended):
                    return self._carry_out(self.machine.take_effects()) or given.error
                self.machine.handle(given, now)
            if (error := self._carry_out(self.machine.take_effects())) is not None:
                return error

    def conclude(self, error: EngineError | None) -> None:
        """Whatever has no end yet gets it. Nothing goes to the far end any more."""
        self.machine.handle(Ended(error), now_ns())
        effects = self.machine.take_effects()
        self.settle(effects.handles)
        try:
            self.feed.put(effects.events)
        except SlowConsumer:
            return

    async def _next(self) -> Sequence[Input]:
        """All inputs that wait, or a tick."""
        wake_at = self.machine.wake_at()
        if wake_at is None:
            return await self.inbox.take_all()
        with trio.move_on_at(wake_at / NS):
            return await self.inbox.take_all()
        return (Tick(),)

    def _carry_out(self, effects: Effects) -> EngineError | None:
        """Deliver effects. Returns the error that ends the session if a mailbox has reached its limit."""
        self.settle(effects.handles)
        try:
            self.feed.put(effects.events)
            self.outbound.put_wire(effects.wire)
            if effects.tools:
                self.tools.put_nowait(effects.tools)
            if effects.checks:
                self.checks.put_nowait(effects.checks)
        except (SlowConsumer, TransportLost) as error:
            return error
        except trio.WouldBlock:
            return SessionFailed("an actor of the session has stopped taking work")
        return None

    def _tell_listeners(self, event: Input, now: int) -> None:
        for listener in self.model.listeners:
            try:
                with contained():
                    listener(event)  # type: ignore[arg-type]
            except Exception as error:  # the application's own code must not end the session
                fault = EngineError(f"a listener of the model failed: {error_name(error)}")
                fault.__cause__ = error
                self.machine.handle(Fault(fault), now)

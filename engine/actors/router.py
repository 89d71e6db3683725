"""The event router.

    owns    all conversation state, inside the machine
    reads   `inbox`; what the server says; what the application has taken out of `events`; the clock
    writes  `events`, `wire`, `tools`, `checks`, and the handles that the application awaits
    ends    when the machine has handled `Disconnected`; returns the error that ended the session, if one did

Routing is one synchronous step, `_route`, and the router is whichever task runs it: nothing can come between its
beginning and its end. The router's own task runs it for what is in the inbox, and when the machine or the recorder has
something due. The connection's task runs it for what the server says (`on_server_events`): of all inputs these are the
most, and to hand each over to another task would cost more than to decide what follows from it. The application's task
runs it for what it told before the audio that it sends now (`drain_inbox`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress

import attrs
import trio

from engine.actors.isolation import callback_failed, isolate_errors
from engine.clock import Clock, now_ns, this_clock
from engine.core.agent_spec import AgentSpec
from engine.core.effects import (
    CheckText,
    CheckWork,
    Effects,
    FormatsInUse,
    HandleWork,
    HookEnd,
    HookHandoff,
    HookStart,
    ToolWork,
)
from engine.core.inputs import Disconnected, Input, TimePassed
from engine.core.machine import OWN_INPUTS, Machine
from engine.core.repeats import Repeats
from engine.errors import EngineError, SessionClosed, SessionFailed, SlowConsumer, TransportLost
from engine.mailboxes import DirectWrite, EventQueue, IdleTimer, Inbox, Mailbox, Outbound
from engine.mailboxes.playback_reports import RealtimePlaybackTracker
from engine.models.interface import RealtimeModel
from engine.models.refusals import cut_off
from engine.recorder import Recorder
from engine.wire.server_events import ServerEvent
from engine.wire.units import NS_PER_S


@attrs.define
class Router:
    """Gives every input to the machine, and every effect to whom it concerns."""

    machine: Machine
    model: RealtimeModel
    inbox: Inbox[Input]
    outbound: Outbound
    events: EventQueue
    direct_write: DirectWrite
    tools: Mailbox[ToolWork]
    checks: Mailbox[CheckWork]
    has_hooks: Callable[[AgentSpec], bool]
    has_guardrails: Callable[[AgentSpec], bool]
    playback: RealtimePlaybackTracker
    resolve_handles: Callable[[Sequence[HandleWork]], None]
    use_formats: Callable[[FormatsInUse], None]
    recorder: Recorder
    idle_timer: IdleTimer
    probe_seconds: float
    """How often the event loop's delay is measured if nothing else wakes the router."""
    _over: bool = attrs.field(default=False, init=False)
    _error: EngineError | None = attrs.field(default=None, init=False)
    _probe_at: float = attrs.field(default=math.inf, init=False)
    _repeats: Repeats = attrs.field(factory=Repeats, init=False)
    _now: Clock = attrs.field(factory=this_clock, init=False)

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> EngineError | None:
        """Route until the end."""
        self._probe_at = trio.current_time() + self.probe_seconds
        try:
            while not self._over:
                self._route(await self._next())
        finally:
            self._over = True
        return self._error

    def on_server_events(self, events: Sequence[ServerEvent]) -> None:
        """Route what the server says, behind whatever is in the inbox already.

        Raises:
            SessionClosed: nobody listens any more.
        """
        if self._over:
            raise SessionClosed("the session is closed")
        events = self._repeats.without(events)
        self._route([*self.inbox.take_nowait(), *events] if self.inbox.waiting else events)
        if self._over:
            self.idle_timer.wake("the conversation is over")
        elif self.machine.waits.moved:
            self.machine.waits.moved = False
            self.idle_timer.wake_at(self._wake_at())

    def drain_inbox(self) -> None:
        """Route what is in the inbox, before something is written that was meant to come after it."""
        if self.inbox.waiting and not self._over:
            self.on_server_events(())

    async def _next(self) -> Sequence[Input]:
        """Wait for inputs and return them all; `TimePassed` if the machine or the recorder has something due before."""
        self.machine.waits.moved = False
        with self.idle_timer.scope(max(self._wake_at(), trio.current_time())):
            return await self.inbox.take_all()
        now = now_ns()
        if (deadline := self.idle_timer.deadline) * NS_PER_S <= now:
            self.recorder.overhead.loop_delay.add(now - round(deadline * NS_PER_S))
        self._probe_at = trio.current_time() + self.probe_seconds
        return (TimePassed(self.outbound.audio_taken_ns),)

    def _wake_at(self) -> float:
        """When the machine wants to be asked again, something that was known before is to be recorded, or it is time to
        see how late the event loop is."""
        wake_at, due = self.machine.wake_at(), self.recorder.due
        if wake_at is not None and (due is None or wake_at < due):
            due = wake_at
        return self._probe_at if due is None else min(self._probe_at, due / NS_PER_S)

    @trio.lowlevel.enable_ki_protection
    def _route(self, batch: Sequence[Input]) -> None:
        """Give a batch to the machine, and what follows from it to whom it concerns."""
        if self.events.taken:
            for taken in self.events.reports():
                self.machine.handle(taken, taken.at_ns)
        now = self._now()
        for played in self.playback.reports():
            self.machine.handle(played, now)
            self.recorder.played(played.item_id, played.ms, now)
        listeners, handle = self.model.listeners, self.machine.handle
        for given in batch:
            if listeners and type(given) not in OWN_INPUTS:
                self._tell_listeners(given, now)
            if type(given) is Disconnected:
                self._end(self._carry_out(batch, now) or self._cause(given.error, now))
                return
            handle(given, now)
        if (error := self._carry_out(batch, now)) is not None:
            self._end(error)

    def _end(self, error: EngineError | None) -> None:
        self._over, self._error = True, error

    def _cause(self, error: EngineError | None, now: int) -> EngineError | None:
        """Return what the end of the connection means, told by what the server said just before."""
        if not isinstance(error, TransportLost):
            return error
        return cut_off(self.machine.errors_before_the_end(now), error) or error

    def conclude(self, error: EngineError | None) -> None:
        """Whatever has no end yet gets it. Nothing goes to the server any more."""
        now = now_ns()
        self.machine.handle(Disconnected(error), now)
        effects = self.machine.take_effects()
        self.resolve_handles(effects.handles)
        with suppress(SlowConsumer):
            self.events.put(effects.events)
        self.recorder.stepped((), effects, now)

    def _carry_out(self, batch: Sequence[Input], now: int) -> EngineError | None:
        """Deliver what a batch has led to, and have it recorded."""
        effects = self.machine.take_effects()
        error = self._deliver(effects)
        self.recorder.stepped(batch, effects, now)
        if effects.wire:
            self.direct_write.flush()
        return error

    def _deliver(self, effects: Effects) -> EngineError | None:
        """Returns the error that ends the session if a mailbox has reached its limit."""
        if effects.handles:
            self.resolve_handles(effects.handles)
        if effects.formats:
            self.use_formats(effects.formats[-1])
        try:
            if effects.events:
                self.events.put(effects.events)
            if effects.wire:
                self.outbound.put_wire(effects.wire)
            if effects.tools and (tools := [work for work in effects.tools if self._is_for_somebody(work)]):
                self.tools.put_nowait(tools)
            if effects.checks and (checks := [work for work in effects.checks if self._is_for_somebody(work)]):
                self.checks.put_nowait(checks)
        except (SlowConsumer, TransportLost) as error:
            return error
        except trio.WouldBlock:
            return SessionFailed("an actor of the session has stopped taking work")
        return None

    def _is_for_somebody(self, work: ToolWork | CheckWork) -> bool:
        """Most agents have no hooks, and many no guardrails: no actor is woken for nothing."""
        if isinstance(work, HookStart | HookEnd | HookHandoff):
            return self.has_hooks(work.agent)
        return not isinstance(work, CheckText) or self.has_guardrails(work.agent)

    def _tell_listeners(self, event: Input, now: int) -> None:
        for listener in self.model.listeners:
            try:
                with isolate_errors(waits=False):
                    listener(event)  # type: ignore[arg-type]
            except Exception as error:  # the application's own code must not end the session
                self.machine.handle(callback_failed("a listener of the model failed", error), now)

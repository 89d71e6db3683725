"""A run in real time: every session begins when it was intended to, or as soon after as this machine manages."""

from __future__ import annotations

import attrs
import trio

from engine.clock import now_ns
from engine.lab.scenario.sounds import spoken
from engine.lab.simulate.results import RunInfo
from engine.lab.simulate.run import Plan, RunWriter, measured
from engine.lab.simulate.run_call import CallSpec, run_call
from engine.wire.units import NS_PER_S

MOST_AT_ONCE = 200
"""Sessions. Those beyond wait for their turn, and the log says how late they began."""
LEAD_SECONDS = 0.1
"""Between the beginning of the run and that of its first session."""


@attrs.define
class Running:
    """A run that can be stopped, and tells how many sessions are being held."""

    plan: Plan
    writer: RunWriter
    now: int = attrs.field(default=0, init=False)
    _stopped: str | None = attrs.field(default=None, init=False)
    _scope: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)

    def stop(self, reason: str) -> None:
        """End it: sessions that are being held are given up. May be called at any time, from the same event loop."""
        self._stopped = self._stopped or reason
        self._scope.cancel(reason=reason)

    async def run(self) -> RunInfo:
        """Hold every session of the plan.

        Raises:
            ScenarioError: the scenario names an agent or a file that cannot be used.
            OSError: the results cannot be written.
        """
        limit = trio.CapacityLimiter(MOST_AT_ONCE)
        failure: Exception | None = None
        with self._scope:
            try:
                specs = await self._calls()
                began_ns = now_ns() + round(LEAD_SECONDS * NS_PER_S)
                async with trio.open_nursery() as nursery:
                    for spec in specs:
                        nursery.start_soon(self._hold, spec, began_ns, limit)
            except* Exception as group:
                failure = _first(group)
        if failure is not None:
            self.writer.close(interrupted=f"{type(failure).__name__}: {failure}")
            raise failure
        return self.writer.close(interrupted=self._stopped)

    async def _calls(self) -> tuple[CallSpec, ...]:
        """The sessions; a server that is elsewhere hears a voice, if there is one."""
        specs = self.plan.calls()
        if self.plan.model_config is None:
            return specs
        voice = await spoken(self.plan.file.scenario.turn)
        return tuple(attrs.evolve(spec, spoken=voice) for spec in specs)

    async def _hold(self, spec: CallSpec, began_ns: int, limit: trio.CapacityLimiter) -> None:
        await trio.sleep_until((began_ns + spec.intended_start_ns) / NS_PER_S)
        async with limit:
            self.now += 1
            try:
                result = await run_call(spec, began_ns=began_ns)
            finally:
                self.now -= 1
        self.writer.enter(measured(spec, result))


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Exception)
    return error

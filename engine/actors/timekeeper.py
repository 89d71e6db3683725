"""The timekeeper.

    owns    the moment at which something is to be recorded that was known before: the speaker falls silent
    reads   the clock
    writes  to the recorder: that this time has come, and how late the event loop was
    ends    with the session

Nothing of the conversation depends on it.
"""

from __future__ import annotations

import math

import attrs
import trio

from engine.clock import NS, now_ns
from engine.recorder import Recorder

PROBE_SECONDS = 1.0
"""How often the event loop's delay is measured: a wake-up costs 20 us, so a thousand sessions in one process spend a
fiftieth of a core on it."""


@attrs.define
class Timekeeper:
    """Wakes the recorder when it asked to be."""

    recorder: Recorder
    probe: bool
    """Measure the event loop even when nothing is due. Under virtual time there is nothing to measure."""
    _nap: trio.CancelScope = attrs.field(factory=trio.CancelScope, init=False)

    async def run(self) -> None:
        """Keep time until cancelled."""
        self.recorder.on_due = self._sooner
        while True:
            with trio.CancelScope(deadline=self._next()) as self._nap:
                await trio.sleep_forever()
            now = now_ns()
            self.recorder.share.loop_delay.add(now - round(self._nap.deadline * NS))
            self.recorder.wake(now)

    def _next(self) -> float:
        due = self.recorder.due
        soon = trio.current_time() + PROBE_SECONDS if self.probe else math.inf
        return soon if due is None else min(soon, due / NS)

    def _sooner(self, due: int) -> None:
        self._nap.deadline = min(self._nap.deadline, due / NS)

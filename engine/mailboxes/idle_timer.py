"""IdleTimer: how long the router may sleep between two inputs."""

from __future__ import annotations

import math

import trio

from engine.wire.units import NS_PER_S


class IdleTimer:
    """The time at which the router has to wake if no input comes before. Whoever learns of an earlier one says so."""

    def __init__(self) -> None:
        self._scope = trio.CancelScope()
        self._until = math.inf
        """The scope's deadline as it was asked for: the scope's own is slow to read."""

    def scope(self, until: float) -> trio.CancelScope:
        """Return a scope to sleep in, which is left at `until` (seconds of trio's clock) or when `wake_by` says so."""
        self._until = until
        self._scope = trio.CancelScope(deadline=until)
        return self._scope

    @property
    def deadline(self) -> float:
        """When the scope is left, in seconds of trio's clock."""
        return self._scope.deadline

    def wake_by(self, due: int) -> None:
        """Have the router wake at `due` (nanoseconds) at the latest; it then finds out anew what comes next."""
        if (wake_at := due / NS_PER_S) < self._until:
            self._until = wake_at
            self._scope.deadline = max(wake_at, trio.current_time())

    def wake_at(self, until: float) -> None:
        """Have the router wake at `until` (seconds of trio's clock), which may be later than was said before."""
        if until != self._until:
            self._until = until
            self._scope.deadline = max(until, trio.current_time())

    def wake(self, reason: str) -> None:
        """Have the router wake now."""
        self._scope.cancel(reason=reason)

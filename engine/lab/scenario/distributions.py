"""How long things take: a fixed time, or one that is drawn; and where the draws come from.

Every purpose of every session has a stream of its own (`Draws`), derived from the run's seed, the session's number and
the purpose's name. One more draw in one place therefore changes nothing anywhere else: two runs of a seed that differ
in one setting stay comparable, draw by draw.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from hashlib import sha256
from typing import Annotated, ClassVar, Literal, Protocol

import attrs

from engine.wire.constraints import Range
from engine.wire.units import NS_PER_MS, NS_PER_S, NS_PER_US, US_PER_S

_STEP_NS = NS_PER_US
"""Drawn times are whole microseconds: the last digits of a logarithm are not the same on every machine."""

Milliseconds = Annotated[float, Range(0, 86_400_000)]
Share = Annotated[float, Range(0, 1)]


@attrs.frozen(kw_only=True)
class Uniform:
    """Any time between two, each as likely."""

    type: ClassVar[Literal["uniform"]] = "uniform"
    low: Milliseconds
    high: Milliseconds


@attrs.frozen(kw_only=True)
class LogNormal:
    """A lognormal body, and a share of slow answers around a median of their own.

    One lognormal does not fit the times to the first token of hosted models, whose tails reach seven times the median;
    a body with sigma about 0.3 and three in a hundred around 3.5 s does.
    """

    type: ClassVar[Literal["lognormal"]] = "lognormal"
    median: Annotated[float, Range(0.001, 86_400_000)]
    sigma: Annotated[float, Range(0, 5)] = 0.3
    slow_share: Share = 0.0
    slow_median: Annotated[float, Range(0.001, 86_400_000)] = 3500.0
    slow_sigma: Annotated[float, Range(0, 5)] = 0.4


Spread = Milliseconds | Uniform | LogNormal
"""A number is a fixed time. All in milliseconds."""


def draw_ms(spread: Spread, rng: random.Random) -> float:
    """One time. Each kind takes the same number of draws whatever its parameters."""
    match spread:
        case Uniform():
            return spread.low + (spread.high - spread.low) * rng.random()
        case LogNormal():
            slow = rng.random() < spread.slow_share
            normal = rng.gauss(0.0, 1.0)
            median, sigma = (spread.slow_median, spread.slow_sigma) if slow else (spread.median, spread.sigma)
            return median * math.exp(sigma * normal)
        case _:
            return spread


def draw_ns(spread: Spread, rng: random.Random, *, factor: float = 1.0) -> int:
    """One time in nanoseconds, a whole number of microseconds, `factor` times as long."""
    return round(draw_ms(spread, rng) * factor * NS_PER_MS / _STEP_NS) * _STEP_NS


@attrs.frozen
class Draws:
    """Where the random numbers of one session come from."""

    seed: int
    """Of the run."""
    session: int
    """Its number in the run; -1: what all sessions share."""

    def stream(self, purpose: str) -> random.Random:
        """A generator for one purpose; asked twice, it begins again."""
        return random.Random(self.number(purpose))

    def number(self, purpose: str) -> int:
        """A number below 2**63 for one purpose."""
        digest = sha256(f"{self.seed}/{self.session}/{purpose}".encode()).digest()
        return int.from_bytes(digest[:8], "big") >> 1


SHARED = -1


@attrs.frozen(kw_only=True)
class SlowPeriodSettings:
    """A server that has good and bad times: both last exponentially long, and in a bad one everything is slower.

    The times belong to the run, not to a session: all sessions suffer in the same minutes.
    """

    good_s: Annotated[float, Range(0.001)]
    """How long a good time lasts, on average."""
    bad_s: Annotated[float, Range(0.001)]
    factor: Annotated[float, Range(1)] = 3.0
    """How many times longer everything takes in a bad one."""


class SlowPeriods:
    """Whether it is a bad minute, by the time since the run began. Ask for times in any order."""

    def __init__(self, settings: SlowPeriodSettings | None, rng: random.Random) -> None:
        self._settings = settings
        self._rng = rng
        self._changes: list[int] = []
        """When it turned: bad, good, bad and so on."""

    def factor(self, at_ns: int) -> float:
        """How many times longer things take at a moment."""
        if self._settings is None:
            return 1.0
        while not self._changes or self._changes[-1] <= at_ns:
            self._changes.append(self._next_change(self._settings))
        turned = sum(1 for change in self._changes if change <= at_ns)
        return self._settings.factor if turned % 2 else 1.0

    def _next_change(self, settings: SlowPeriodSettings) -> int:
        last = self._changes[-1] if self._changes else 0
        mean_s = settings.bad_s if len(self._changes) % 2 else settings.good_s
        lasts = round(self._rng.expovariate(1 / mean_s) * US_PER_S) * _STEP_NS
        return last + max(lasts, _STEP_NS)


class Latency(Protocol):
    """A time that something takes, drawn when it is asked for."""

    def draw(self, rng: random.Random) -> int:
        """Nanoseconds. `rng` is the asker's own."""
        ...


@attrs.frozen
class Stream:
    """Times for one purpose of one session. It draws from its own generator, whatever it is given.

    Stands in for `engine.local.settings.latencies.Duration`.
    """

    spread: Spread
    rng: random.Random
    factor: Callable[[], float] = lambda: 1.0
    """How much longer it takes just now."""

    def draw(self, rng: random.Random | None = None) -> int:
        """See `Latency.draw`."""
        return draw_ns(self.spread, self.rng, factor=self.factor())

    def seconds(self) -> float:
        """The next time, for sleeping."""
        return self.draw() / NS_PER_S

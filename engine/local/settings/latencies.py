"""How long the model takes: fixed times, or times drawn from a seeded distribution with a slow mode.

The defaults are what the service was seen to do without the network: `response.created` some 15 ms after the
request, the first output about 200 ms later, audio at about six times real time.
"""

from __future__ import annotations

import math
import random
from typing import Protocol

import attrs

from engine.wire.units import NS_PER_MS


class Duration(Protocol):
    """A time that something takes."""

    def draw(self, rng: random.Random) -> int:
        """The time in nanoseconds. Draws from `rng`, or not at all."""
        ...


@attrs.frozen
class Fixed:
    """Always the same."""

    ms: float = attrs.field(validator=attrs.validators.ge(0))

    def draw(self, rng: random.Random) -> int:
        """The same time, without drawing."""
        return round(self.ms * NS_PER_MS)


@attrs.frozen
class LogNormal:
    """A lognormal body, and a share of slow answers around a second, much later, median.

    One lognormal does not fit the measured times to the first token of hosted models: their tails reach seven
    times the median. A body with sigma about 0.3 and three in a hundred around 3.5 s does.
    """

    median_ms: float = attrs.field(validator=attrs.validators.gt(0))
    sigma: float = attrs.field(default=0.3, validator=attrs.validators.ge(0))
    slow_share: float = attrs.field(default=0.03, validator=[attrs.validators.ge(0), attrs.validators.le(1)])
    slow_median_ms: float = attrs.field(default=3500.0, validator=attrs.validators.gt(0))
    slow_sigma: float = attrs.field(default=0.4, validator=attrs.validators.ge(0))

    def draw(self, rng: random.Random) -> int:
        """One time; always two draws, so that runs with other parameters stay comparable."""
        slow = rng.random() < self.slow_share
        normal = rng.gauss(0.0, 1.0)
        median, sigma = (self.slow_median_ms, self.slow_sigma) if slow else (self.median_ms, self.sigma)
        return round(median * math.exp(sigma * normal) * NS_PER_MS)


@attrs.frozen
class Latencies:
    """Every time the local model takes on purpose."""

    created: Duration = Fixed(15)
    """From the request for a response, or the end of a spoken turn, to `response.created`."""
    first_output: Duration = Fixed(185)
    """From there to the first output item."""
    transcription: Duration = Fixed(250)
    """From the commit of an utterance to its finished transcript."""
    token: Duration = Fixed(8)
    """Between two text, transcript or argument deltas."""
    speed: float = attrs.field(default=6.0, validator=attrs.validators.gt(0))
    """Seconds of audio produced in a second."""

    @classmethod
    def none(cls) -> Latencies:
        """Everything at once."""
        nothing = Fixed(0)
        return cls(created=nothing, first_output=nothing, transcription=nothing, token=nothing, speed=1e6)

    @classmethod
    def realistic(cls, first_output_ms: float = 450) -> Latencies:
        """Drawn from the seed, as hosted models behave: see `LogNormal`."""
        return cls(
            created=LogNormal(15, slow_share=0),
            first_output=LogNormal(first_output_ms),
            transcription=LogNormal(400, slow_median_ms=1500),
            token=Fixed(8),
        )


USUAL = Latencies()
"""What the service was seen to take, fixed."""

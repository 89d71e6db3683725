"""Student's t distribution, so that intervals from few sessions are as wide as they must be, without scipy."""

from __future__ import annotations

import math
from functools import lru_cache

_AS_GOOD_AS_NORMAL = 200
"""Degrees of freedom above which the distribution is taken to be that of this many: slightly too wide, never less."""


@lru_cache(maxsize=1024)
def t_quantile(probability: float, degrees: int) -> float:
    """The value that a t-distributed variable stays below with `probability` (at least one half).

    Raises:
        ValueError: a probability below 0.5 or not below 1, or fewer than one degree of freedom.
    """
    if not 0.5 <= probability < 1 or degrees < 1:
        raise ValueError(f"no quantile at {probability} with {degrees} degrees of freedom")
    inside = 2 * probability - 1
    low, high = 0.0, 1.0
    while _within(high, degrees) < inside:
        high *= 2
        if high > 1e12:
            return math.inf
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _within(middle, degrees) < inside else (low, middle)
    return high


def _within(t: float, degrees: int) -> float:
    """The probability of a value between -t and t: the finite series of Abramowitz and Stegun, 26.7.3 and 26.7.4."""
    degrees = min(degrees, _AS_GOOD_AS_NORMAL)
    angle = math.atan2(t, math.sqrt(degrees))
    cosine = math.cos(angle)
    odd = degrees % 2
    term = cosine if odd else 1.0
    total = 0.0
    for k in range(1 + odd, degrees, 2):
        total += term
        term *= cosine * cosine * k / (k + 1)
    return 2 / math.pi * (angle + math.sin(angle) * total) if odd else math.sin(angle) * total

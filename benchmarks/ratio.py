"""How one client stands to another, and how sure that is: ratios within a repetition, their mean and its interval."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from typing import Final

import attrs

from engine.lab.statistics.student_t import t_quantile

CONFIDENCE: Final = 0.95
WIDE: Final = 0.03


@attrs.frozen
class Ratio:
    """A geometric mean of ratios, and between what the true one lies with 95 % confidence (by Student's t)."""

    mean: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, ratios: Iterable[float]) -> Ratio | None:
        """Judge by these ratios, all above zero; None for fewer than two, which say nothing of the next one."""
        logarithms = [math.log(ratio) for ratio in ratios]
        if len(logarithms) < 2:
            return None
        mean = statistics.fmean(logarithms)
        error = statistics.stdev(logarithms) / math.sqrt(len(logarithms))
        reach = error * t_quantile((1 + CONFIDENCE) / 2, len(logarithms) - 1)
        return cls(math.exp(mean), math.exp(mean - reach), math.exp(mean + reach), len(logarithms))

    @property
    def wide(self) -> bool:
        """Whether the interval spans so much that instructions are to be counted instead."""
        return self.high - self.low > WIDE * self.mean

"""Two runs, one metric: how much they differ, and between which bounds.

Where both runs played the same scenario with the same seed, turn i of session s met the same caller, the same draws of
the model's latency and the same network in both. Then the turns are compared one by one, and what the two have in
common, which is most of what varies, is not in the interval at all.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import TYPE_CHECKING

import attrs

from engine.lab.statistics.bootstrap import resampled_percentiles
from engine.lab.statistics.estimates import SEED, Interval, mean_variance, percentile_of, turns_needed
from engine.lab.statistics.sample import Sample
from engine.lab.statistics.student_t import t_quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEWEST_TURNS = 10
FEWEST_SESSIONS = 3
_MORE_FOR_A_DIFFERENCE = 4
"""A percentile's difference is judged with the spread of its bootstrap, which needs more turns than a look at it."""


class Figure(Enum):
    """What of the two distributions is compared."""

    MEAN = "mean"
    P50 = "p50"
    P95 = "p95"
    CHANGE = "median change"
    """The median of the changes turn by turn: of pairs only. Hardly moved by the few turns that went otherwise."""
    SHARE = "share"
    COUNT = "mean count"

    @property
    def percent(self) -> float | None:
        """The percentile, if it is one."""
        return {Figure.P50: 50.0, Figure.CHANGE: 50.0, Figure.P95: 95.0}.get(self)

    @property
    def discrete(self) -> bool:
        """Made of whole numbers, of which a few can agree by chance."""
        return self in (Figure.SHARE, Figure.COUNT)


@attrs.frozen
class Difference:
    """B minus A."""

    figure: Figure
    n_a: int
    n_b: int
    paired: int
    """Turns that were compared one by one; 0 where the runs were compared as wholes."""
    a: float | None
    b: float | None
    difference: float | None
    interval: Interval | None
    refusal: str | None = None
    """Why there is no interval."""

    def seen(self, least: float) -> bool:
        """Whether even the nearest end of the interval is further than `least` from no difference."""
        return self.interval is not None and (self.interval.low > least or self.interval.high < -least)


def difference(a: Sample, b: Sample, figure: Figure, *, paired: bool, level: float) -> Difference:
    """How much `b` is above `a`, with an interval that holds the truth with probability `level`.

    Args:
        a: the one run.
        b: the other.
        figure: what is compared.
        paired: compare value by value; the samples are aligned (`Sample.aligned`).
        level: of the interval.
    """
    value_a, value_b = _figure(a, figure), _figure(b, figure)
    delta = None if value_a is None or value_b is None else value_b - value_a
    if figure is Figure.CHANGE and delta is not None:
        delta = percentile_of(_changes(a, b).ordered, 50)
    refused = refusal(a, b, figure)
    interval = None
    if delta is not None and refused is None:
        spread, degrees = _spread_of_pairs(a, b, figure) if paired else _spread(a, b, figure)
        reach = t_quantile((1 + level) / 2, degrees) * spread if spread else 0.0
        interval = Interval(delta - reach, delta + reach)
    return Difference(figure, a.n, b.n, a.n if paired else 0, value_a, value_b, delta, interval, refused)


def _figure(sample: Sample, figure: Figure) -> float | None:
    if figure.percent is None or not sample.n:
        return sample.mean
    return percentile_of(sample.ordered, figure.percent)


def refusal(a: Sample, b: Sample, figure: Figure) -> str | None:
    """Why two samples cannot be compared by a figure, or None if they can."""
    fewest = FEWEST_TURNS
    if figure.percent is not None:
        fewest = max(fewest, _MORE_FOR_A_DIFFERENCE * turns_needed(figure.percent))
    if min(a.n, b.n) < fewest:
        return f"{fewest} turns are needed: there are {a.n} and {b.n}"
    if min(a.clusters, b.clusters) < FEWEST_SESSIONS:
        return f"{FEWEST_SESSIONS} sessions are needed: there are {a.clusters} and {b.clusters}"
    return None


def _spread(a: Sample, b: Sample, figure: Figure) -> tuple[float, int]:
    """The standard error of the difference of two runs on their own, and its degrees of freedom (Welch)."""
    variances = (_variance(a, figure, SEED), _variance(b, figure, SEED + 1))
    total = sum(variances)
    if not total:
        return 0.0, 1
    degrees = total**2 / sum(v**2 / (s.clusters - 1) for v, s in zip(variances, (a, b), strict=True))
    return math.sqrt(total), max(1, math.floor(degrees))


def _variance(sample: Sample, figure: Figure, seed: int) -> float:
    if figure.percent is not None:
        import numpy as np

        clusters = sample.clusters
        return float(np.nanvar(_drawn(sample, figure.percent, seed))) * clusters / (clusters - 1)
    variance = mean_variance(sample)
    if figure is Figure.SHARE:
        padded = (sum(sample.values) + 1) / (sample.n + 2)  # Agresti and Caffo, Am Stat 2000;54:280: 0 % is not certain
        return max(variance, padded * (1 - padded) / (sample.n + 2))
    if figure is Figure.COUNT:
        return max(variance, (sum(sample.values) + 1) / sample.n**2)
    return variance


def _spread_of_pairs(a: Sample, b: Sample, figure: Figure) -> tuple[float, int]:
    clusters = a.clusters
    if figure is Figure.CHANGE:
        return math.sqrt(_variance(_changes(a, b), figure, SEED)), clusters - 1
    if figure.percent is not None:
        import numpy as np

        apart = _drawn(b, figure.percent, SEED) - _drawn(a, figure.percent, SEED)  # the same sessions in both
        return float(np.nanstd(apart)) * math.sqrt(clusters / (clusters - 1)), clusters - 1
    pairs = _changes(a, b)
    variance = mean_variance(pairs)
    if figure.discrete:  # pairs that happen to agree in every session prove nothing: McNemar's variance at the least
        variance = max(variance, sum(value * value for value in pairs.values) / pairs.n**2)
    return math.sqrt(variance), clusters - 1


def _changes(a: Sample, b: Sample) -> Sample:
    return attrs.evolve(a, values=tuple(y - x for x, y in zip(a.values, b.values, strict=True)))


def _drawn(sample: Sample, percent: float, seed: int) -> NDArray[np.float64]:
    both = (50.0, 95.0)  # together, for the price of one
    drawn: NDArray[np.float64] = resampled_percentiles(sample, both, seed)[:, both.index(percent)]
    return drawn

"""Figures of one run, and how certain they are. Pure, and the same for the same values on any machine.

A percentile here is a value that was measured: the smallest that at least so many per cent of the turns do not exceed.
No figure is given that the turns cannot carry; what is refused says how many would be needed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import NormalDist

import attrs

from engine.lab.statistics.bootstrap import rank_of, resampled_percentiles
from engine.lab.statistics.sample import Sample
from engine.lab.statistics.student_t import t_quantile

PERCENTS = (50.0, 90.0, 95.0, 99.0)
CONFIDENCE = 0.95
SEED = 20261123
"""Of every bootstrap: a report made twice is the same report."""
_TURNS_BEYOND = 3


def turns_needed(percent: float) -> int:
    """How many turns a percentile asks for: three are to be expected beyond it.

    That makes 300 for a p99 and 60 for a p95. With fewer than three expected there, the chance that not one turn of
    the run lies beyond the true percentile is above exp(-3), 5 %: even the slowest turn would then understate it, and
    the figure is one turn's luck (the "rule of three", Hanley and Lippman-Hand, JAMA 1983;249:1743).

    Raises:
        ValueError: not a percentile between 0 and 100, both excluded.
    """
    if not 0 < percent < 100:
        raise ValueError(f"there is no percentile {percent}")
    return math.ceil(round(_TURNS_BEYOND * 100 / min(percent, 100 - percent), 6))


@attrs.frozen
class Interval:
    """Where the true figure lies, with the confidence that was asked for."""

    low: float
    high: float


@attrs.frozen
class Percentile:
    """One percentile of one metric."""

    percent: float
    n: int
    sessions: int
    value: float | None
    interval: Interval | None = None
    """None where there is no value, or one session only: turns of one session say nothing of the next one."""
    refusal: str | None = None
    """Why there is no value."""

    @property
    def name(self) -> str:
        """p50, p99, p99.9."""
        return f"p{self.percent:g}"


@attrs.frozen
class Share:
    """How many of the turns that are asked about."""

    hits: int
    of: int
    sessions: int
    interval: Interval | None = None

    @property
    def value(self) -> float | None:
        """The share, from 0 to 1; None of no turns."""
        return self.hits / self.of if self.of else None


def ecdf(values: Iterable[float], missing: int = 0) -> tuple[tuple[float, float], ...]:
    """Steps of the empirical distribution: each value once, with the share of all turns that do not exceed it.

    With `missing` turns that have no value (nobody answered) the last share stays below 1 by theirs.
    """
    ordered = sorted(values)
    n = len(ordered) + missing
    last = {value: rank for rank, value in enumerate(ordered, 1)}
    return tuple((value, rank / n) for value, rank in last.items())


def percentile_of(ordered: Sequence[float], percent: float) -> float:
    """The percentile of values in order, whatever their number.

    Raises:
        ValueError: there are no values.
    """
    if not ordered:
        raise ValueError("no values")
    return ordered[rank_of(percent, len(ordered)) - 1]


def percentiles(
    sample: Sample, percents: Sequence[float] = PERCENTS, *, confidence: float = CONFIDENCE, seed: int = SEED
) -> tuple[Percentile, ...]:
    """Percentiles with intervals from a bootstrap that resamples sessions, or a refusal for each that has none."""
    needed = {percent: turns_needed(percent) for percent in percents}
    allowed = [percent for percent in percents if sample.n >= needed[percent]]
    intervals = dict(zip(allowed, _intervals(sample, allowed, confidence, seed), strict=True))
    return tuple(
        Percentile(percent, sample.n, sample.clusters, percentile_of(sample.ordered, percent), intervals[percent])
        if percent in intervals
        else Percentile(percent, sample.n, sample.clusters, None, refusal=_too_few(percent, sample.n, needed[percent]))
        for percent in percents
    )


def share(sample: Sample, *, confidence: float = CONFIDENCE) -> Share:
    """How many values are 1, of those that are 0 or 1.

    The interval is Wilson's (JASA 1927;22:209), which also says something of 0 % and 100 %, with as many turns as the
    clustered ones are worth: fewer, where the hits keep to few sessions.
    """
    hits = round(sum(sample.values))
    if sample.clusters < 2:
        return Share(hits, sample.n, sample.clusters)
    z = t_quantile((1 + confidence) / 2, sample.clusters - 1)
    return Share(hits, sample.n, sample.clusters, _wilson(hits / sample.n, sample.n / _design_effect(sample), z))


def mean_variance(sample: Sample) -> float:
    """The variance of the mean, from the sums of each session's deviations (two sessions at least have values).

    The linearised estimator for clusters of unequal sizes (Cochran, "Sampling Techniques", 1977, 9A.5), with the usual
    correction for few clusters.
    """
    mean = sum(sample.values) / sample.n
    sums: dict[int, float] = {}
    for owner, value in zip(sample.owners, sample.values, strict=True):
        sums[owner] = sums.get(owner, 0.0) + value - mean
    clusters = len(sums)
    return clusters / (clusters - 1) * math.fsum(total * total for total in sums.values()) / sample.n**2


def _too_few(percent: float, n: int, needed: int) -> str:
    return f"a p{percent:g} needs {needed} turns: there {'is' if n == 1 else 'are'} {n}"


def _intervals(sample: Sample, percents: Sequence[float], confidence: float, seed: int) -> list[Interval | None]:
    """Percentile intervals of the bootstrap, widened about the estimate for few sessions.

    Resampling G sessions sees too little of their spread by sqrt((G-1)/G), and takes G for many; both are made good
    as they are for a mean, with Student's t.
    """
    if not percents or sample.clusters < 2:
        return [None] * len(percents)
    import numpy as np

    drawn = resampled_percentiles(sample, tuple(percents), seed)
    tail = (1 - confidence) / 2
    lows, highs = np.nanquantile(drawn, [tail, 1 - tail], axis=0)
    clusters = sample.clusters
    normal = NormalDist().inv_cdf(1 - tail)
    widening = math.sqrt(clusters / (clusters - 1)) * t_quantile(1 - tail, clusters - 1) / normal
    found: list[Interval | None] = []
    for percent, low, high in zip(percents, lows, highs, strict=True):
        value = percentile_of(sample.ordered, percent)
        found.append(Interval(value - (value - float(low)) * widening, value + (float(high) - value) * widening))
    return found


def _design_effect(sample: Sample) -> float:
    """How many times more the share varies than if every turn were on its own; at least 1."""
    share_of = sum(sample.values) / sample.n
    alone = share_of * (1 - share_of) / sample.n
    return max(1.0, mean_variance(sample) / alone) if alone else 1.0


def _wilson(share_of: float, n: float, z: float) -> Interval:
    if share_of in (0.0, 1.0):
        return Interval(*sorted((share_of, abs(share_of - z * z / (n + z * z)))))
    centre = (share_of + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * math.sqrt(share_of * (1 - share_of) / n + z * z / (4 * n * n))
    return Interval(max(0.0, centre - reach), min(1.0, centre + reach))

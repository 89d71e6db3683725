"""Two runs, everything that both can be measured by, and what it comes to.

All comparisons together are allowed one false alarm in a hundred pairs of runs of one build: every interval is wide
enough that all of them hold the truth at once with 99 % (Bonferroni), and a difference has to be larger than what
anybody cares for. So "no difference seen" and the intervals beside it never contradict each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import attrs

from engine.lab.report.measures import Group, Measure, MeasureKind, by_name, measures_of
from engine.lab.simulate.results import Run
from engine.lab.statistics.difference import Difference, Figure, difference, refusal
from engine.lab.statistics.sample import Sample

FALSE_ALARMS = 0.01
"""Of all comparisons of two runs together."""
LEAST_S = 0.001
"""A time that differs by no more than this does not differ."""


class Seen(Enum):
    """What a comparison came to."""

    NOTHING = "no difference seen"
    WORSE = "worse"
    BETTER = "better"
    CHANGED = "changed"
    """It differs, and neither is better."""
    TOO_FEW = "too few to tell"


@attrs.frozen
class Compared:
    """One figure of one measure in both runs."""

    measure: Measure
    """As it is in A."""
    difference: Difference
    seen: Seen

    @property
    def name(self) -> str:
        """model_ttfa mean."""
        figure = self.difference.figure
        return self.measure.name if figure is Figure.SHARE else f"{self.measure.name} {figure.value}"

    @property
    def sureness(self) -> float:
        """How far from nothing, in widths of the interval: what is most surely seen comes first."""
        interval, delta = self.difference.interval, self.difference.difference
        if interval is None or delta is None:
            return 0.0
        return abs(delta) / max(interval.high - interval.low, abs(delta) * 1e-6, 1e-12)


@attrs.frozen
class Comparison:
    """Two runs."""

    a: tuple[Measure, ...]
    b: tuple[Measure, ...]
    paired: bool
    """The runs have seed and script in common and were compared turn by turn."""
    level: float
    """Of each interval."""
    compared: tuple[Compared, ...]
    only_a: tuple[str, ...]
    """Measures that B does not have."""
    only_b: tuple[str, ...]

    def having(self, seen: Seen) -> tuple[Compared, ...]:
        """The comparisons that came to this, the surest first."""
        return tuple(sorted((each for each in self.compared if each.seen is seen), key=lambda each: -each.sureness))

    @property
    def tested(self) -> int:
        """How many comparisons there were turns enough for."""
        return sum(each.seen is not Seen.TOO_FEW for each in self.compared)

    @property
    def regression(self) -> bool:
        """Whether B is worse in anything."""
        return bool(self.having(Seen.WORSE))

    @property
    def seen(self) -> Seen:
        """What all of it comes to: worse in anything is worse."""
        for seen in (Seen.WORSE, Seen.CHANGED, Seen.BETTER):
            if self.having(seen):
                return seen
        return Seen.NOTHING if self.tested else Seen.TOO_FEW


def compare(a: Run, b: Run, *, least_s: float = LEAST_S) -> Comparison:
    """Compare two runs in everything that both have.

    Args:
        a: what was.
        b: what is now.
        least_s: a time must differ by more than this.
    """
    ours, theirs = measures_of(a), measures_of(b)
    others = by_name(theirs)
    paired = is_paired(a, b)
    sides = [
        (measure, *_sides(measure.sample, others[measure.name].sample, paired))
        for measure in ours
        if measure.name in others and measure.group is not Group.HARNESS
    ]
    wanted = [(measure, x, y, figure) for measure, x, y in sides for figure in _figures(measure, paired)]
    tests = sum(refusal(x, y, figure) is None for _, x, y, figure in wanted)
    level = 1 - FALSE_ALARMS / max(tests, 1)
    compared = tuple(
        _judged(measure, difference(x, y, figure, paired=paired, level=level), least_s)
        for measure, x, y, figure in wanted
    )
    named = by_name(ours)
    return Comparison(
        a=ours,
        b=theirs,
        paired=paired,
        level=level,
        compared=compared,
        only_a=tuple(name for name in named if name not in others),
        only_b=tuple(name for name in others if name not in named),
    )


def is_paired(a: Run, b: Run) -> bool:
    """Whether the runs had the same callers: the same seed, and the same things to say."""
    return a.info.seed == b.info.seed and a.info.scenario.get("turn") == b.info.scenario.get("turn")


def _sides(a: Sample, b: Sample, paired: bool) -> tuple[Sample, Sample]:
    return a.aligned(b) if paired else (a, b)


def _figures(measure: Measure, paired: bool) -> Sequence[Figure]:
    if measure.kind is MeasureKind.SHARE:
        return (Figure.SHARE,)
    if measure.kind is MeasureKind.COUNT:
        return (Figure.COUNT,)
    if measure.group is Group.ENGINE:
        return (Figure.MEAN,)
    return (Figure.MEAN, Figure.CHANGE if paired else Figure.P50, Figure.P95)


def _judged(measure: Measure, found: Difference, least_s: float) -> Compared:
    if found.interval is None or found.difference is None:
        return Compared(measure, found, Seen.TOO_FEW)
    if not found.seen(least_s if measure.kind is MeasureKind.TIME else 0.0):
        return Compared(measure, found, Seen.NOTHING)
    if measure.worse == 0:
        return Compared(measure, found, Seen.CHANGED)
    return Compared(measure, found, Seen.WORSE if found.difference * measure.worse > 0 else Seen.BETTER)

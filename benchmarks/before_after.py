"""The engine against the engine as it was: a ratio and its interval for every figure that both have."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from benchmarks.competitors import BASELINE, ENGINE
from benchmarks.ratio import Ratio
from benchmarks.results import Results
from benchmarks.scenario import Metric
from benchmarks.scenarios import SCENARIOS

WHAT = f"{ENGINE} / {BASELINE}"


@attrs.frozen
class Change:
    """What became of one figure; `ratio` is None if too few repetitions gave it for both."""

    metric: Metric
    ratio: Ratio | None

    def cells(self) -> list[str]:
        """Say it in four cells, as under `HEADINGS`."""
        if self.ratio is None:
            return [self.metric.title, "-", "", ""]
        low, high = f"{self.ratio.low:.3f}", f"{self.ratio.high:.3f}"
        return [self.metric.title, f"{self.ratio.mean:.3f}", f"{low} to {high}", str(self.ratio.count)]


HEADINGS = ("what", WHAT, "95 % interval", "repetitions")


def changes(results: Results) -> Iterator[Change]:
    """Compare what a client measured of itself, scenario by scenario; nothing if the engine as it was took no part."""
    for scenario in SCENARIOS:
        if BASELINE not in results.figures.get(scenario.name, {}):
            continue
        for metric in scenario.metrics:
            if not metric.title.startswith("("):
                yield Change(metric, Ratio.of(results.ratios(scenario.name, metric.key, ENGINE, BASELINE)))

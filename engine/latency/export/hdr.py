"""Latencies as HDR histograms: one line a metric in the log format that HdrHistogram's own tools read.

From 1 microsecond to ten minutes with three significant digits. A histogram holds no negative numbers: where the agent
began before the user was done (a negative `turn_gap`), the value is left out and counted in a comment, never
clamped to zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from engine.latency.metrics import METRICS
from engine.latency.turns import TurnRecord
from engine.outside.files import write_file

if TYPE_CHECKING:
    from hdrh.histogram import HdrHistogram

LEAST_US, MOST_US = 1, 600_000_000
DIGITS = 3


@attrs.frozen
class HdrLatency:
    """One metric's values in microseconds."""

    histogram: HdrHistogram
    negative: int
    """Values below zero, which the histogram does not hold."""
    above: int
    """Values above ten minutes, which are in it as ten minutes."""


def histograms(turns: Iterable[TurnRecord]) -> Mapping[str, HdrLatency]:
    """A histogram of every metric that is a time and has a value, by name.

    Raises:
        ImportError: hdrhistogram is not installed (the `export` extra).
    """
    from hdrh.histogram import HdrHistogram

    kept = tuple(turns)
    found: dict[str, HdrLatency] = {}
    for metric in METRICS.values():
        if metric.unit != "s":
            continue
        micros = [round(value * 1e6) for turn in kept if (value := metric.of(turn)) is not None]
        if not micros:
            continue
        histogram = HdrHistogram(LEAST_US, MOST_US, DIGITS)
        for value in micros:
            if value >= 0:
                histogram.record_value(min(value, MOST_US))
        negative = sum(value < 0 for value in micros)
        found[metric.name] = HdrLatency(histogram, negative, sum(value > MOST_US for value in micros))
    return found


def write_hdr(turns: Iterable[TurnRecord], path: Path) -> None:
    """Write a histogram log (version 1.3): comments, the legend, then a line a metric, tagged with its name.

    The values in the blobs are microseconds; the column `Interval_Max` is in milliseconds, as that format has it.

    Raises:
        ImportError: hdrhistogram is not installed (the `export` extra).
        OSError: the file cannot be written.
    """
    found = histograms(turns)
    lines = ["#[Histogram log format version 1.3]", "#[values are microseconds]"]
    lines += [
        f"#[{name}: {latency.negative} values below zero are left out, {latency.above} above {MOST_US} us are that]"
        for name, latency in found.items()
        if latency.negative or latency.above
    ]
    lines.append('"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"')
    for name, latency in found.items():
        most = latency.histogram.get_max_value() / 1e3
        lines.append(f"Tag={name},0.000,0.000,{most:.3f},{latency.histogram.encode().decode()}")
    write_file(path, ("\n".join(lines) + "\n").encode("ascii"))

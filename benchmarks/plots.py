"""The pictures: cost per delta by client, delivered latency, sessions on one core. Run in the base environment:

python -m benchmarks.plots RESULTS.json      (the benchmark does it by itself at its end)
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.competitors import COMPETITORS, Group
from benchmarks.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS: dict[Group, str] = {"engine": "#1b7837", "floor": "#9e9e9e", "peer": "#2166ac", "part": "#92c5de"}
GROUPS = {competitor.name: competitor.group for competitor in COMPETITORS}


def bars(axes: Axes, results: Results, scenario: str, key: str, title: str, unit: str) -> None:
    """Horizontal bars of medians, cheapest first, with the spread as a line."""
    found = [(name, results.spread(scenario, name, key)) for name in GROUPS]
    rows = sorted(((name, s) for name, s in found if s is not None), key=lambda row: -row[1].median)
    names = [name for name, _ in rows]
    medians = [spread.median for _, spread in rows]
    errors = [[s.median - s.low for _, s in rows], [s.high - s.median for _, s in rows]]
    axes.barh(names, medians, xerr=errors, color=[COLOURS[GROUPS[name]] for name in names], ecolor="#444444")
    for name, median in zip(names, medians, strict=True):
        axes.annotate(f" {median:,.3g}", (median, name), va="center", fontsize=8)
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(unit)
    axes.spines[["top", "right"]].set_visible(False)


def draw(results: Results, folder: Path) -> list[Path]:
    """Draw what the results have figures for; returns the files written."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    written: list[Path] = []

    def save(name: str) -> None:
        path = folder / f"{name}.png"
        pyplot.tight_layout()
        pyplot.savefig(path, dpi=130)
        pyplot.close()
        written.append(path)

    if "cpu_single" in results.figures:
        _, both = pyplot.subplots(1, 2, figsize=(12, 4))
        bars(both[0], results, "cpu_single", "cpu_single_250", "one session, as fast as it goes", "us per 250 ms delta")
        bars(both[1], results, "cpu_paced", "cpu_paced_250", "50 sessions at 5x real time", "us per 250 ms delta")
        save("cost_per_delta")
    if "latency" in results.curves:
        _, axes = pyplot.subplots(figsize=(8, 5))
        for name, curves in results.curves["latency"].items():
            values = curves["latency"]
            dashed = "--" if GROUPS[name] == "floor" else "-"
            axes.plot(values, [n / (len(values) - 1) for n in range(len(values))], dashed, label=name)
        axes.set_xscale("log")
        axes.set_xlabel("delivered latency, ms (write on the server to the application)")
        axes.set_ylabel("share of deltas")
        axes.set_title("50 full-duplex sessions in real time", fontsize=10)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
        save("latency")
    if "capacity" in results.figures:
        _, both = pyplot.subplots(1, 2, figsize=(12, 4))
        bars(both[0], results, "capacity", "capacity", "sessions on one core, p99 within 20 ms", "sessions")
        for name, curves in results.curves.get("capacity", {}).items():
            p99 = [value if not math.isnan(value) else None for value in curves["capacity_p99"]]
            both[1].plot(curves["capacity_sessions"], p99, marker=".", label=name)
        both[1].axhline(20, color="#b2182b", linewidth=1)
        both[1].set_yscale("log")
        both[1].set_xlabel("sessions")
        both[1].set_ylabel("delivered p99, ms")
        both[1].legend(fontsize=7)
        save("capacity")
    return written


if __name__ == "__main__":
    source = Path(sys.argv[1])
    for path in draw(Results.read(source), source.parent):
        print(path)

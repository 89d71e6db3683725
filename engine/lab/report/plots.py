"""Distributions as SVG, to be put into a page: legible in black and white, in the page's own colours.

Lines differ in style and marker, not in colour alone. Colours become the page's CSS variables, so that the same
drawing is right on a light and on a dark ground.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from engine.lab.statistics.estimates import ecdf, percentile_of, percentiles
from engine.lab.statistics.sample import Sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TEXT, _GRID = "#123456", "#abcdef"
"""As in the style's file; both are replaced by the page's own."""
_SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
_STYLES = ("-", "--", "-.", ":")
_MARKERS = ("o", "s", "^", "D")
MOST_CURVES = len(_SERIES)
_SIZE_IN = (6.0, 4.0)
_MOST_POINTS = 400
_SHOWN_PERCENT = 99.0
"""The axis ends a little after this percentile; what lies beyond is counted in words."""
_STYLE = Path(__file__).parent / "assets" / "plots.mplstyle"


@attrs.frozen
class Curve:
    """One line of a figure."""

    label: str
    sample: Sample
    """In seconds."""


def cdf(name: str, title: str, axis: str, curves: Sequence[Curve]) -> str:
    """Empirical distributions, with the median and the 95th percentile and their intervals where they are allowed.

    A curve that stays below 100 % does so because of turns that nobody answered.

    Args:
        name: makes the ids of this figure its own.
        title: of the figure.
        axis: what is on the x axis, without its unit.
        curves: at most `MOST_CURVES`, each with a value at least.

    Returns:
        An ``<svg>`` element.

    Raises:
        ImportError: matplotlib is not installed (the `lab` extra).
    """
    import matplotlib
    from matplotlib.figure import Figure

    start, end = _edges(curves)
    factor, unit = (1e3, "ms") if end < 1.0 else (1.0, "s")
    with matplotlib.rc_context(fname=_STYLE):
        figure = Figure(figsize=_SIZE_IN, layout="constrained")
        axes = figure.add_subplot()
        for at, curve in enumerate(curves):
            _draw(axes, curve, at, factor)
        axes.set_xlim(start * factor, end * factor)
        axes.set_ylim(0, 101)
        axes.set_yticks([0, 25, 50, 75, 95], ["0", "25", "50", "75", "95"])
        axes.grid(visible=True)
        axes.set_xlabel(f"{axis} ({unit})")
        axes.set_ylabel("turns that took no longer (%)")
        axes.set_title(title, fontsize=12, loc="left")
        axes.legend(loc="lower right", fontsize=10, handlelength=3)
        drawn = StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    return inline(drawn.getvalue(), name, f"{title}. {'; '.join(_in_words(curve, end) for curve in curves)}")


def _draw(axes: Axes, curve: Curve, at: int, factor: float) -> None:
    steps = ecdf(curve.sample.values, curve.sample.missing)
    every = max(1, len(steps) // _MOST_POINTS)
    kept = [*steps[:-1:every], steps[-1]]
    x, y = [value * factor for value, _ in kept], [share * 100 for _, share in kept]
    # from nothing at the first value to the far right at the last
    x, y = [x[0], *x, 1e9], [0.0, *y, y[-1]]
    colour, style, marker = _SERIES[at], _STYLES[at], _MARKERS[at]
    axes.plot(x, y, style, drawstyle="steps-post", color=colour, linewidth=1.8)
    asked = curve.sample.n + curve.sample.missing
    n = f"n = {curve.sample.n}" if not curve.sample.missing else f"n = {curve.sample.n} of {asked}"
    axes.plot([], [], style, color=colour, marker=marker, label=f"{curve.label} ({n})", markersize=6)
    for figure in percentiles(curve.sample, (50.0, 95.0)):
        if figure.value is None:
            continue
        height = figure.percent * curve.sample.n / asked
        axes.plot([figure.value * factor], [height], marker, color=colour, markersize=6)
        if figure.interval is not None:
            ends = [figure.interval.low * factor, figure.interval.high * factor]
            axes.plot(ends, [height, height], "|-", color=colour, linewidth=1.0, markersize=9)


def _in_words(curve: Curve, end: float) -> str:
    beyond = sum(value > end for value in curve.sample.values)
    said = f"{curve.label}: n = {curve.sample.n}"
    if curve.sample.missing:
        said += f", {curve.sample.missing} unanswered"
    return said + (f", {beyond} beyond the right edge" if beyond else "")


def _edges(curves: Sequence[Curve]) -> tuple[float, float]:
    """Where the x axis begins and ends, in seconds."""
    start = min(0.0, *(curve.sample.ordered[0] for curve in curves))
    end = max(percentile_of(curve.sample.ordered, _SHOWN_PERCENT) for curve in curves)
    return start, end + (0.08 * (end - start) or 0.001)


def beyond(curves: Sequence[Curve]) -> str:
    """What a figure does not show, for its caption; empty if it shows everything."""
    _, end = _edges(curves)
    found = []
    for curve in curves:
        out = [value for value in curve.sample.ordered if value > end]
        if out:
            turns = "turn lies" if len(out) == 1 else "turns lie"
            found.append(f"{len(out)} {turns} beyond the right edge ({curve.label}), up to {out[-1]:.2f} s")
    return "; ".join(found)


def inline(svg: str, name: str, words: str) -> str:
    """A drawing as a part of a page: no prolog, no fixed size, ids of its own, the page's colours, a text for those
    who do not see it."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r"\sxmlns(:\w+)?=\"[^\"]*\"", "", body)
    body = re.sub(r"\sxml:space=\"[^\"]*\"", "", body)
    head, _, rest = body.partition(">")
    head = re.sub(r"\s(width|height|version)=\"[^\"]*\"", "", head)
    rest = re.sub(r"\bid=\"([^\"]+)\"", rf'id="{name}-\1"', rest)
    rest = re.sub(r"xlink:href=\"#([^\"]+)\"", rf'href="#{name}-\1"', rest)
    rest = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", rest)
    rest = rest.replace(_TEXT, "currentColor").replace(_GRID, "var(--line)")
    for at, colour in enumerate(_SERIES):
        rest = rest.replace(colour, f"var(--s{at})")
    quoted = words.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return f'{head} role="img" aria-label="{quoted}">{rest.strip()}'

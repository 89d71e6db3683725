"""Distributions as they travel from a client process: a few named quantiles and two hundred more for a plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

POINTS = 200


def quantile(ordered: Sequence[int], q: float) -> float:
    """The q-quantile of sorted values, interpolated."""
    if not ordered:
        return float("nan")
    position = q * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def distribution_ms(values_ns: Sequence[int]) -> dict[str, Any]:
    """Count, p50, p90, p99, p99.9, largest, and the whole curve, in milliseconds."""
    ordered = sorted(values_ns)
    if not ordered:
        return {"count": 0}
    named = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999, "max": 1.0}
    return {
        "count": len(ordered),
        **{name: round(quantile(ordered, q) / 1e6, 4) for name, q in named.items()},
        "curve": [round(quantile(ordered, n / POINTS) / 1e6, 4) for n in range(POINTS + 1)],
    }

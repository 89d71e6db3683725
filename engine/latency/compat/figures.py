"""How the other definitions give their figures: a mean or a share, and of how many."""

from __future__ import annotations

from collections.abc import Sequence

import attrs


@attrs.frozen
class Mean:
    """A mean, as most published tables have it. None of nothing."""

    value: float | None
    n: int


@attrs.frozen
class Ratio:
    """So many of so many; not always a share: an event can happen more than once a turn."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        """None of nothing."""
        return self.hits / self.of if self.of else None


def mean_of(values: Sequence[float]) -> Mean:
    """The mean of values."""
    return Mean(sum(values) / len(values) if values else None, len(values))

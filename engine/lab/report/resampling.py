"""The cluster bootstrap: whole sessions drawn with replacement, the turns of a session together or not at all.

Deterministic on every machine: the draws come from `random.Random`, whose bytes for a seed are promised not to change;
numpy (which comes with the `lab` extra) only does the arithmetic.
"""

from __future__ import annotations

import random
from functools import lru_cache
from typing import TYPE_CHECKING

from engine.lab.report.sample import Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_DRAWS, FEWEST_DRAWS = 1000, 200
_NUMBERS_AT_MOST = 12_000_000
"""Values weighed in all draws of one sample together: what keeps a run of 60,000 turns to a fraction of a second."""
_AT_ONCE = 2_000_000


def draws_for(n: int) -> int:
    """How many draws a sample of `n` values gets: fewer for the large ones, whose figures move less."""
    return max(FEWEST_DRAWS, min(MOST_DRAWS, _NUMBERS_AT_MOST // max(n, 1)))


@lru_cache(maxsize=8)
def multiplicities(sessions: int, draws: int, seed: int) -> NDArray[np.int32]:
    """How often each session (column) is in each draw (row)."""
    import numpy as np

    raw = random.Random(seed).randbytes(8 * sessions * draws)
    chosen = (np.frombuffer(raw, dtype="<u8") % sessions).reshape(draws, sessions).astype(np.int64)
    offsets = np.arange(draws, dtype=np.int64)[:, None] * sessions
    counted = np.bincount((chosen + offsets).ravel(), minlength=draws * sessions)
    return counted.reshape(draws, sessions).astype(np.int32)


@lru_cache(maxsize=8)
def resampled_percentiles(sample: Sample, percents: tuple[float, ...], seed: int) -> NDArray[np.float64]:
    """Each percentile (column) in each draw (row); NaN where a draw holds no value."""
    import numpy as np

    count = draws_for(sample.n)
    values = np.asarray(sample.values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    values = values[order]
    owners = np.asarray(sample.owners, dtype=np.int64)[order]
    weights = multiplicities(len(sample.sessions), count, seed)
    found = np.full((count, len(percents)), np.nan)
    step = max(1, _AT_ONCE // max(sample.n, 1))
    for start in range(0, count, step):
        cumulated = np.cumsum(weights[start : start + step][:, owners], axis=1, dtype=np.int64)
        for row, below in enumerate(cumulated, start):
            if below[-1]:
                ranks = [rank_of(percent, int(below[-1])) for percent in percents]
                found[row] = values[np.searchsorted(below, ranks)]
    return found


def rank_of(percent: float, n: int) -> int:
    """The rank, from 1, of the smallest of `n` values that at least `percent` per cent of them do not exceed."""
    return max(1, -(-round(percent * 1000) * n // 100_000))

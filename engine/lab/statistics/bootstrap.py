"""The cluster bootstrap: whole sessions drawn with replacement, the turns of a session together or not at all.

Deterministic on every machine: the draws come from `random.Random`, whose bytes for a seed are promised not to change;
numpy (which comes with the `lab` extra) only does the arithmetic, and that in whole numbers.
"""

from __future__ import annotations

import math
import random
from functools import lru_cache
from typing import TYPE_CHECKING

from engine.lab.statistics.sample import Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_DRAWS, FEWEST_DRAWS = 1000, 200
_NUMBERS_AT_MOST = 12_000_000
"""Sessions in all draws together: a draw of very many is worth more, and costs more."""


def draws_for(sessions: int) -> int:
    """How many draws so many sessions get."""
    return max(FEWEST_DRAWS, min(MOST_DRAWS, _NUMBERS_AT_MOST // max(sessions, 1)))


@lru_cache(maxsize=8)
def multiplicities(sessions: int, draws: int, seed: int) -> NDArray[np.float32]:
    """How often each session (column) is in each draw (row): whole numbers, as floats, because those multiply fast."""
    import numpy as np

    raw = random.Random(seed).randbytes(8 * sessions * draws)
    chosen = (np.frombuffer(raw, dtype="<u8") % sessions).reshape(draws, sessions).astype(np.int64)
    offsets = np.arange(draws, dtype=np.int64)[:, None] * sessions
    counted = np.bincount((chosen + offsets).ravel(), minlength=draws * sessions)
    return counted.reshape(draws, sessions).astype(np.float32)


@lru_cache(maxsize=8)
def resampled_percentiles(sample: Sample, percents: tuple[float, ...], seed: int) -> NDArray[np.float64]:
    """Each percentile (column) in each draw (row); NaN where a draw holds no value.

    A draw never makes its values: with the values of the sample in order once and for all, a draw is how often each
    counts, and a percentile is where the counts have added up to its rank. That is looked for in two steps: in which
    of some sqrt(n) blocks, and then within that block.
    """
    import numpy as np

    values = np.asarray(sample.values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    values, owners = values[order], np.asarray(sample.owners, dtype=np.int64)[order]
    sessions = len(sample.sessions)
    drawn = multiplicities(sessions, draws_for(sessions), seed)
    width = max(1, math.isqrt(sample.n))
    blocks = -(-sample.n // width)
    block_of = np.arange(sample.n) // width
    held = np.bincount(block_of * sessions + owners, minlength=blocks * sessions).reshape(blocks, sessions)
    passed = np.cumsum(drawn @ held.T.astype(np.float32), axis=1, dtype=np.float64)
    totals = passed[:, -1]
    found = np.full((len(drawn), len(percents)), np.nan)
    for column, percent in enumerate(percents):
        ranks = np.array([rank_of(percent, int(total)) for total in totals], dtype=np.float64)
        places = _places(drawn, owners, passed, ranks, width)
        found[:, column] = np.where(totals > 0, values[np.minimum(places, sample.n - 1)], np.nan)
    return found


def _places(
    drawn: NDArray[np.float32],
    owners: NDArray[np.int64],
    passed: NDArray[np.float64],
    ranks: NDArray[np.float64],
    width: int,
) -> NDArray[np.int64]:
    """For each draw, the place of the first value at which the counts have added up to its rank."""
    import numpy as np

    rows = np.arange(len(drawn))
    blocks = np.minimum((passed < ranks[:, None]).sum(axis=1), passed.shape[1] - 1)
    before = np.where(blocks > 0, passed[rows, np.maximum(blocks - 1, 0)], 0.0)
    within = blocks[:, None] * width + np.arange(width)
    counts = drawn[rows[:, None], owners[np.minimum(within, len(owners) - 1)]]
    added = before[:, None] + np.cumsum(counts, axis=1, dtype=np.float64)
    places: NDArray[np.int64] = blocks * width + (added < ranks[:, None]).sum(axis=1)
    return places


def rank_of(percent: float, n: int) -> int:
    """The rank, from 1, of the smallest of `n` values that at least `percent` per cent of them do not exceed."""
    return max(1, -(-round(percent * 1000) * n // 100_000))

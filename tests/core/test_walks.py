"""What the machine does in long conversations is what is written down, to the last field.

Whether it is right, the other tests say; this one notices that it has changed. If that is meant, write it down anew
with `python -m tests.core.walks`.
"""

from __future__ import annotations

import pytest

from tests.core.walks import WALKS, WRITTEN, digests, walk

LINES = WRITTEN.read_text().splitlines()


def test_every_walk_is_written_down() -> None:
    assert [line.partition(":")[0] for line in LINES] == [str(seed) for seed in range(WALKS)]


@pytest.mark.parametrize("tens", range(0, WALKS, 10))
def test_walks_are_as_they_are_written_down(tens: int) -> None:
    for seed in range(tens, tens + 10):
        if digests(seed) != LINES[seed]:
            pytest.fail(_difference(seed), pytrace=False)


def _difference(seed: int) -> str:
    """Say which step differs first, and what is done in it now."""
    pairs = zip(digests(seed).split()[1:], LINES[seed].split()[1:], strict=False)
    at = next((at for at, (now, written) in enumerate(pairs) if now != written), -1)
    name, lines = list(walk(seed))[at]
    told = f"step {at} of walk {seed} ({name}) is not as written down; it is now:"
    return "\n".join([told, *lines, f"in full: python -m tests.core.walks {seed}"])

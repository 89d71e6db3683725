"""One metric of one run, as the statistics take it: a value a turn, and which session each turn belongs to.

Turns of a session are not independent: the same model instance, the same bad minute, the same caller. So a sample
never loses whose turn a value is, and everything that says how certain a figure is resamples whole sessions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import attrs


@attrs.frozen(slots=False, eq=False)
class Sample:
    """The values of one metric, in no particular order. Two samples are the same only if they are one object."""

    sessions: tuple[str, ...]
    """Every session of the run, those without a value too."""
    owners: tuple[int, ...]
    """For each value, the place of its session in `sessions`."""
    turns: tuple[int, ...]
    """For each value, its turn's index within the session."""
    values: tuple[float, ...]
    missing: int = 0
    """Turns that ought to have a value and have none: nobody answered."""

    @property
    def n(self) -> int:
        """How many values there are."""
        return len(self.values)

    @property
    def mean(self) -> float | None:
        """The mean of the values, or None if there are none."""
        return sum(self.values) / self.n if self.values else None

    @cached_property
    def ordered(self) -> tuple[float, ...]:
        """The values from the least to the greatest."""
        return tuple(sorted(self.values))

    @cached_property
    def clusters(self) -> int:
        """How many sessions have a value."""
        return len(set(self.owners))

    @cached_property
    def by_turn(self) -> dict[tuple[str, int], float]:
        """The values by session and turn."""
        return {
            (self.sessions[owner], turn): value
            for owner, turn, value in zip(self.owners, self.turns, self.values, strict=True)
        }

    def aligned(self, other: Sample) -> tuple[Sample, Sample]:
        """Both, with the turns alone that have a value in both, in one order."""
        common = tuple(key for key in self.by_turn if key in other.by_turn)
        return self._select(common, self.sessions), other._select(common, self.sessions)

    def _select(self, keys: Iterable[tuple[str, int]], sessions: tuple[str, ...]) -> Sample:
        """The values of these turns alone, in the order of `keys`, as turns of `sessions`."""
        place = {name: at for at, name in enumerate(sessions)}
        kept = tuple(keys)
        return Sample(
            sessions=sessions,
            owners=tuple(place[session] for session, _ in kept),
            turns=tuple(turn for _, turn in kept),
            values=tuple(self.by_turn[key] for key in kept),
        )


def sample_of(sessions: Sequence[str], values: Iterable[tuple[str, int, float]], missing: int = 0) -> Sample:
    """A sample of (session, turn, value).

    Raises:
        ValueError: a value of a session that is not in `sessions`.
    """
    place = {name: at for at, name in enumerate(sessions)}
    kept = tuple(values)
    strangers = {session for session, _, _ in kept} - place.keys()
    if strangers:
        raise ValueError(f"values of sessions that the run does not have: {', '.join(sorted(strangers))}")
    return Sample(
        sessions=tuple(sessions),
        owners=tuple(place[session] for session, _, _ in kept),
        turns=tuple(turn for _, turn, _ in kept),
        values=tuple(value for _, _, value in kept),
        missing=missing,
    )

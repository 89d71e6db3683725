"""The engine's own part of the latency: what it adds by itself, as histograms, all session long.

Every figure is in whole nanoseconds when it is added and in microseconds when it is written. A bucket reaches from
the bound of the one before to its own; bounds are powers of the square root of 2, from 1 us to about 36 minutes, so
that a quantile is right to a factor of 1.41, and 64 counters are all that it takes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Final

BUCKETS: Final = 64
_TOGETHER: Final = 64
BOUNDS_NS: Final[tuple[int, ...]] = tuple(round(1000 * 2 ** (step / 2)) for step in range(BUCKETS - 1))
"""The upper bounds of all buckets but the last, which has none."""


_EMPTY: Final = (0,) * BUCKETS
"""Shared by all that have not counted anything: a session has a dozen histograms, most of them unused."""


class Histogram:
    """How long something took, how often."""

    __slots__ = ("_added", "_counts", "_max_ns", "_min_ns", "_sum_ns")

    def __init__(self) -> None:
        self._counts: Sequence[int] = _EMPTY
        self._added: list[int] = []
        """What has not been put into its bucket yet: by the dozens that costs a third."""
        self._sum_ns = 0
        self._min_ns: int | None = None
        self._max_ns: int | None = None

    def add(self, ns: int) -> None:
        """Once more, in nanoseconds. Less than nothing counts as nothing."""
        self._added.append(ns)
        if len(self._added) == _TOGETHER:
            self._sort()

    def _sort(self) -> None:
        if not self._added:
            return
        added = [max(ns, 0) for ns in self._added]
        self._added.clear()
        self._sum_ns += sum(added)
        self._widen(min(added), max(added))
        counts = list(self._counts)
        for ns in added:
            counts[bisect_left(BOUNDS_NS, ns)] += 1
        self._counts = counts

    def _widen(self, least: int, most: int) -> None:
        self._min_ns = least if self._min_ns is None else min(self._min_ns, least)
        self._max_ns = most if self._max_ns is None else max(self._max_ns, most)

    @property
    def count(self) -> int:
        """How often."""
        return sum(self._counts) + len(self._added)

    @property
    def sum_ns(self) -> int:
        """All together."""
        self._sort()
        return self._sum_ns

    @property
    def min_ns(self) -> int | None:
        """The shortest; None if nothing was counted."""
        self._sort()
        return self._min_ns

    @property
    def max_ns(self) -> int | None:
        """The longest; None if nothing was counted."""
        self._sort()
        return self._max_ns

    def merge(self, other: Histogram) -> None:
        """All that another has counted, too."""
        self._sort()
        least, most = other.min_ns, other.max_ns
        if least is not None and most is not None:
            self._widen(least, most)
        self._sum_ns += other.sum_ns
        self._counts = [mine + others for mine, others in zip(self._counts, other._counts, strict=True)]

    def quantile(self, q: float) -> float | None:
        """Microseconds that a share of `q` did not pass: an upper bound, at most 1.41 times too long. None if nothing
        was counted.

        Raises:
            ValueError: `q` is not between 0 and 1.
        """
        if not 0 <= q <= 1:
            raise ValueError(f"a quantile is between 0 and 1, not {q}")
        longest = self.max_ns
        if longest is None:
            return None
        passed, needed = 0, q * self.count
        for bound, count in zip(BOUNDS_NS, self._counts, strict=False):
            passed += count
            if count and passed >= needed:
                return min(bound, longest) / 1000
        return longest / 1000

    def mean(self) -> float | None:
        """In microseconds; None if nothing was counted."""
        count = self.count
        return self.sum_ns / count / 1000 if count else None

    def to_mapping(self) -> dict[str, object]:
        """As it is written to a log: microseconds; buckets that are empty are left out, the bound of the last is
        None."""
        self._sort()
        bounds = [bound / 1000 for bound in BOUNDS_NS]
        return {
            "count": self.count,
            "min": None if self.min_ns is None else self.min_ns / 1000,
            "max": None if self.max_ns is None else self.max_ns / 1000,
            "sum": self.sum_ns / 1000,
            "buckets": [[bound, count] for bound, count in zip([*bounds, None], self._counts, strict=True) if count],
        }

    @classmethod
    def from_mapping(cls, given: Mapping[str, object]) -> Histogram:
        """What was written to a log.

        Raises:
            ValueError: it is no such thing.
        """
        histogram = cls()
        buckets = given.get("buckets")
        if not isinstance(buckets, list):
            raise ValueError("a histogram has 'buckets'")
        counts = list(_EMPTY)
        for bucket in buckets:
            match bucket:
                case [None, int(count)]:
                    counts[-1] += count
                case [int() | float() as bound, int(count)]:
                    counts[bisect_left(BOUNDS_NS, round(bound * 1000))] += count
                case _:
                    raise ValueError(f"a bucket is [upper bound in microseconds, count], not {bucket!r}")
        histogram._counts = counts
        histogram._sum_ns = _ns(given.get("sum")) or 0
        histogram._min_ns, histogram._max_ns = _ns(given.get("min")), _ns(given.get("max"))
        if histogram.count and (histogram._min_ns is None or histogram._max_ns is None):
            raise ValueError("a histogram that has counted has 'min' and 'max'")
        return histogram

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self.to_mapping() == other.to_mapping()

    __hash__ = None  # type: ignore[assignment]


class EngineOverhead:
    """What the engine adds."""

    def __init__(self) -> None:
        self.read_to_taken = Histogram()
        """From the read of the socket until the application took what it led to: audio, interruptions, ends of
        responses."""
        self.send_to_written = Histogram()
        """From `send_audio` until the piece was written to the server, the wait to become a whole frame included."""
        self.loop_delay = Histogram()
        """How much later than it asked to a task of the session was woken."""
        self.mailbox_wait: dict[str, Histogram] = {}
        """How long a batch waited, by mailbox."""

    def mailbox(self, name: str) -> Histogram:
        """The histogram of a mailbox."""
        return self.mailbox_wait.setdefault(name, Histogram())

    def to_mapping(self) -> dict[str, object]:
        """The fields of an `engine.overhead` instant."""
        return {
            "read_to_taken_us": self.read_to_taken.to_mapping(),
            "send_to_written_us": self.send_to_written.to_mapping(),
            "loop_delay_us": self.loop_delay.to_mapping(),
            "mailbox_wait_us": {name: waits.to_mapping() for name, waits in self.mailbox_wait.items()},
        }

    @classmethod
    def from_mapping(cls, given: Mapping[str, object]) -> EngineOverhead:
        """What an `engine.overhead` instant holds.

        Raises:
            ValueError: it is no such thing.
        """
        overhead = cls()
        overhead.read_to_taken = Histogram.from_mapping(_mapping(given, "read_to_taken_us"))
        overhead.send_to_written = Histogram.from_mapping(_mapping(given, "send_to_written_us"))
        overhead.loop_delay = Histogram.from_mapping(_mapping(given, "loop_delay_us"))
        waits = _mapping(given, "mailbox_wait_us")
        overhead.mailbox_wait = {name: Histogram.from_mapping(_mapping(waits, name)) for name in waits}
        return overhead


def _mapping(given: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = given.get(name)
    if not isinstance(value, Mapping):
        raise ValueError(f"'{name}' is missing")
    return value


def _ns(us: object) -> int | None:
    return round(us * 1000) if isinstance(us, int | float) else None

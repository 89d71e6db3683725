"""Numbers as people read them: three digits that mean something, the unit, a true minus."""

from __future__ import annotations

from engine.lab.report.measures import MeasureKind
from engine.lab.statistics.estimates import Interval


def seconds(value: float) -> str:
    """423 ms, 0.4 ms, 12.3 s."""
    ms = value * 1e3
    if abs(ms) >= 9_999.5:
        return signed(f"{value:.1f} s")
    return signed(f"{ms:.0f} ms" if abs(ms) >= 99.5 else f"{ms:.1f} ms")


def percent(value: float) -> str:
    """98.3 %."""
    return signed(f"{value * 100:.1f} %")


def quantity(value: float, kind: MeasureKind) -> str:
    """A value of a measure."""
    if kind is MeasureKind.TIME:
        return seconds(value)
    return percent(value) if kind is MeasureKind.SHARE else signed(f"{value:.3g}")


def between(interval: Interval, kind: MeasureKind) -> str:
    """Both ends of an interval, the unit once."""
    low, high = quantity(interval.low, kind), quantity(interval.high, kind)
    number, _, unit = low.partition(" ")
    return f"{number} to {high}" if unit and high.endswith(f" {unit}") else f"{low} to {high}"


def change(value: float, kind: MeasureKind) -> str:
    """A difference, with its sign."""
    written = quantity(value, kind)
    return written if written.startswith("−") or not _is_something(written) else f"+{written}"


def signed(text: str) -> str:
    """With a minus instead of a hyphen, and none before a zero."""
    return text.replace("-", "−") if _is_something(text) else text.removeprefix("-")


def _is_something(text: str) -> bool:
    return any(digit in text for digit in "123456789")

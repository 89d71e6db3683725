"""Numbers as people read them."""

from __future__ import annotations

import pytest

from engine.lab.report.measures import MeasureKind
from engine.lab.report.numbers import between, change, percent, quantity, seconds
from engine.lab.statistics.estimates import Interval


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0.0 ms"), (0.0004, "0.4 ms"), (0.0804, "80.4 ms"), (0.0996, "100 ms"), (1.2345, "1234 ms"),
        (12.34, "12.3 s"), (-0.15, "−150 ms"), (-0.00001, "0.0 ms"),
    ],
)  # fmt: skip
def test_times(value: float, written: str) -> None:
    assert seconds(value) == written


def test_everything_else() -> None:
    assert percent(0.9832) == "98.3 %"
    assert quantity(3.0, MeasureKind.COUNT) == "3"
    assert between(Interval(0.1, 0.25), MeasureKind.TIME) == "100 to 250 ms"
    assert between(Interval(9.0, 11.0), MeasureKind.TIME) == "9000 ms to 11.0 s"
    assert between(Interval(1.0, 2.0), MeasureKind.COUNT) == "1 to 2"
    assert change(0.08, MeasureKind.TIME) == "+80.0 ms"
    assert change(-0.08, MeasureKind.TIME) == "−80.0 ms"
    assert change(1e-9, MeasureKind.TIME) == "0.0 ms"

"""Every turn of a run as small as it goes, for the page's own script: the table of turns and the timelines.

One list a turn instead of an object, texts by their number in one table, times in tenths of a millisecond. What a
timeline is made of is the same for thousands of turns but for the times: so a turn has its times, each as the step from
the one before, and the number of a shape, whose spans refer to them. A large run is compressed; browsers unpack it
themselves.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence
from itertools import pairwise

import attrs
import orjson

from engine.latency.export.lanes import LANES, drawn
from engine.latency.metrics import METRICS
from engine.latency.turns import TurnRecord

COMPRESSED_ABOVE = 400_000
"""Bytes of JSON."""
SHOWN = ("turn_gap", "endpoint_delay", "model_ttfa", "playout_delay", "yield_latency", "tool_time")
"""Metrics in the table, beside `turn_gap_heard` where the line does not know the user's end."""
_NS_PER_UNIT = 100_000
_NONE = -1
_OWN_TEXT = -2
"""In the place of a text: what the user said."""

Shape = tuple[tuple[int, int, int, int, int], ...]
"""Spans: lane, name, and the places of start, stop and detail."""


@attrs.frozen
class Packed:
    """Data for a script element."""

    text: str
    compressed: bool


@attrs.define
class _Texts:
    numbers: dict[str, int] = attrs.field(factory=dict)

    def number(self, text: str | None) -> int:
        """The place of a text in the table."""
        return _NONE if text is None else self.numbers.setdefault(text, len(self.numbers))


@attrs.define
class _Shapes:
    numbers: dict[Shape, int] = attrs.field(factory=dict)

    def number(self, shape: Shape) -> int:
        """The place of a shape in the table."""
        return self.numbers.setdefault(shape, len(self.numbers))


def packed(turns: Sequence[TurnRecord]) -> Packed:
    """All turns, in the order in which they are given: that is how the page refers to them."""
    texts, shapes = _Texts(), _Shapes()
    rows = [_row(turn, texts, shapes) for turn in turns]
    data = orjson.dumps(
        {
            "metrics": SHOWN,
            "lanes": LANES,
            "texts": list(texts.numbers),
            "shapes": list(shapes.numbers),
            "turns": rows,
        }
    )
    if len(data) <= COMPRESSED_ABOVE:
        return Packed(data.decode().replace("<", "\\u003c"), compressed=False)
    return Packed(base64.b64encode(gzip.compress(data, mtime=0)).decode(), compressed=True)


def _row(turn: TurnRecord, texts: _Texts, shapes: _Shapes) -> list[object]:
    spans = drawn(turn)
    times = sorted({at for each in spans for at in (each.start, each.stop) if at is not None})
    place = {at: number for number, at in enumerate(times)}
    shape = tuple(
        (
            LANES.index(each.lane),
            texts.number(each.name),
            place[each.start],
            _NONE if each.stop is None else place[each.stop],
            _OWN_TEXT if each.detail and each.detail == turn.user_text else texts.number(each.detail),
        )
        for each in spans
    )
    units = [_units(at - turn.began) for at in times]
    return [
        texts.number(turn.session),
        turn.index,
        texts.number(turn.opened_by if turn.purpose in (None, "turn") else turn.purpose),
        texts.number(turn.user_text),
        texts.number(_fate(turn)),
        _units(turn.began),
        [_metric(name, turn) for name in SHOWN],
        _gap(turn),
        [later - earlier for earlier, later in pairwise([0, *units])],
        shapes.number(shape),
    ]


def _metric(name: str, turn: TurnRecord) -> int | None:
    value = METRICS[name].of(turn)
    return None if value is None else round(value * 1e4)


def _fate(turn: TurnRecord) -> str:
    if not turn.complete and not turn.answered:
        return "cut short"
    if not turn.wants_answer:
        return "answered, unasked" if turn.answered else "no answer wanted"
    if not turn.answered:
        return "unanswered"
    return f"interrupted by {turn.interruption.cause}" if turn.interruption else "answered"


def _gap(turn: TurnRecord) -> list[int] | None:
    """What to measure off in the timeline: the turn's gap."""
    if turn.user_end is None or turn.playout_audible is None:
        return None
    return [_units(turn.user_end - turn.began), _units(turn.playout_audible - turn.began)]


def _units(ns: int) -> int:
    return round(ns / _NS_PER_UNIT)

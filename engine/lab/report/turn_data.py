"""Every turn of a run as small as it goes, for the page's own script: the table of turns and the timelines.

One list a turn instead of an object, texts by their number in one table, times in tenths of a millisecond. A large run
is compressed; browsers unpack it themselves.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence

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


@attrs.frozen
class Packed:
    """Data for a script element."""

    text: str
    compressed: bool


@attrs.define
class _Texts:
    numbers: dict[str, int] = attrs.field(factory=dict)

    def number(self, text: str | None) -> int:
        """The place of a text in the table; -1 for none."""
        return -1 if text is None else self.numbers.setdefault(text, len(self.numbers))


def packed(turns: Sequence[TurnRecord]) -> Packed:
    """All turns, in the order in which they are given: that is how the page refers to them."""
    texts = _Texts()
    rows = [_row(turn, texts) for turn in turns]
    data = orjson.dumps({"metrics": SHOWN, "lanes": LANES, "texts": list(texts.numbers), "turns": rows})
    if len(data) <= COMPRESSED_ABOVE:
        return Packed(data.decode().replace("<", "\\u003c"), compressed=False)
    return Packed(base64.b64encode(gzip.compress(data, mtime=0)).decode(), compressed=True)


def _row(turn: TurnRecord, texts: _Texts) -> list[object]:
    spans = [
        [
            LANES.index(each.lane),
            texts.number(each.name),
            _units(each.start - turn.began),
            -1 if each.stop is None else _units(each.stop - each.start),
            texts.number(each.detail),
        ]
        for each in drawn(turn)
    ]
    return [
        texts.number(turn.session),
        turn.index,
        texts.number(turn.opened_by if turn.purpose in (None, "turn") else turn.purpose),
        texts.number(turn.user_text),
        texts.number(_fate(turn)),
        _units(turn.began),
        [_metric(name, turn) for name in SHOWN],
        _gap(turn),
        spans,
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

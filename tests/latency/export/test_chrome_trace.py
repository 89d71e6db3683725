"""What Perfetto is given: the events' schema, spans that nest, and times in microseconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from engine.latency.export.chrome_trace import chrome_trace, write_chrome_trace
from engine.latency.export.lanes import LANES, drawn
from tests.latency.export.some_turns import QUESTION, TURNS, UNANSWERED

NUMBER = {"type": "number", "minimum": 0}
COMMON = {"name": {"type": "string", "minLength": 1}, "pid": {"type": "integer"}, "tid": {"type": "integer"}}
TIMED = {**COMMON, "cat": {"type": "string"}, "ts": NUMBER, "args": {"type": "object"}}
SCHEMA = {
    "type": "object",
    "required": ["traceEvents"],
    "properties": {
        "displayTimeUnit": {"enum": ["ms", "ns"]},
        "traceEvents": {
            "type": "array",
            "items": {
                "oneOf": [
                    {
                        "properties": {**COMMON, "ph": {"const": "M"}, "args": {"type": "object", "minProperties": 1}},
                        "required": ["ph", "name", "pid", "tid", "args"],
                        "additionalProperties": False,
                    },
                    {
                        "properties": {**TIMED, "ph": {"const": "X"}, "dur": NUMBER},
                        "required": ["ph", "name", "pid", "tid", "ts", "dur"],
                        "additionalProperties": False,
                    },
                    {
                        "properties": {**TIMED, "ph": {"const": "i"}, "s": {"enum": ["t", "p", "g"]}},
                        "required": ["ph", "name", "pid", "tid", "ts", "s"],
                        "additionalProperties": False,
                    },
                ]
            },
        },
    },
}


def events_of(trace: dict[str, Any], phase: str) -> list[dict[str, Any]]:
    return [event for event in trace["traceEvents"] if event["ph"] == phase]


def test_the_trace_is_what_the_format_says() -> None:
    jsonschema.validate(json.loads(json.dumps(chrome_trace(TURNS))), SCHEMA)


def test_times_are_microseconds() -> None:
    spans = {event["name"]: event for event in events_of(chrome_trace([QUESTION]), "X")}
    assert (spans["speaks"]["ts"], spans["speaks"]["dur"]) == (2_000_000, 1_500_000)
    assert (spans["plays"]["ts"], spans["plays"]["dur"]) == (4_920_000, 2_000_000)
    assert spans["turn 1"]["args"] == {"answered": True}


def test_every_lane_is_there_and_has_its_name() -> None:
    trace = chrome_trace(TURNS)
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in events_of(trace, "M") if e["name"] == "thread_name"}
    assert {*LANES, "turns"} <= set(names.values())
    assert len(set(names.values())) == len(names)
    used = {(event["pid"], event["tid"]) for phase in "Xi" for event in events_of(trace, phase)}
    assert used <= names.keys()


def test_spans_of_one_thread_nest() -> None:
    """Two tools overlap and neither is within the other: they are not put into one thread."""
    by_thread: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for event in events_of(chrome_trace(TURNS), "X"):
        by_thread.setdefault((event["pid"], event["tid"]), []).append((event["ts"], event["ts"] + event["dur"]))
    for spans in by_thread.values():
        for start, stop in spans:
            for other_start, other_stop in spans:
                assert not start < other_start < stop < other_stop
    tools = {event["tid"] for event in events_of(chrome_trace([QUESTION]), "X") if event["cat"] == "tools"}
    assert len(tools) == 2


def test_sessions_are_processes() -> None:
    import attrs

    other = attrs.evolve(UNANSWERED, session="s0002")
    trace = chrome_trace([*TURNS, other])
    names = {event["pid"]: event["args"]["name"] for event in events_of(trace, "M") if event["name"] == "process_name"}
    assert names == {1: "s0001", 2: "s0002"}


def test_the_model_does_not_think_while_its_tools_run() -> None:
    thinking = [(each.name, each.start, each.stop) for each in drawn(QUESTION) if each.name.startswith("thinks")]
    assert thinking == [
        ("thinks, calls a tool", 4_060_000_000, 4_100_000_000),
        ("thinks", 4_501_000_000, 4_900_000_000),
    ]
    assert ("thinks", 10_000_000, 50_000_000) in [(each.name, each.start, each.stop) for each in drawn(TURNS[0])]


def test_what_is_drawn_has_an_order_and_no_span_runs_backwards() -> None:
    for turn in TURNS:
        places = [(LANES.index(each.lane), each.start) for each in drawn(turn)]
        assert places == sorted(places)
        assert all(each.stop is None or each.stop >= each.start for each in drawn(turn))
    assert [each.name for each in drawn(UNANSWERED)] == ["speaks"]


def test_it_is_written(tmp_path: Path) -> None:
    write_chrome_trace(TURNS, tmp_path / "trace.json")
    assert json.loads((tmp_path / "trace.json").read_text())["displayTimeUnit"] == "ms"
    with pytest.raises(OSError, match="No such file"):
        write_chrome_trace(TURNS, tmp_path / "nowhere" / "trace.json")

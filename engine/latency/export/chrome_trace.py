"""Turns as Chrome trace events, which open in ui.perfetto.dev and chrome://tracing.

A process is a session, a thread is a lane. The format ("Trace Event Format", Google, 2016) wants the spans of a thread
to nest, so spans that overlap (two tools at once) are put into further threads of the same lane. Times and durations
are in microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from engine.latency.export.lanes import LANES, Drawn, Lane, drawn
from engine.latency.turns import TurnRecord
from engine.outside.files import write_file
from engine.outside.json_line import json_line
from engine.wire.units import NS_PER_US

Event = dict[str, object]

_THREADS_PER_LANE = 100
_TURNS_THREAD = 1


def chrome_trace(turns: Iterable[TurnRecord]) -> dict[str, object]:
    """The trace as a JSON object: sessions in the order in which they come."""
    processes: dict[str, list[TurnRecord]] = {}
    for turn in turns:
        processes.setdefault(turn.session, []).append(turn)
    events: list[Event] = []
    for pid, (session, of_session) in enumerate(processes.items(), 1):
        events += _process(pid, session, of_session)
    return {"displayTimeUnit": "ms", "traceEvents": events}


def write_chrome_trace(turns: Iterable[TurnRecord], path: Path) -> None:
    """Write the trace.

    Raises:
        OSError: the file cannot be written.
    """
    write_file(path, json_line(chrome_trace(turns)))


def _process(pid: int, session: str, turns: list[TurnRecord]) -> list[Event]:
    found: list[Event] = [
        _named("process_name", pid, 0, session),
        {"ph": "M", "name": "process_sort_index", "pid": pid, "tid": 0, "args": {"sort_index": pid}},
        _named("thread_name", pid, _TURNS_THREAD, "turns"),
    ]
    lanes: dict[Lane, list[list[int]]] = {lane: [] for lane in LANES}
    """Of each lane's threads, the ends of the spans that are open at the moment, the outermost first."""
    over = 0
    for turn in turns:
        start = max(turn.began, over)  # a turn can come to rest after the next one began; the row of turns must nest
        over = max(start, turn.over)
        found.append(_complete(pid, _TURNS_THREAD, f"turn {turn.index}", start, over, {"answered": turn.answered}))
    for each in sorted((each for turn in turns for each in drawn(turn)), key=_nesting):
        tid = 0 if each.stop is None else _thread(lanes[each.lane], each.start, each.stop)
        found.append(_event(pid, (LANES.index(each.lane) + 1) * _THREADS_PER_LANE + tid, each))
    for lane, threads in lanes.items():
        for tid in range(max(1, len(threads))):
            thread = (LANES.index(lane) + 1) * _THREADS_PER_LANE + tid
            found.append(_named("thread_name", pid, thread, lane if tid == 0 else f"{lane} {tid + 1}"))
    return found


def _nesting(each: Drawn) -> tuple[int, int]:
    """Of two that begin together, the longer one is around the other."""
    return each.start, -(each.stop if each.stop is not None else each.start)


def _thread(threads: list[list[int]], start: int, stop: int) -> int:
    """The first thread of a lane in which a span nests."""
    for tid, ends in enumerate(threads):
        while ends and ends[-1] <= start:
            ends.pop()
        if not ends or stop <= ends[-1]:
            ends.append(stop)
            return tid
    threads.append([stop])
    return len(threads) - 1


def _event(pid: int, tid: int, each: Drawn) -> Event:
    arguments: Event = {"detail": each.detail} if each.detail else {}
    if each.stop is not None:
        return _complete(pid, tid, each.name, each.start, each.stop, arguments, each.lane)
    at = each.start / NS_PER_US
    return {
        "ph": "i",
        "s": "t",
        "name": each.name,
        "cat": each.lane,
        "pid": pid,
        "tid": tid,
        "ts": at,
        "args": arguments,
    }


def _complete(pid: int, tid: int, name: str, start: int, stop: int, arguments: Event, cat: str = "turn") -> Event:
    times = {"ts": start / NS_PER_US, "dur": (stop - start) / NS_PER_US}
    return {"ph": "X", "name": name, "cat": cat, "pid": pid, "tid": tid, **times, "args": arguments}


def _named(what: str, pid: int, tid: int, name: str) -> Event:
    return {"ph": "M", "name": what, "pid": pid, "tid": tid, "args": {"name": name}}

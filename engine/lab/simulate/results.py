"""What a run wrote: read, whole or as far as it got.

    DIR/run.json                what was run, how it ended, the budgets
    DIR/sessions/s0001.jsonl    the log of a session
    DIR/sessions/s0001.wav      its sound, caller left, agent right, where it was wanted

`run.json` is written when the run begins and again when it ends, so that a run that died is still one that loads.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import attrs
import orjson
from cattrs import BaseValidationError, Converter, transform_error

from engine._messages import shorten
from engine.errors import LogError
from engine.lab.statistics.budgets import BudgetVerdict
from engine.latency.assemble import turns_of
from engine.latency.log import SessionLog, read_log
from engine.latency.turns import TurnRecord
from engine.outside.files import read_file, write_file
from engine.outside.json_text import NotJson, parse_json

VERSION = 1
RUN_FILE = "run.json"
SESSIONS = "sessions"
_LONGEST_PROBLEM = 500

Outcome = Literal["completed", "failed", "interrupted"]


@attrs.frozen(kw_only=True)
class SessionResult:
    """How one session went."""

    id: str
    intended_start_ns: int
    """When it should have begun, after the beginning of the run."""
    started_ns: int
    """When it did."""
    lasted_ns: int
    outcome: Outcome
    error: str | None = None
    turns: int = 0
    """Things that the caller said or typed."""
    drift_ms: float = 0.0
    """How much later than it should a piece of the caller's audio left, at worst: the harness's own fault."""


@attrs.frozen(kw_only=True)
class RunInfo:
    """What was run, and how it ended."""

    scenario: Mapping[str, Any]
    """As parsed, every key there."""
    scenario_file: str
    seed: int
    clock: Literal["real", "virtual"]
    engine: str
    model: str
    planned_sessions: int
    python: str | None = None
    platform: str | None = None
    machine: Mapping[str, Any] | None = None
    """None under virtual time, like everything that depends on the machine: a seed gives the same bytes everywhere."""
    started: str | None = None
    finished: bool = False
    interrupted: str | None = None
    """Why it is not whole."""
    sessions: tuple[SessionResult, ...] = ()
    budgets: tuple[BudgetVerdict, ...] = ()
    pacing_drift_ms: Mapping[str, float] | None = None
    """Of all sessions, each with its worst: count, mean, p95, max."""


@attrs.frozen
class Run:
    """A run that has been read."""

    folder: Path
    info: RunInfo
    sessions: tuple[SessionLog, ...]
    turns: tuple[TurnRecord, ...]
    partial: str | None
    """Why it is not whole, in words; None if it is."""


_converter = Converter()


def write_info(folder: Path, info: RunInfo) -> None:
    """Write `run.json`, in one step: a reader never sees half of it."""
    data = {"engine_run": VERSION, **_converter.unstructure(info)}
    write_file(folder / RUN_FILE, orjson.dumps(data, option=orjson.OPT_INDENT_2) + b"\n")


def load(folder: str | Path) -> Run:
    """Read a run.

    Raises:
        LogError: it is no run, one of another version, or a log in it is damaged.
    """
    folder = Path(folder)
    info = read_info(folder)
    logs = tuple(_log(path) for path in sorted((folder / SESSIONS).glob("*.jsonl")))
    turns = tuple(turn for log in logs for turn in turns_of(log))
    return Run(folder, info, logs, turns, _why_partial(info, logs))


def _log(path: Path) -> SessionLog:
    try:
        return read_log(path)
    except OSError as error:
        raise LogError(str(path), 1, f"it cannot be read: {error.strerror or error}") from error


def read_info(folder: Path) -> RunInfo:
    """What was run. Raises LogError."""
    path = folder / RUN_FILE
    try:
        data = parse_json(read_file(path))
    except OSError as error:
        raise LogError(str(path), 1, f"there is no run here: {error.strerror or error}") from error
    except NotJson as error:
        raise LogError(str(path), error.line, f"not JSON: {error}") from error
    version = data.pop("engine_run", None) if isinstance(data, dict) else None
    if version != VERSION:
        raise LogError(str(path), 1, f"a run of version {shorten(repr(version))}; this program reads version {VERSION}")
    try:
        return _converter.structure(data, RunInfo)
    except Exception as error:  # whatever cattrs makes of a file that somebody has edited
        raise LogError(str(path), 1, f"not the description of a run: {_problem(error)}") from error


def _problem(error: Exception) -> str:
    if isinstance(error, BaseValidationError):
        return shorten("; ".join(transform_error(error, path="run")), _LONGEST_PROBLEM)
    return shorten(f"{type(error).__name__}: {error}", _LONGEST_PROBLEM)


def _why_partial(info: RunInfo, logs: tuple[SessionLog, ...]) -> str | None:
    if info.interrupted is not None:
        return f"{info.interrupted}: {len(logs)} of {info.planned_sessions} sessions"
    if not info.finished:
        return f"the run did not end: {len(logs)} of {info.planned_sessions} sessions"
    cut = [log.header.session for log in logs if log.partial is not None]
    return f"the logs of {', '.join(cut)} are cut short" if cut else None

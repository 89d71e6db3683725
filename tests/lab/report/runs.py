"""Runs in memory, from calls that never took place."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from engine.lab.simulate.results import Run, RunInfo
from tests.lab.report.calls import Build, calls, turns_in


@lru_cache(maxsize=32)
def run_of(seed: int = 7, build: Build | None = None, sessions: int = 30, *, script: str = "one") -> Run:
    """A run of `sessions` calls."""
    logs = calls(seed, sessions, build)
    info = RunInfo(
        scenario={"name": "support call", "turn": [script]},
        scenario_file="support_call.toml",
        seed=seed,
        clock="virtual",
        engine="0.1.0",
        model="local",
        planned_sessions=sessions,
        finished=True,
    )
    return Run(Path("nowhere"), info, logs, turns_in(logs), None)

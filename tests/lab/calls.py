"""Scenarios for tests, and runs of them."""

from __future__ import annotations

from pathlib import Path

from engine.lab.scenario.scenario import ScenarioFile
from engine.lab.scenario.scenario_file import read_scenario
from engine.lab.simulate.results import RunInfo
from engine.lab.simulate.run import Plan, RunWriter
from engine.lab.simulate.run_virtual import run_virtually

SHORT = """
name = "short"
seed = 3
budgets = ["turn_gap p50 < 3 s", "response_rate > 0.99"]
[sessions]
count = 3
[[turn]]
says = "Where is my order?"
calls = { tool = "get_order_status", arguments = { order_number = "4712" } }
answer = "It is on its way, and it arrives on Thursday."
[[turn]]
says = "Stop, thank you. Goodbye."
cuts_in_ms = { type = "uniform", low = 300, high = 900 }
answer = "Goodbye."
[tool.get_order_status]
parameters = ["order_number"]
latency_ms = { type = "lognormal", median = 200, sigma = 0.5 }
[model]
first_token_ms = { type = "lognormal", median = 300, sigma = 0.3 }
[network]
delay_ms = 10
jitter_ms = 3
"""


def short(**replaced: str) -> ScenarioFile:
    """The short scenario; keyword arguments replace one text by another."""
    return scenario(SHORT, **replaced)


def scenario(text: str, **replaced: str) -> ScenarioFile:
    """A scenario from its text."""
    for before, after in replaced.items():
        text = text.replace(before, after)
    return ScenarioFile(read_scenario(text, "test.toml"), None)


def run_here(file: ScenarioFile, out: Path, *, workers: int = 1, audio: bool = False) -> RunInfo:
    """A run under virtual time."""
    plan = Plan(file=file, out=out, virtual=True, audio=audio)
    return run_virtually(plan, RunWriter(plan), workers=workers)


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}

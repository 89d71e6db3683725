"""A run: every session of a scenario, held and written down as it ends.

What was asked for is a `Plan`; whoever runs it gives each session's result to a `RunWriter`, which keeps `run.json`. A
run that is interrupted keeps every session that has ended, and says why there are no more.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from datetime import UTC, datetime
from os import cpu_count
from pathlib import Path

import attrs

from engine.errors import EngineError
from engine.lab.scenario.arrivals import intended_starts
from engine.lab.scenario.scenario import ScenarioFile
from engine.lab.scenario.scenario_file import plain
from engine.lab.simulate.results import SESSIONS, RunInfo, SessionResult, write_info
from engine.lab.simulate.run_call import CallSpec
from engine.lab.statistics.budgets import BudgetVerdict, budgets, judge, measure, statistic
from engine.latency.assemble import turns_of
from engine.latency.log import read_log
from engine.models.interface import ModelCapabilities
from engine.settings import RealtimeModelConfig
from engine.version import VERSION

LOCAL = "local"


class RunExists(EngineError):
    """The folder holds a run already: nothing is written over."""


@attrs.frozen(kw_only=True)
class Plan:
    """What is to be run."""

    file: ScenarioFile
    out: Path
    virtual: bool = False
    audio: bool = False
    """Keep the sound of virtual sessions too; real ones always keep it."""
    record: bool = False
    """Keep what went over the wire, for replays."""
    model: str = LOCAL
    """For people: where the model is."""
    model_config: RealtimeModelConfig | None = attrs.field(default=None, repr=False)
    """None: the local model."""
    capabilities: ModelCapabilities = attrs.field(factory=ModelCapabilities)
    """Of the server that `model_config` leads to."""

    @property
    def seed(self) -> int:
        """Of everything that is drawn."""
        return self.file.scenario.seed

    def calls(self) -> tuple[CallSpec, ...]:
        """Return what each session is to do."""
        folder = self.out / SESSIONS
        starts = intended_starts(self.file.scenario.sessions, self.seed)
        made = []
        for number, start in enumerate(starts):
            name = f"s{number + 1:04d}"
            made.append(
                CallSpec(
                    file=self.file,
                    seed=self.seed,
                    number=number,
                    intended_start_ns=start,
                    virtual=self.virtual,
                    logs_to=folder / f"{name}.jsonl",
                    wav=folder / f"{name}.wav" if self.audio or not self.virtual else None,
                    record=folder / name if self.record else None,
                    model_config=self.model_config,
                    capabilities=self.capabilities,
                )
            )
        return tuple(made)

    def describe(self) -> RunInfo:
        """What `run.json` says of it before anything has happened."""
        return RunInfo(
            scenario=plain(self.file.scenario),
            scenario_file=self.file.name,
            seed=self.seed,
            clock="virtual" if self.virtual else "real",
            engine=VERSION,
            model=self.model,
            planned_sessions=self.file.scenario.sessions.count,
            python=None if self.virtual else platform.python_version(),
            platform=None if self.virtual else platform.platform(),
            machine=None if self.virtual else {"cpu": _cpu_model(), "cores": cpu_count()},
            started=None if self.virtual else datetime.now(UTC).isoformat(timespec="milliseconds"),
        )


def changed(file: ScenarioFile, *, sessions: int | None = None, seed: int | None = None) -> ScenarioFile:
    """The scenario with another number of sessions, or another seed."""
    scenario = file.scenario
    if sessions is not None:
        scenario = attrs.evolve(scenario, sessions=attrs.evolve(scenario.sessions, count=sessions))
    if seed is not None:
        scenario = attrs.evolve(scenario, seed=seed)
    return attrs.evolve(file, scenario=scenario)


@attrs.frozen
class Measured:
    """A session that has ended, and what the budgets look at in it. Goes from a worker process to the writer."""

    result: SessionResult
    samples: tuple[tuple[float, ...], ...]
    """For each budget."""


def measured(spec: CallSpec, result: SessionResult) -> Measured:
    """Read a session's log and take from it what the budgets look at."""
    expected = budgets(spec.file.scenario.budgets)
    turns = turns_of(read_log(spec.logs_to)) if expected else ()
    return Measured(result, tuple(measure(budget, turns) for budget in expected))


class RunWriter:
    """Writes a run down: `run.json`, kept up to date.

    Raises:
        RunExists: the folder holds a run already.
        OSError: it cannot be written.
    """

    def __init__(self, plan: Plan, *, watch: Callable[[SessionResult], None] = lambda result: None) -> None:
        self._plan = plan
        self._watch = watch
        self._info = plan.describe()
        self._measured: list[Measured] = []
        if plan.out.exists() and any(plan.out.iterdir()):
            raise RunExists(f"{plan.out} is not empty: a run is not written over")
        (plan.out / SESSIONS).mkdir(parents=True, exist_ok=True)
        write_info(plan.out, self._info)

    def enter(self, measured: Measured) -> None:
        """Add a session that has ended."""
        self._measured.append(measured)
        self._watch(measured.result)

    def close(self, *, interrupted: str | None = None) -> RunInfo:
        """Write what came, and what the budgets say to it, and return it: nothing more will come."""
        self._measured.sort(key=lambda each: each.result.id)
        results = tuple(each.result for each in self._measured)
        missing = len(results) < self._info.planned_sessions
        self._info = attrs.evolve(
            self._info,
            finished=interrupted is None and not missing,
            interrupted=interrupted or ("not all sessions were held" if missing else None),
            sessions=results,
            budgets=self._verdicts(),
            pacing_drift_ms=None if self._plan.virtual else _drift(results),
        )
        write_info(self._plan.out, self._info)
        return self._info

    def _verdicts(self) -> tuple[BudgetVerdict, ...]:
        expected = budgets(self._plan.file.scenario.budgets)
        return tuple(
            judge(budget, [value for each in self._measured for value in each.samples[number]])
            for number, budget in enumerate(expected)
        )


def _drift(results: tuple[SessionResult, ...]) -> dict[str, float] | None:
    worst = sorted(result.drift_ms for result in results)
    if not worst:
        return None
    named = {name: round(statistic(name, worst), 3) for name in ("mean", "p50", "p95", "max")}
    return {"count": float(len(worst)), **named}


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def passed(info: RunInfo) -> bool:
    """Return whether the run is whole, no session failed, and every budget was kept."""
    failed = any(result.outcome != "completed" for result in info.sessions)
    return info.finished and not failed and all(verdict.held for verdict in info.budgets)

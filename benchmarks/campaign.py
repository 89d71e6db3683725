"""The run itself: for each scenario, all clients in turn, again and again, so that what drifts drifts for everybody."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from benchmarks.competitors import Competitor
from benchmarks.environments import Environment
from benchmarks.processes import LoadServer, ProcessFailed, measure
from benchmarks.results import Results
from benchmarks.scenario import Outcome, Scenario, failed, faults

Progress = Callable[[str, float], None]


@attrs.frozen
class Turn:
    """One client, one scenario, one repetition."""

    scenario: Scenario
    competitor: Competitor
    repetition: int

    @property
    def title(self) -> str:
        return f"{self.scenario.name} · {self.competitor.name} · repetition {self.repetition + 1}"


def cores() -> tuple[int | None, int]:
    """(the load server's core, the client's core): two different ones where there are two."""
    available = sorted(os.sched_getaffinity(0))
    return (available[0], available[1]) if len(available) > 1 else (None, -1)


def order(scenarios: list[Scenario], competitors: list[Competitor], often: Mapping[str, int]) -> list[Turn]:
    """Scenario by scenario; within one, every repetition goes once around the clients, forwards and then backwards.

    `often` is how many repetitions, by scenario; under the empty name, of all others.
    """
    turns: list[Turn] = []
    for scenario in scenarios:
        taking_part = [c for c in competitors if c.group in scenario.groups]
        for repetition in range(often.get(scenario.name, often[""])):
            around = taking_part if repetition % 2 == 0 else list(reversed(taking_part))
            turns += [Turn(scenario, competitor, repetition) for competitor in around]
    return turns


@attrs.define
class Campaign:
    """Runs the turns one after the other and fills the results as it goes, so that an early end loses nothing."""

    environments: dict[str, Environment]
    results: Results
    quick: bool
    logs: Path

    def run(self, turns: list[Turn], progress: Progress) -> None:
        """Raises KeyboardInterrupt as it comes; what was measured before is in the results."""
        self.logs.mkdir(parents=True, exist_ok=True)
        for turn in turns:
            begun = time.monotonic()
            progress(turn.title, turn.scenario.seconds(self.quick))
            try:
                self._one(turn)
            except (ProcessFailed, KeyError, ValueError, IndexError, ZeroDivisionError) as error:
                self.results.fault(turn.scenario.name, turn.competitor.name, f"{type(error).__name__}: {error}")
            progress("", time.monotonic() - begun)

    def _one(self, turn: Turn) -> None:
        server_core, client_core = cores()
        outcomes: list[Outcome] = []
        with LoadServer(self.logs / "server.log", server_core) as server:
            for step in turn.scenario.steps(self.quick):
                client, report = measure(
                    server,
                    self.environments[turn.competitor.environment],
                    step.module or turn.competitor.module,
                    step.plan,
                    dataclasses.replace(step.job, port=server.port, core=client_core),
                    self.logs / f"{turn.competitor.module}.log",
                )
                outcomes.append(Outcome(client, report))
        found = [fault for outcome in outcomes for fault in faults(outcome)]
        for fault in found:
            self.results.fault(turn.scenario.name, turn.competitor.name, fault)
        if failed(found) and not turn.scenario.tolerant:
            return
        figures = turn.scenario.read(outcomes)
        self.results.add(turn.scenario.name, turn.competitor.name, turn.repetition, figures)
        if turn.scenario.curves is not None:
            self.results.curves.setdefault(turn.scenario.name, {})[turn.competitor.name] = turn.scenario.curves(
                outcomes
            )

"""The rows of the table, one file each, in the order in which they are run and shown."""

from __future__ import annotations

from typing import Final

from benchmarks.scenario import Scenario
from benchmarks.scenarios import (
    bad_peers,
    barge_in,
    capacity,
    cpu_paced,
    cpu_single,
    history,
    hour,
    latency,
    memory,
    microphone,
    slow_consumer,
    times,
    tools,
)

SCENARIOS: Final[tuple[Scenario, ...]] = (
    cpu_single.SCENARIO,
    cpu_paced.SCENARIO,
    microphone.SCENARIO,
    latency.SCENARIO,
    capacity.SCENARIO,
    barge_in.SCENARIO,
    tools.SCENARIO,
    history.SCENARIO,
    memory.SCENARIO,
    slow_consumer.SCENARIO,
    times.SCENARIO,
    bad_peers.SCENARIO,
    hour.SCENARIO,
)


def chosen(names: list[str]) -> list[Scenario]:
    """Scenarios by name; all without names. Raises ValueError for a stray name."""
    known = {scenario.name: scenario for scenario in SCENARIOS}
    for name in names:
        if name not in known:
            raise ValueError(f"no scenario is called {name!r}; there are: {', '.join(known)}")
    return [known[name] for name in names] if names else list(SCENARIOS)

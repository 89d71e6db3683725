"""How often trio schedules a task, and waits for the network, for each audio delta: the hops that a design pays.

    python -m benchmarks.profile_schedule [CLIENT] [SCENARIO] [STEP] [--quick]

Trio clients only. The figures are counts over the whole run, so they do not depend on the machine.
"""

from __future__ import annotations

import dataclasses
import os
import tempfile
from pathlib import Path

from benchmarks import environments, scenarios
from benchmarks.campaign import cores
from benchmarks.clients.trio_runtime import COUNT_SCHEDULES
from benchmarks.competitors import COMPETITORS
from benchmarks.processes import LoadServer, measure
from benchmarks.profile_cprofile import arguments


def main() -> None:
    given = arguments(__doc__)
    competitor = next(c for c in COMPETITORS if c.module == given.client)
    (scenario,) = scenarios.chosen([given.scenario])
    step = scenario.steps(given.quick)[given.step]
    server_core, client_core = cores()
    os.environ[COUNT_SCHEDULES] = "1"
    with tempfile.TemporaryDirectory() as folder, LoadServer(Path(folder) / "server.log", server_core) as server:
        job = dataclasses.replace(step.job, port=server.port, core=client_core)
        environment = environments.load()[competitor.environment]
        client, report = measure(server, environment, competitor.module, step.plan, job, Path(folder) / "client.log")
    count = max(1, client["deltas"], report["appends"])
    print(f"{competitor.name}, {scenario.title}: {count} deltas or appends")
    for name, number in sorted(client["schedules"].items(), key=lambda item: -item[1]):
        print(f"{number / count:8.3f}  {name}")


if __name__ == "__main__":
    main()

"""A flame graph of a client by py-spy, which samples from outside and so distorts nothing:

    python -m benchmarks.profile_pyspy [CLIENT] [SCENARIO] [STEP] [--quick]

writes benchmarks/results/flame-CLIENT-SCENARIO.svg. The whole process is sampled, imports and connecting included.
py-spy comes with the base environment; where the system forbids ptrace, it says so.
"""

from __future__ import annotations

import dataclasses

from benchmarks import environments, scenarios
from benchmarks.campaign import cores
from benchmarks.competitors import COMPETITORS
from benchmarks.environments import ENVIRONMENTS, HERE
from benchmarks.processes import START_LIMIT_S, ClientProcess, LoadServer
from benchmarks.profile_cprofile import arguments

RATE = 500


def main() -> None:
    given = arguments(__doc__)
    competitor = next(c for c in COMPETITORS if c.module == given.client)
    (scenario,) = scenarios.chosen([given.scenario])
    step = scenario.steps(given.quick)[given.step]
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    picture = folder / f"flame-{competitor.module}-{scenario.name}-{given.step}.svg"
    server_core, client_core = cores()
    with LoadServer(folder / "profile-server.log", server_core) as server:
        server.prepare(step.plan)
        job = dataclasses.replace(step.job, port=server.port, core=client_core)
        environment = environments.load()[competitor.environment]
        sampler = str(ENVIRONMENTS / "base" / "bin" / "py-spy")
        sampling = [sampler, "record", "-r", str(RATE), "-o", str(picture), "--"]
        with ClientProcess(environment, competitor.module, folder / "profile-client.log", sampling) as client:
            client.begin(job, START_LIMIT_S + job.limit_s)
            server.go()
            client.result(job.limit_s + START_LIMIT_S)
        server.stop_waiting()
        server.done(step.plan.limit_s + START_LIMIT_S)
        server.finish()
    print(picture if picture.exists() else f"no picture: {(folder / 'profile-client.log').read_text()[-500:]}")


if __name__ == "__main__":
    main()

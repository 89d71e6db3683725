"""Where a client's time goes, by cProfile, in the measured part only:

    python -m benchmarks.profile_cprofile [CLIENT] [SCENARIO] [STEP] [--quick] [--sort cumulative]

prints microseconds for each audio delta (or frame, or word: whatever the scenario counts) and function. cProfile makes
small functions look dear; hold it against `profile_pyspy`.
"""

from __future__ import annotations

import argparse
import dataclasses
import pstats
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import environments, scenarios
from benchmarks.campaign import cores
from benchmarks.competitors import COMPETITORS
from benchmarks.processes import LoadServer, measure

SHOWN = 40


def arguments(description: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("client", nargs="?", default="engine_sansio", help="a file of benchmarks/clients")
    parser.add_argument("scenario", nargs="?", default="cpu_single")
    parser.add_argument("step", nargs="?", type=int, default=0, help="which of the scenario's runs, from 0")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--sort", default="tottime", choices=("tottime", "cumulative", "calls"))
    return parser.parse_args()


def work(client: dict[str, Any], server: dict[str, Any]) -> int:
    """How many deltas (words, frames) the measured part took."""
    words: int = server.get("transcript_deltas", [0])[0]
    return words or int(max(client["measured_deltas"], server["appends"], 1))


def main() -> None:
    given = arguments(__doc__)
    competitor = next(c for c in COMPETITORS if c.module == given.client)
    (scenario,) = scenarios.chosen([given.scenario])
    step = scenario.steps(given.quick)[given.step]
    server_core, client_core = cores()
    with tempfile.TemporaryDirectory() as folder:
        figures = Path(folder) / "profile"
        with LoadServer(Path(folder) / "server.log", server_core) as server:
            job = dataclasses.replace(step.job, port=server.port, core=client_core, profile=str(figures))
            environment = environments.load()[competitor.environment]
            client, report = measure(
                server, environment, competitor.module, step.plan, job, Path(folder) / "client.log"
            )
        count = work(client, report)
        stats = pstats.Stats(str(figures))
    print(f"{competitor.name}, {scenario.title}, {count} counted; microseconds and calls for each")
    column = {"tottime": 2, "cumulative": 3, "calls": 1}[given.sort]
    rows = sorted(stats.stats.items(), key=lambda row: -row[1][column])  # type: ignore[attr-defined]
    print(f"{'own':>8} {'with its calls':>15} {'calls':>8}")
    for (file, line, function), (_, calls, own, inclusive, _) in rows[:SHOWN]:
        place = "/".join(Path(file).parts[-2:])
        print(
            f"{own * 1e6 / count:8.2f} {inclusive * 1e6 / count:15.2f} {calls / count:8.2f}  {function} {place}:{line}"
        )


if __name__ == "__main__":
    main()

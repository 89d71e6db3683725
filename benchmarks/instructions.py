"""How many instructions a client takes for each delta and microphone frame, where times scatter too much to tell:

    python -m benchmarks.instructions [CLIENT] [CLIENT] [--only WORK]

runs the client processes of two clients (`engine` and `engine-old` unless named) under valgrind, which counts what a
process executes outside the kernel, whatever else the machine does. A long run less a short one leaves out what
importing, connecting and closing take; four kinds of work are counted, about five minutes in all. Counted against
itself, once or twice each, the engine came to 0.997 to 1.005 for deltas and 0.989 to 1.007 for microphone frames. Many
instructions are not yet much time (a wait for memory is none): this judges versions of one engine, not libraries.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks import baseline, competitors, environments
from benchmarks.campaign import cores
from benchmarks.competitors import BASELINE, ENGINE, Competitor
from benchmarks.environments import Environment
from benchmarks.job import Job
from benchmarks.plan import Plan
from benchmarks.processes import LoadServer, measure
from benchmarks.scenario import Outcome, Step, faults
from benchmarks.scenarios import cpu_single, microphone

COUNTING: Final = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
COUNTED: Final = re.compile(r"I +refs: +([\d,]+)")
LIMIT_S: Final = 300.0
PACED_SESSIONS: Final = 4
"""As many as leave a process under valgrind idle between two deltas, so that each one wakes it."""
MICROPHONES: Final = 10
"""Few sessions with many frames: opening one takes more instructions than a hundred frames, and never the same."""
NO_WAITING: Final = 1000.0


@attrs.frozen
class Work:
    """A kind of work: the run that does an amount of it, a small amount, a large one, and how to see what was done."""

    name: str
    title: str
    step: Callable[[int], Step]
    short: int
    long: int
    done: Callable[[Outcome], float]


def deltas(outcome: Outcome) -> float:
    return float(outcome.client["deltas"])


def frames(outcome: Outcome) -> float:
    return float(outcome.server["append_characters"] / microphone.FRAME_CHARACTERS)


def single(number: int, turns: int) -> Step:
    """Take one of the runs of `cpu_single`, with so many turns."""
    step = cpu_single.steps(False)[number]
    return attrs.evolve(step, plan=dataclasses.replace(step.plan, turns=turns))


def paced(turns: int) -> Step:
    plan = Plan(sessions=PACED_SESSIONS, turns=turns, speed=5.0, warmup_deltas=5)
    return Step(plan, Job(sessions=PACED_SESSIONS, ends=PACED_SESSIONS))


def microphones(count: int) -> Step:
    """Take the run of `microphone`, with so many frames for each session, one after the other without a pause."""
    (step,) = microphone.steps(False)
    plan = dataclasses.replace(step.plan, sessions=MICROPHONES, frames=count)
    job = Job("microphone", sessions=MICROPHONES, ends=MICROPHONES, frames=count, microphone_groups=1)
    return Step(plan, dataclasses.replace(job, microphone_speed=NO_WAITING))


WORKS: Final = (
    Work("single_250", "250 ms delta, one session", lambda turns: single(0, turns), 10, 60, deltas),
    Work("single_100", "100 ms delta, one session", lambda turns: single(1, turns), 4, 24, deltas),
    Work("paced_250", "250 ms delta, each wakes the process", paced, 1, 5, deltas),
    Work("microphone", f"20 ms microphone frame, {MICROPHONES} sessions", microphones, 50, 850, frames),
)


def counted(step: Step, client: Competitor, environment: Environment, folder: Path) -> tuple[int, Outcome]:
    """Run one step under valgrind: (instructions of the whole process, what it did). Raises ValueError for a fault."""
    server_core, client_core = cores()
    log = folder / "valgrind.log"
    plan = dataclasses.replace(step.plan, limit_s=LIMIT_S)
    with LoadServer(folder / "server.log", server_core) as server:
        job = dataclasses.replace(step.job, port=server.port, core=client_core, limit_s=LIMIT_S)
        under = [*COUNTING, f"--log-file={log}"]
        outcome = Outcome(*measure(server, environment, client.module, plan, job, folder / "client.log", under))
    if found := faults(outcome):
        raise ValueError(f"{client.name}: {found[0]}")
    total = COUNTED.search(log.read_text())
    if total is None:
        raise ValueError(f"{client.name}: valgrind counted nothing: {log.read_text()[-300:]}")
    return int(total[1].replace(",", "")), outcome


def each(work: Work, client: Competitor, environment: Environment) -> float:
    """Count the instructions for one delta or frame."""
    with tempfile.TemporaryDirectory() as folder:
        (less, small), (more, large) = (
            counted(work.step(amount), client, environment, Path(folder)) for amount in (work.short, work.long)
        )
    return (more - less) / (work.done(large) - work.done(small))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clients", nargs="*", default=[ENGINE, BASELINE], help="a name or two")
    parser.add_argument("--only", choices=[work.name for work in WORKS])
    return parser.parse_args()


def main() -> None:
    given = arguments()
    made = environments.load() | baseline.installed()
    clients = competitors.chosen(given.clients)
    missing = [f"{name}: {why}" for name, why in competitors.absent(clients, made).items()]
    if shutil.which(COUNTING[0]) is None:
        missing.append("valgrind is not installed")
    if missing:
        raise SystemExit("\n".join(missing))
    os.environ["PYTHONHASHSEED"] = "0"
    table = Table(box=box.SIMPLE_HEAD, title="Instructions for each")
    for heading in ("", *(client.name for client in clients), "ratio"):
        table.add_column(heading, justify="right" if heading else "left")
    console = Console(width=120)
    for work in WORKS:
        if given.only in (None, work.name):
            console.print(f"{work.title} ...", style="dim")
            found = [each(work, client, made[client.environment]) for client in clients]
            table.add_row(work.title, *(f"{count:,.0f}" for count in found), f"{found[0] / found[-1]:.4f}")
    console.print(table)


if __name__ == "__main__":
    main()

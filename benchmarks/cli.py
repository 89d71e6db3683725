"""`python -m benchmarks`: everything from the command line to the saved results."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import baseline, competitors, environments, machine, markdown, scenarios, table
from benchmarks.alone import alone
from benchmarks.campaign import Campaign, Turn, order
from benchmarks.competitors import Competitor
from benchmarks.environments import CHECKOUT, HERE
from benchmarks.processes import BASE
from benchmarks.results import Results
from benchmarks.scenario import Scenario

RESULTS = HERE / "results"
REPETITIONS = 3
WAITING = "another benchmark is running here; waiting for it to end (--beside runs anyway)"


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    install = commands.add_parser("install", help="make the environments of peers.toml that are missing")
    install.add_argument("names", nargs="*", help="make these anew")
    install.add_argument("--baseline", metavar="COMMIT", help="make engine-old, the engine as it was at this commit")
    show = commands.add_parser("show", help="print the tables of saved results again")
    show.add_argument("file", type=Path)
    show.add_argument("--markdown", action="store_true", help="as it stands in the README")
    commands.add_parser("list", help="name the scenarios and the clients")
    for each in (parser, commands.add_parser("run", help="measure (what happens without a command)")):
        each.add_argument("--quick", action="store_true", help="one short repetition: a check, not a measurement")
        each.add_argument("--only", default="", metavar="A,B", help="these scenarios")
        each.add_argument("--clients", default="", metavar="A,B", help="these clients, or engine, floor, peer, part")
        each.add_argument(
            "--repetitions",
            type=repetitions,
            default=None,
            metavar="N[,SCENARIO=N...]",
            help=f"of all, and of some; default {REPETITIONS}",
        )
        each.add_argument("--beside", action="store_true", help="do not wait for another benchmark to end")
        each.add_argument("--no-plots", action="store_true")
    return parser.parse_args(argv)


def split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def repetitions(text: str) -> dict[str, int]:
    """``"1,cpu_single=3"`` by scenario; the empty name stands for all others."""
    found = {"": REPETITIONS}
    for part in split(text):
        name, _, number = part.rpartition("=")
        found[name] = int(number)
    return found


def main(argv: list[str] | None = None) -> int:
    """Returns the exit status: 0, 1 when something could not be done, 2 for a wrong name."""
    given = arguments(sys.argv[1:] if argv is None else argv)
    console = Console(width=None if sys.stdout.isatty() else 200)
    if given.command == "install":
        failures = 0 if given.baseline and not given.names else environments.install(given.names)
        return min(1, failures + (baseline.install(given.baseline) if given.baseline else 0))
    if given.command == "show":
        saved = Results.read(given.file)
        if given.markdown:
            print(markdown.everything(saved))
        else:
            table.show(saved, console)
        return 0
    if given.command == "list":
        listing(console)
        return 0
    try:
        wanted = scenarios.chosen(split(given.only))
        clients = competitors.chosen(split(given.clients))
    except ValueError as error:
        console.print(f"[red]{error}[/]")
        return 2
    return run(given, console, wanted, clients)


def listing(console: Console) -> None:
    for scenario in scenarios.SCENARIOS:
        console.print(f"[bold]{scenario.name}[/]: {scenario.title} ({scenario.seconds(False):.0f} s a client)")
    made = environments.load() | baseline.installed()
    gone = competitors.absent(list(competitors.COMPETITORS), made)
    for competitor in competitors.COMPETITORS:
        console.print(f"{competitor.name} ({competitor.group}): {gone.get(competitor.name, 'ready')}")


def run(given: argparse.Namespace, console: Console, wanted: list[Scenario], clients: list[Competitor]) -> int:
    made = environments.load() | baseline.installed()
    if (reason := made["base"].missing()) is not None:
        console.print(f"[red]the base environment is {reason}[/]: python -m benchmarks install")
        return 1
    results = Results(about=machine.about(made, "python -m benchmarks " + " ".join(sys.argv[1:])))
    results.missing = competitors.absent(clients, made)
    for name, reason in results.missing.items():
        console.print(f"[yellow]missing[/] {name}: {reason}")
    present = [client for client in clients if client.name not in results.missing]
    often = given.repetitions or {"": 1 if given.quick else REPETITIONS}
    turns = order(wanted, present, often)
    folder = RESULTS / datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    campaign = Campaign(made, results, given.quick, folder / "logs")
    interrupted = False
    try:
        with contextlib.nullcontext() if given.beside else alone(RESULTS / ".lock", lambda: console.print(WAITING)):
            with_progress(campaign, turns, console)
    except KeyboardInterrupt:
        interrupted = True
        console.print("[yellow]interrupted: what follows is what there is[/]")
    saved = folder / "results.json"
    results.save(saved)
    table.show(results, console)
    console.print(f"saved {saved}")
    if not given.no_plots and results.figures:
        subprocess.run([str(BASE), "-m", "benchmarks.plots", str(saved)], cwd=CHECKOUT, check=False)
    return 1 if interrupted else 0


def with_progress(campaign: Campaign, turns: list[Turn], console: Console) -> None:
    """Run the turns under a bar that says what is running and how long the rest will take."""
    estimate = {turn.scenario.name: turn.scenario.seconds(campaign.quick) for turn in turns}
    left = [estimate[turn.scenario.name] for turn in turns]
    console.print(f"{len(turns)} turns, about {sum(left) / 60:.0f} minutes; Ctrl-C keeps what is there")
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rest]}"), TimeElapsedColumn())
    begun = time.monotonic()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=sum(left), rest="")

        def progress(title: str, seconds: float) -> None:
            if title:
                rest = sum(left)
                bar.update(task, description=title, rest=f"{rest / 60:.1f} min left")
                if not console.is_terminal:
                    console.print(f"{time.monotonic() - begun:6.0f} s  {title}  ({rest / 60:.1f} min left)")
            else:
                bar.advance(task, left.pop(0))

        campaign.run(turns, progress)

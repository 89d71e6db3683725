"""`engine lab run`: holds the calls of a scenario and says whether its budgets were kept."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import attrs
import trio
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from engine.cli.exit_status import CommandFailed, ExitStatus
from engine.cli.model_choice import add_server_options, choose_model, model_text
from engine.cli.say import say
from engine.cli.shown import shown
from engine.cli.signals import Signals, with_signals
from engine.errors import EngineError, SettingsError
from engine.lab.scenario.arrivals import intended_starts
from engine.lab.scenario.scenario import Scenario
from engine.lab.scenario.scenario_file import load_scenario, shipped_scenarios
from engine.lab.simulate.results import RunInfo, SessionResult
from engine.lab.simulate.run import LOCAL, Plan, RunWriter, changed, passed
from engine.lab.simulate.run_real import Running
from engine.lab.simulate.run_virtual import run_virtually
from engine.settings import RealtimeModelConfig
from engine.wire.units import NS_PER_S

EXAMPLES = """\
examples:
  engine lab run support_call --virtual
      a scenario that ships, under virtual time: over in seconds
  engine lab run my_call.toml --sessions 1000 --seed 7 --virtual --out results/a
      the same seed gives the same files, to the byte, on any machine
  engine lab run my_call.toml --model ws://127.0.0.1:8765/v1/realtime
      in real time, against a model that somebody serves

The exit status is 0 if every budget of the scenario was held, 11 if not.
"""
_MOST_ERRORS = 5
_SHOWN_EVERY_SECONDS = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    shipped = ", ".join(shipped_scenarios())
    parser.add_argument("scenario", help=f"a TOML file, or one that ships: {shipped}")
    parser.add_argument("--virtual", action="store_true", help="under virtual time, with the local model")
    parser.add_argument("--sessions", type=_count, metavar="N", help="how many, instead of what the scenario says")
    parser.add_argument("--seed", type=int, metavar="S", help="another seed")
    parser.add_argument(
        "--model",
        type=model_text,
        default=LOCAL,
        help="local, openai:NAME or a ws:// or wss:// URL (default: local)",
    )
    add_server_options(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the results go (default: a new folder in runs/)")
    parser.add_argument("--workers", type=_count, metavar="N", help="processes of a virtual run (default: one a core)")
    parser.add_argument("--audio", action="store_true", help="keep the sound of virtual calls, too")
    parser.add_argument("--record", action="store_true", help="keep what went over the wire, for engine lab replay")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def run(given: argparse.Namespace) -> ExitStatus:
    """Do it.

    Raises:
        CommandFailed: the scenario or an option is wrong, or the results cannot be written.
    """
    try:
        return _run(given)
    except SettingsError as error:
        raise CommandFailed(ExitStatus.USAGE, str(error)) from error
    except (EngineError, OSError) as error:
        raise CommandFailed(ExitStatus.FAILED, str(error)) from error


def _run(given: argparse.Namespace) -> ExitStatus:
    plan = _plan(given)
    console = Console(stderr=True, quiet=given.quiet)
    with _progress(console, plan) as done:
        writer = RunWriter(plan, watch=done)
        if plan.virtual:
            info = run_virtually(plan, writer, workers=given.workers or os.cpu_count() or 1)
        else:
            info = trio.run(_in_real_time, Running(plan, writer), done)
    return _conclude(info, plan.out)


def _plan(given: argparse.Namespace) -> Plan:
    file = changed(load_scenario(given.scenario), sessions=given.sessions, seed=given.seed)
    choice = choose_model(given.model, os.environ, server_waits=given.server_waits)
    config = None
    if choice.kind == "remote":
        if given.virtual:
            raise CommandFailed(ExitStatus.USAGE, "--virtual needs the local model: no other one lives in virtual time")
        config = RealtimeModelConfig(
            url=choice.url,
            api_key=choice.api_key,
            headers=choice.headers,
            allow_unencrypted_key=given.allow_unencrypted_key,
            initial_model_settings={"model_name": choice.model_name} if choice.model_name else None,
        )
    stem = Path(given.scenario).stem
    out = given.out or Path("runs") / f"{stem}-{datetime.now():%Y%m%d-%H%M%S}"
    return Plan(
        file=file,
        out=out,
        virtual=given.virtual,
        audio=given.audio,
        record=given.record,
        model=choice.name,
        model_config=config,
        capabilities=choice.capabilities,
    )


async def _in_real_time(running: Running, done: _Done) -> RunInfo:
    async def work(signals: Signals) -> RunInfo:
        signals.on_signal = running.stop
        return await running.run()

    info: RunInfo | None = None
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_show_running, running, done)
        try:
            info, _ = await with_signals(work)
        except Exception as error:  # raised again below, outside of the group that a nursery makes of it
            failure = error
        nursery.cancel_scope.cancel(reason="the run is over")
    if failure is not None:
        raise failure
    assert info is not None
    return info


async def _show_running(running: Running, done: _Done) -> None:
    while True:
        done.tell(f"real time, {running.now} being held")
        await trio.sleep(_SHOWN_EVERY_SECONDS)


# ------------------------------------------------------------------------------------------------ shown
@contextmanager
def _progress(console: Console, plan: Plan) -> Iterator[_Done]:
    """A bar of sessions; of a real run whose length is known, the time that it takes."""
    sessions = plan.file.scenario.sessions
    expected_s = _expected_seconds(plan.file.scenario, plan.seed)
    takes = "" if plan.virtual or expected_s is None else f", {expected_s:.0f} s in real time"
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("calls"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    console.print(shown(f"{plan.file.scenario.name}: {sessions.count} calls, seed {plan.seed}{takes} -> {plan.out}"))
    with Progress(*columns, console=console, disable=console.quiet or not console.is_terminal) as bar:
        task = bar.add_task("virtual time" if plan.virtual else "real time", total=sessions.count)
        yield _Done(bar, int(task))


@attrs.frozen
class _Done:
    """A session is done: the bar moves. Called by the writer."""

    bar: Progress
    task: int

    def __call__(self, result: SessionResult) -> None:
        self.bar.advance(TaskID(self.task))

    def tell(self, description: str) -> None:
        """What is going on."""
        self.bar.update(TaskID(self.task), description=description)


def _expected_seconds(scenario: Scenario, seed: int) -> float | None:
    if scenario.sessions.seconds is None:
        return None
    return intended_starts(scenario.sessions, seed)[-1] / NS_PER_S + scenario.sessions.seconds


def _conclude(info: RunInfo, out: Path) -> ExitStatus:
    """What came of it, a line each."""
    failed = [result for result in info.sessions if result.outcome != "completed"]
    for error, count in Counter(result.error for result in failed).most_common(_MOST_ERRORS):
        say(f"{count} of {len(info.sessions)} calls failed: {error}", problem=True)
    for verdict in info.budgets:
        say(verdict.line)
    if info.interrupted is not None:
        kept = f"{len(info.sessions)} of {info.planned_sessions} calls are in {out}"
        say(f"interrupted: {info.interrupted}; {kept}", problem=True)
        return ExitStatus.INTERRUPTED if info.interrupted == "Ctrl-C" else ExitStatus.FAILED
    say(f"{len(info.sessions)} calls in {out}", problem=True)
    return ExitStatus.DONE if passed(info) else ExitStatus.NOT_HELD


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number

"""`engine lab compare`: two runs side by side, with a verdict."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.table import Table

from engine.cli.exit_status import ExitStatus
from engine.cli.lab_report import load_run, needs_extra, write_page
from engine.cli.say import say
from engine.lab.report.comparison import LEAST_S, Compared, Comparison, Seen, compare
from engine.lab.report.numbers import between, change, quantity
from engine.lab.report.verdict import how, verdict

EXAMPLES = f"""\
examples:
  engine lab compare runs/before runs/after
      what differs, with intervals, and a verdict in the last line
  engine lab compare runs/before runs/after --out difference.html
      the same as a page, with both distributions in each figure

Runs of one scenario with one seed are compared turn by turn, which finds much smaller differences.

exit status:
  {ExitStatus.DONE:<3d} no difference is seen, or B is better, or too few turns to tell (the verdict says which)
  {ExitStatus.DIFFERENT:<3d} B is worse in something
  {ExitStatus.FAILED:<3d} a run cannot be read
  {ExitStatus.NO_SUCH_FILE:<3d} there is no such run
  {ExitStatus.EXTRA_MISSING:<3d} an extra is not installed
"""
_HEADLINES = ("response_rate", "yield_rate", "turn_gap", "model_ttfa", "yield_latency", "tool_time")
_WORDS = {**{seen: seen.value for seen in Seen}, Seen.NOTHING: "", Seen.TOO_FEW: "too few"}
_STYLES = {Seen.WORSE: "bold red", Seen.BETTER: "bold green", Seen.CHANGED: "bold"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("a", type=Path, metavar="A", help="the run before")
    parser.add_argument("b", type=Path, metavar="B", help="the run after")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write a page, too")
    parser.add_argument("--all", action="store_true", help="every comparison, not only what differs and the headlines")
    parser.add_argument(
        "--least-ms", type=float, default=LEAST_S * 1e3, metavar="MS", help="a smaller difference is none (default: 1)"
    )


def run(given: argparse.Namespace) -> ExitStatus:
    """Do it.

    Raises:
        CommandFailed: a run cannot be read, an extra is missing, or the page cannot be written.
    """
    a, b = load_run(given.a), load_run(given.b)
    with needs_extra("lab"):
        comparison = compare(a, b, least_s=given.least_ms / 1e3)
    for side, held in (("A", a), ("B", b)):
        if held.partial is not None:
            say(f"{side} is partial: {held.partial}")
    Console().print(_table(comparison, everything=given.all))
    if given.out is not None:
        with needs_extra("lab"):
            from engine.lab.report.comparison_page import comparison_page

            page = comparison_page(a, b, comparison)
        write_page(page, given.out)
        say(given.out)
    say(how(comparison))
    say(verdict(comparison))
    return ExitStatus.DIFFERENT if comparison.regression else ExitStatus.DONE


def _table(comparison: Comparison, *, everything: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    table.add_column("")
    for head in ("A", "B", "B − A", "interval", "n"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for each in comparison.compared:
        differs = each.seen not in (Seen.NOTHING, Seen.TOO_FEW)
        if everything or differs or each.measure.name in _HEADLINES:
            table.add_row(*_row(each), style=_STYLES.get(each.seen))
    return table


def _row(each: Compared) -> tuple[str, ...]:
    found, kind = each.difference, each.measure.kind
    a, b = ("—" if value is None else quantity(value, kind) for value in (found.a, found.b))
    delta = "—" if found.difference is None else change(found.difference, kind)
    n = str(found.paired) if found.paired else f"{found.n_a}, {found.n_b}"
    return each.name, a, b, delta, between(found.interval, kind) if found.interval else "—", n, _WORDS[each.seen]

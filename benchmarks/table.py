"""The results as a person reads them: one table of medians and spreads, one of goals, and what went wrong."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.before_after import HEADINGS, changes
from benchmarks.competitors import BASELINE, COMPETITORS, ENGINE, FLOOR
from benchmarks.goals import GOALS
from benchmarks.ratio import WIDE
from benchmarks.results import Results, Spread
from benchmarks.scenario import Metric
from benchmarks.scenarios import SCENARIOS


def cell(spread: Spread | None, metric: Metric) -> str:
    """`median` and, below it, `smallest..largest` when there was more than one repetition."""
    if spread is None:
        return "[dim]-[/]"
    shown = f"{spread.median:,.{metric.digits}f}"
    if spread.count == 1:
        return shown
    return f"{shown}\n[dim]{spread.low:,.{metric.digits}f}..{spread.high:,.{metric.digits}f}[/]"


def figures(results: Results) -> Table:
    """A row for each figure, a column for each client; a client that is missing keeps its column, and says so."""
    names = [c.name for c in COMPETITORS if c.name in _seen(results)]
    table = Table(box=box.SIMPLE_HEAD, title="Medians (and smallest..largest) of alternated repetitions")
    table.add_column("what", max_width=34)
    table.add_column("unit")
    for name in names:
        table.add_column(name, justify="right", max_width=14)
    for scenario in SCENARIOS:
        if scenario.name not in results.figures:
            continue
        for metric in scenario.metrics:
            row = [
                "[dim]missing[/]" if name in results.missing
                else cell(results.spread(scenario.name, name, metric.key), metric)
                for name in names
            ]  # fmt: skip
            table.add_row(metric.title, metric.unit, *row)
        table.add_section()
    return table


def goals(results: Results) -> Table:
    """Every goal that this run could judge, met or not, with the ratio that it was judged by."""
    table = Table(box=box.SIMPLE_HEAD, title=f"Goals for {ENGINE}: ratios within a repetition, their median")
    for heading in ("what", "goal", "measured", "spread", ""):
        table.add_column(heading, justify="left" if heading in ("what", "goal") else "right")
    metrics = {metric.key: (scenario.name, metric) for scenario in SCENARIOS for metric in scenario.metrics}
    for goal in GOALS:
        scenario, metric = metrics[goal.metric]
        if scenario not in results.figures:
            continue
        verdict = results.verdict(goal, scenario, metric, ENGINE)
        if verdict is None:
            table.add_row(metric.title, goal.says(metric.unit), "-", "", "[yellow]not measured[/]")
            continue
        digits = metric.digits if goal.against == "absolute" else 2
        spread = verdict.measured
        table.add_row(
            metric.title,
            goal.says(metric.unit),
            f"{spread.median:,.{digits}f}",
            f"{spread.low:,.{digits}f}..{spread.high:,.{digits}f}" if spread.count > 1 else "",
            "[green]met[/]" if verdict.met else "[red]not met[/]",
        )
    return table


def ratios(results: Results) -> Table:
    """Peers and floors against each other, for the CPU rows: how many times the trio floor each one costs."""
    table = Table(box=box.SIMPLE_HEAD, title=f"As a multiple of {FLOOR!r}, in the same repetition")
    table.add_column("what")
    names = [c.name for c in COMPETITORS if c.name in _seen(results) and c.name not in results.missing]
    for name in names:
        table.add_column(name, justify="right", max_width=14)
    for scenario in SCENARIOS:
        floor = results.figures.get(scenario.name, {}).get(FLOOR, {})
        for metric in scenario.metrics:
            if not floor or metric.unit != "us" or metric.title.startswith("("):
                continue
            spreads = [Spread.of(results.ratios(scenario.name, metric.key, name, FLOOR)) for name in names]
            row = ["-" if spread is None else f"{spread.median:.2f}" for spread in spreads]
            table.add_row(metric.title, *row)
    return table


def before_after(results: Results) -> Table:
    """The engine against the engine as it was, with a word where the interval is too wide to decide anything."""
    commit = results.about.get("other_commits", {}).get(BASELINE, "unknown")
    table = Table(box=box.SIMPLE_HEAD, title=f"{BASELINE} is commit {commit[:9]}: means of ratios within a repetition")
    for heading in (*HEADINGS, ""):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for change in changes(results):
        wide = change.ratio is not None and change.ratio.wide
        table.add_row(*change.cells(), f"[yellow]wider than {WIDE:.0%}[/]" if wide else "")
    return table


def show(results: Results, console: Console) -> None:
    """Print everything that the results hold."""
    console.print(figures(results))
    if (compared := ratios(results)).row_count:
        console.print(compared)
    if (compared := before_after(results)).row_count:
        console.print(compared)
    if any(ENGINE in clients for clients in results.figures.values()):
        console.print(goals(results))
    for name, reason in results.missing.items():
        console.print(f"[yellow]missing[/] {name}: {reason}")
    for scenario, clients in results.faults.items():
        for name, words in clients.items():
            shown = "; ".join(dict.fromkeys(words))[:600]
            console.print(f"[red]fault[/] {scenario} · {name} ({len(words)}): {shown}", highlight=False)


def _seen(results: Results) -> set[str]:
    return set(results.missing) | {name for clients in results.figures.values() for name in clients}

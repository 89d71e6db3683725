"""The tables of a result as Markdown, for the README: `python -m benchmarks show RESULTS.json --markdown`."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.before_after import HEADINGS, changes
from benchmarks.competitors import COMPETITORS, ENGINE
from benchmarks.goals import GOALS
from benchmarks.results import Results, Spread
from benchmarks.scenario import Metric
from benchmarks.scenarios import SCENARIOS


def rows(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(row) + " |" for row in body]
    return "\n".join(lines)


def cell(spread: Spread | None, metric: Metric) -> str:
    if spread is None:
        return ""
    shown = f"{spread.median:,.{metric.digits}f}"
    if spread.count == 1:
        return shown
    return f"{shown} ({spread.low:,.{metric.digits}f}-{spread.high:,.{metric.digits}f})"


def figures(results: Results) -> str:
    """A row for each figure, a column for each client that was measured."""
    names = [c.name for c in COMPETITORS if any(c.name in clients for clients in results.figures.values())]
    body = []
    for scenario in SCENARIOS:
        if scenario.name not in results.figures:
            continue
        for metric in scenario.metrics:
            cells = [cell(results.spread(scenario.name, name, metric.key), metric) for name in names]
            body.append([f"{metric.title} {metric.unit and f'[{metric.unit}]'}".strip(), *cells])
    return rows(["", *names], body)


def goals(results: Results) -> str:
    metrics = {metric.key: (scenario.name, metric) for scenario in SCENARIOS for metric in scenario.metrics}
    body = []
    for goal in GOALS:
        scenario, metric = metrics[goal.metric]
        verdict = results.verdict(goal, scenario, metric, ENGINE) if scenario in results.figures else None
        if verdict is None:
            body.append([metric.title, goal.says(metric.unit), "", "not measured"])
            continue
        shown = metric if goal.against == "absolute" else Metric(metric.key, "", "", 2)
        body.append(
            [
                metric.title,
                goal.says(metric.unit),
                cell(verdict.measured, shown),
                "met" if verdict.met else "**not met**",
            ]
        )
    return rows(["what", "goal", "measured", ""], body)


def everything(results: Results) -> str:
    about = results.about
    parts = [
        f"{about['date']}, commit {about['commit']}, {about['cpu']}, {about['cores']} cores, "
        f"Python {about['python']}; `{about['command']}`",
        figures(results),
        goals(results),
    ]
    if compared := [change.cells() for change in changes(results)]:
        parts.append(rows(HEADINGS, compared))
    parts += [f"Missing: {name} ({reason})." for name, reason in results.missing.items()]
    for scenario, clients in results.faults.items():
        for name, words in clients.items():
            parts.append(f"Fault: {scenario}, {name}, {len(words)} times: {words[0]}")
    return "\n\n".join(parts)

"""The parts of a report, one function each, from a run's figures to markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.lab.report.markup import cell, facts, prose, section, table, tag, text
from engine.lab.report.measures import Group, Measure, MeasureKind
from engine.lab.report.numbers import between, percent, quantity, seconds
from engine.lab.report.plots import MOST_CURVES, Curve, beyond, cdf
from engine.lab.report.worst import WorstTurn, sound_of
from engine.lab.simulate.results import Run
from engine.lab.statistics.estimates import CONFIDENCE, PERCENTS, Percentile, Share, percentiles, share
from engine.latency.compat.figures import Ratio
from engine.latency.compat.views import View

CAVEAT = (
    "Measured at this end of the line: a carrier's legs add 100 to 200 ms in each direction, which no log here can see."
)
FEWEST_FOR_A_RATE = 10
FIGURES: Sequence[tuple[str, str, str, tuple[str, ...]]] = (
    ("gap", "Turn gap", "from the user's last sound to the agent's first", ("turn_gap", "turn_gap_heard")),
    ("parts", "Where the gap comes from", "time", ("endpoint_delay", "model_ttfa", "playout_delay")),
    ("cut", "Interruption", "time", ("yield_latency", "yield_latency_heard", "over_talk")),
)
"""Name, title, axis, measures."""


def what_was_run(run: Run) -> str:
    """Versions, seed, scenario, machine; and the clock, where one cannot miss it."""
    info = run.info
    machine = ", ".join(f"{value} {'cores' if name == 'cores' else ''}".strip()
                        for name, value in (info.machine or {}).items())  # fmt: skip
    outcomes: dict[str, int] = {}
    for session in info.sessions:
        outcomes[session.outcome] = outcomes.get(session.outcome, 0) + 1
    ended = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()) or "none"
    pairs = (
        ("scenario", info.scenario_file),
        ("seed", info.seed),
        ("model", info.model),
        ("sessions", f"{ended}, of {info.planned_sessions} planned"),
        ("turns", len(run.turns)),
        ("clock", "virtual: no machine's speed is in these numbers" if _virtual(run) else "real"),
        ("engine", info.engine),
        ("Python", info.python),
        ("platform", info.platform),
        ("machine", machine),
        ("started", info.started),
    )
    known = facts((name, text(value)) for name, value in pairs if value not in (None, ""))
    return section("run", "What was run", known, caller_of(run.info.scenario))


def caller_of(scenario: Mapping[str, object]) -> str:
    """The scenario as it was read, folded away."""
    rows = (tag("div", tag("dt", text(name)), tag("dd", tag("code", text(value)))) for name, value in scenario.items())
    return tag("details", tag("summary", "The whole scenario"), tag("dl", *rows, class_="scenario"))


def _virtual(run: Run) -> bool:
    return run.info.clock == "virtual"


def tiles(measures: Mapping[str, Measure]) -> str:
    """The figures that one looks for first: how many were answered, beside how long it took."""
    found: list[str] = []
    for name, label in (("response_rate", "answered"), ("yield_rate", "made way for the user")):
        if name in measures:
            figure = share(measures[name].sample)
            found.append(_tile(label, *_share_words(figure)))
    for name, label in (("turn_gap", "turn gap"), ("turn_gap_heard", "turn gap, as heard"), ("yield_latency", "yield")):
        if name in measures and not (name == "turn_gap_heard" and "turn_gap" in measures):
            found += [
                _tile(f"{label}, {figure.name}", *_percentile_words(figure, measures[name].kind))
                for figure in percentiles(measures[name].sample, (50.0, 95.0))
            ]
    return tag("div", *found, class_="tiles") + tag("p", CAVEAT, class_="caveat")


def _tile(label: str, figure: str, note: str) -> str:
    return tag("div", tag("span", text(label), class_="label"), tag("b", text(figure)), tag("small", text(note)))


def _share_words(figure: Share) -> tuple[str, str]:
    interval = f"{between(figure.interval, MeasureKind.SHARE)}; " if figure.interval else ""
    return percent(figure.value or 0.0), f"{interval}{figure.hits} of {figure.of}"


def _percentile_words(figure: Percentile, kind: MeasureKind) -> tuple[str, str]:
    if figure.value is None:
        return "—", figure.refusal or ""
    interval = f"{between(figure.interval, kind)}; " if figure.interval else "one session: no interval; "
    return quantity(figure.value, kind), f"{interval}n = {figure.n}"


def budgets(run: Run) -> str:
    """What was expected, and whether it was held."""
    if not run.info.budgets:
        return ""
    rows = [
        cell(tag("span", "held" if budget.held else "NOT HELD", class_="held" if budget.held else "broken"))
        + cell(tag("code", text(budget.text)))
        + cell(text("nothing to measure" if budget.value is None else f"{budget.value:.4g}"), number=True)
        + cell(text(budget.n), number=True)
        for budget in run.info.budgets
    ]
    return section("budgets", "Budgets", table("Budgets", ("", "budget", "measured", "n"), rows, numbers=2))


def rates(measures: Sequence[Measure]) -> str:
    """Every share of turns, with its interval."""
    rows = []
    for measure in measures:
        if measure.kind is MeasureKind.SHARE:
            figure = share(measure.sample)
            few = "fewer than ten: no rate" if figure.of < FEWEST_FOR_A_RATE else ""
            rows.append(
                _name(measure)
                + cell(text(percent(figure.value or 0.0)), text(few), number=True, label="share")
                + cell(text(_interval(figure)), number=True, label="interval")
                + cell(text(f"{figure.hits} of {figure.of}"), number=True, label="turns")
            )
    heads = ("rate", "share", f"{CONFIDENCE:.0%} interval", "turns")
    return section("rates", "Rates", table("Shares of turns", heads, rows, numbers=3, class_="stack"))


def _interval(figure: Share) -> str:
    return between(figure.interval, MeasureKind.SHARE) if figure.interval else "—"


def latencies(measures: Sequence[Measure]) -> str:
    """Every time and count: percentiles, intervals, n, and who waited in vain."""
    parts = []
    for group in Group:
        rows = [
            _name(measure) + "".join(_percentile_cell(figure, measure.kind) for figure in percentiles(measure.sample))
            + cell(text(measure.sample.n), _sessions(measure), number=True, label="n")
            + cell(text(measure.sample.missing or "–"), number=True, label="in vain")
            for measure in measures
            if measure.group is group and measure.kind is not MeasureKind.SHARE
        ]  # fmt: skip
        if rows:
            heads = (_one_of(group), *(f"p{value:g}" for value in PERCENTS), "n", "in vain")
            parts.append(table(f"Percentiles: {group.value}", heads, rows, numbers=len(heads) - 1, class_="stack"))
    how = (
        f"{CONFIDENCE:.0%} intervals from a bootstrap that draws whole sessions, because turns of one "
        "session resemble each other. “In vain” counts turns in which somebody waited for this and nobody came; they "
        "are in no percentile. A percentile that the turns cannot carry is refused, with the number needed."
    )
    return section("latencies", "Latencies", tag("p", CAVEAT, class_="caveat"), *parts, tag("p", how, class_="how"))


def _one_of(group: Group) -> str:
    return {Group.TURN: "of a turn", Group.TOOL: "tool", Group.ENGINE: "of a session"}.get(group, "of a session")


def _name(measure: Measure) -> str:
    return tag("th", tag("code", text(measure.name)), tag("small", prose(measure.meaning)), scope="row")


def _sessions(measure: Measure) -> str:
    clusters = measure.sample.clusters
    return text(f"in {clusters} {'session' if clusters == 1 else 'sessions'}")


def _percentile_cell(figure: Percentile, kind: MeasureKind) -> str:
    if figure.value is None:
        needed = (figure.refusal or "").partition(":")[0].removeprefix(f"a {figure.name} ").removesuffix(" turns")
        return cell("—", text(needed), number=True, label=figure.name)
    interval = between(figure.interval, kind) if figure.interval else ""
    return cell(text(quantity(figure.value, kind)), text(interval), number=True, label=figure.name)


def figures(sides: Sequence[tuple[str, Mapping[str, Measure]]]) -> str:
    """Distributions: of one run its parts in one figure, of several runs each part in a figure of its own.

    Args:
        sides: a label for each run (empty if there is one only) and its measures.
    """
    drawn = [
        _figure(name, title, axis, curves)
        for name, title, axis, curves in (_wanted_of_one(sides[0][1]) if len(sides) == 1 else _wanted_of_many(sides))
        if curves
    ]
    return section("figures", "Distributions", tag("div", *drawn, class_="figures")) if drawn else ""


def _wanted_of_one(measures: Mapping[str, Measure]) -> list[tuple[str, str, str, list[Curve]]]:
    wanted = [*FIGURES, ("tools", "Tools", "time that a tool ran in a turn", _tool_names(measures))]
    found = []
    for name, title, axis, names in wanted:
        here = [each for each in names if each in measures]
        if "turn_gap" in here or "yield_latency" in here:
            here = [each for each in here if not each.endswith("_heard")]
        curves = [Curve(each.removeprefix("tool_time of "), measures[each].sample) for each in here]
        found.append((name, title, axis, curves[:MOST_CURVES]))
    return found


def _wanted_of_many(
    sides: Sequence[tuple[str, Mapping[str, Measure]]],
) -> list[tuple[str, str, str, list[Curve]]]:
    names = [each for _, _, _, names in FIGURES for each in names]
    names += [each for each in _tool_names(sides[0][1]) if each in sides[1][1]]
    return [
        (f"f{at}", name, "time", [Curve(label, measures[name].sample) for label, measures in sides])
        for at, name in enumerate(names)
        if all(name in measures for _, measures in sides)
        and not (name.endswith("_heard") and all(name.removesuffix("_heard") in measures for _, measures in sides))
    ]


def _tool_names(measures: Mapping[str, Measure]) -> tuple[str, ...]:
    return tuple(name for name, measure in measures.items() if measure.group is Group.TOOL)


def _figure(name: str, title: str, axis: str, curves: Sequence[Curve]) -> str:
    n = ", ".join(f"n = {curve.sample.n}" for curve in curves)
    note = ". ".join(part for part in (f"{title}: {n}", beyond(curves)) if part)
    marks = "Marks: median and 95th percentile with their intervals."
    return tag("figure", cdf(name, title, axis, curves), tag("figcaption", text(f"{note}. {marks}")))


def other_definitions(found: Sequence[View]) -> str:
    """What others would have published of this run."""
    rows = []
    for view in found:
        if isinstance(view.figure, Ratio):
            value = "—" if view.figure.value is None else f"{view.figure.value:.3f}"
            n = f"{view.figure.hits} of {view.figure.of}"
        else:
            value = "—" if view.figure.value is None else f"{view.figure.value:.3f} s"
            n = str(view.figure.n)
        name = tag("th", text(f"{view.definition}: {view.name}"), tag("small", text(view.note)), scope="row")
        rows.append(name + cell(text(value), number=True, label="value") + cell(text(n), number=True, label="n"))
    words = (
        "The same log by the definitions of others, quirks included, to be held against their published tables and "
        "nothing else. Their means leave out unanswered turns."
    )
    heads = ("figure", "value", "n")
    inside = table("Figures by other definitions", heads, rows, numbers=2, class_="stack")
    return section("others", "By other people's definitions", tag("p", words, class_="how"), inside)


def worst(run: Run, found: Sequence[WorstTurn]) -> str:
    """The worst turns, to be looked at and heard."""
    if not found:
        return ""
    items = []
    for each in found:
        gap = "unanswered" if each.gap_s is None else seconds(each.gap_s)
        sound = sound_of(each.turn, run.folder)
        player = (
            tag("audio", controls=True, preload="metadata", src=sound, aria_label=f"turn {each.turn.index}")
            if sound
            else tag("small", "no sound was kept", class_="none")
        )
        where = f"{each.turn.session}, turn {each.turn.index}"
        said = tag("q", text(each.turn.user_text)) if each.turn.user_text else tag("i", text(each.turn.opened_by))
        button = tag("button", text("timeline"), type="button", data_turn=str(each.place),
                     aria_label=f"timeline of {where}")  # fmt: skip
        items.append(tag("li", tag("b", text(gap)), tag("span", text(where)), tag("span", said), button, player))
    words = "Unanswered turns first, then the longest gaps. The caller is on the left, the agent on the right."
    return section("worst", f"The worst {len(found)} turns", tag("p", words, class_="how"),
                   tag("ol", *items, class_="worst"))  # fmt: skip


def partial(run: Run, label: str = "This run") -> str:
    """That a run is not whole, if it is not."""
    if run.partial is None:
        return ""
    words = f"{label} is partial: {run.partial}. Everything below is of what there is."
    return tag("p", text(words), class_="partial", role="note")

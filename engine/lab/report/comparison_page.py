"""Two runs as one page: the verdict, every difference, and both distributions in one figure."""

from __future__ import annotations

from collections.abc import Sequence

from engine.lab.report import sections
from engine.lab.report.comparison import Compared, Comparison, Seen
from engine.lab.report.markup import cell, facts, prose, section, table, tag, text
from engine.lab.report.measures import Group, MeasureKind, by_name
from engine.lab.report.numbers import between, change, quantity
from engine.lab.report.page import document, title_of
from engine.lab.report.verdict import how, verdict
from engine.lab.simulate.results import Run
from engine.lab.statistics.estimates import PERCENTS, Percentile, percentiles

_CLASSES = {Seen.WORSE: "broken", Seen.BETTER: "held", Seen.CHANGED: "changed"}


def comparison_page(a: Run, b: Run, comparison: Comparison) -> str:
    """The page.

    Raises:
        ImportError: matplotlib is not installed (the `lab` extra).
    """
    title = f"{title_of(a)}: A against B"
    sides = (("A", by_name(comparison.a)), ("B", by_name(comparison.b)))
    said = tag("p", text(verdict(comparison)), class_=f"verdict {_CLASSES.get(comparison.seen, '')}".strip())
    return document(
        title,
        tag("header", tag("h1", text(title)), *_badges(a, b)),
        sections.partial(a, "A"),
        sections.partial(b, "B"),
        said,
        tag("p", text(how(comparison)), class_="how"),
        section("runs", "What was run", facts(_runs(a, b))),
        section("differences", "Differences", _differences(comparison), _missing(comparison)),
        sections.figures(sides),
        section("percentiles", "Side by side", tag("p", sections.CAVEAT, class_="caveat"), _side_by_side(comparison)),
        script=False,
    )


def _badges(a: Run, b: Run) -> list[str]:
    if a.info.clock == b.info.clock == "virtual":
        return [tag("span", "virtual time", class_="badge virtual")]
    if a.info.clock == b.info.clock:
        return [tag("span", "real time", class_="badge")]
    return [tag("span", f"A: {a.info.clock} time, B: {b.info.clock} time", class_="badge virtual")]


def _runs(a: Run, b: Run) -> list[tuple[str, str]]:
    rows = (
        ("folder", a.folder.name, b.folder.name),
        ("scenario", a.info.scenario_file, b.info.scenario_file),
        ("seed", a.info.seed, b.info.seed),
        ("model", a.info.model, b.info.model),
        ("sessions", len(a.sessions), len(b.sessions)),
        ("turns", len(a.turns), len(b.turns)),
        ("engine", a.info.engine, b.info.engine),
        ("Python", a.info.python or "any", b.info.python or "any"),
    )
    return [
        (name, text(x) if x == y else f"{tag('b', 'A')} {text(x)}<br>{tag('b', 'B')} {text(y)}") for name, x, y in rows
    ]


def _differences(comparison: Comparison) -> str:
    seen = [each for kind in (Seen.WORSE, Seen.CHANGED, Seen.BETTER) for each in comparison.having(kind)]
    parts = [_table("What differs, the surest first", comparison, seen)] if seen else []
    for kind, words in ((Seen.NOTHING, "without a difference"), (Seen.TOO_FEW, "with too few turns to tell")):
        rest = [each for each in comparison.compared if each.seen is kind]
        if rest:
            summary = tag("summary", text(f"{len(rest)} comparisons {words}"))
            inside = _table(f"Comparisons {words}", comparison, rest)
            parts.append(tag("details", summary, inside, open=kind is Seen.NOTHING and not seen))
    return "".join(parts)


def _table(caption: str, comparison: Comparison, rows: Sequence[Compared]) -> str:
    heads = ("", "B − A", f"interval ({comparison.level:.2%})", "A", "B", "n", "verdict")
    return table(caption, heads, [_row(each) for each in rows], numbers=6, class_="stack")


def _row(each: Compared) -> str:
    found, kind = each.difference, each.measure.kind
    a, b = ("—" if value is None else quantity(value, kind) for value in (found.a, found.b))
    interval = between(found.interval, kind) if found.interval else (found.refusal or "—").partition(" are ")[0]
    n = f"{found.paired} pairs" if found.paired else f"{found.n_a} and {found.n_b}"
    meaning = tag("small", prose(each.measure.meaning)) if each.seen not in (Seen.NOTHING, Seen.TOO_FEW) else ""
    seen = tag("span", text(each.seen.value), class_=_CLASSES.get(each.seen))
    delta = "—" if found.difference is None else change(found.difference, kind)
    return (
        tag("th", tag("code", text(each.name)), meaning, scope="row")
        + cell(text(delta), number=True, label="B − A")
        + cell(text(interval if found.interval else f"needs {interval}"), number=True, label="interval")
        + cell(text(a), number=True, label="A")
        + cell(text(b), number=True, label="B")
        + cell(text(n), number=True, label="n")
        + cell(seen, number=True, label="verdict")
    )


def _missing(comparison: Comparison) -> str:
    parts = [
        f"Only {side} has {', '.join(names)}."
        for side, names in (("A", comparison.only_a), ("B", comparison.only_b))
        if names
    ]
    return tag("p", text(" ".join(parts)), class_="how") if parts else ""


def _side_by_side(comparison: Comparison) -> str:
    others = by_name(comparison.b)
    rows = []
    for measure in comparison.a:
        if measure.kind is MeasureKind.SHARE or measure.group is Group.HARNESS or measure.name not in others:
            continue
        other = others[measure.name].sample
        pairs = zip(percentiles(measure.sample), percentiles(other), strict=True)
        cells = "".join(_pair(x, y, measure.kind) for x, y in pairs)
        n = cell(text(f"A {measure.sample.n}"), text(f"B {other.n}"), number=True, label="n")
        rows.append(tag("th", tag("code", text(measure.name)), scope="row") + cells + n)
    heads = ("", *(f"p{percent:g}" for percent in PERCENTS), "n")
    return table("Percentiles of both, with 95 % intervals", heads, rows, numbers=len(heads) - 1, class_="stack")


def _pair(a: Percentile, b: Percentile, kind: MeasureKind) -> str:
    lines = []
    for side, figure in (("A", a), ("B", b)):
        value = "—" if figure.value is None else quantity(figure.value, kind)
        note = between(figure.interval, kind) if figure.interval else ""
        lines.append(f"{tag('span', text(f'{side} {value}'))}{tag('small', text(note)) if note else '<br>'}")
    return cell("".join(lines), number=True, label=a.name)

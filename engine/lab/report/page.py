"""A run as one page: everything in it, nothing fetched, to be sent to a colleague as a file."""

from __future__ import annotations

from pathlib import Path

from engine.lab.report import sections
from engine.lab.report.markup import section, tag, text
from engine.lab.report.measures import by_name, measures_of
from engine.lab.report.turn_data import packed
from engine.lab.report.worst import worst_of
from engine.lab.simulate.results import Run
from engine.latency.compat.views import views

_ASSETS = Path(__file__).parent / "assets"


def page(run: Run) -> str:
    """The report of a run.

    Raises:
        ImportError: matplotlib is not installed (the `lab` extra).
    """
    measures = measures_of(run)
    named = by_name(measures)
    title = title_of(run)
    virtual = run.info.clock == "virtual"
    badge = tag("span", "virtual time" if virtual else "real time", class_="badge virtual" if virtual else "badge")
    body = (
        tag("header", tag("h1", text(title)), badge),
        sections.partial(run),
        sections.tiles(named),
        sections.budgets(run),
        sections.what_was_run(run),
        sections.figures([("", named)]),
        sections.rates(measures),
        sections.latencies(measures),
        sections.worst(run, worst_of(run.turns)),
        turns(run),
        sections.other_definitions(views(run.sessions, run.turns)),
    )
    return document(title, *body, script=True)


def title_of(run: Run) -> str:
    """What the run is called: its scenario's name, or the file's."""
    name = run.info.scenario.get("name")
    return str(name) if isinstance(name, str) and name else Path(run.info.scenario_file).stem or "Run"


def turns(run: Run) -> str:
    """The table of all turns and the window that a turn is shown in; the page's script fills both."""
    data = packed(run.turns)
    kind = "application/gzip+base64" if data.compressed else "application/json"
    tools = tag(
        "div",
        tag("label", "Show ", tag("select", id="which"), for_="which"),
        tag("span", id="shown", role="status"),
        tag("span", tag("button", "earlier", type="button", id="earlier"),
            tag("button", "later", type="button", id="later"), class_="pager"),
        class_="tools",
    )  # fmt: skip
    scroll = tag("div", tag("table", id="turns", class_="wide"), class_="scroll", tabindex="0", role="region",
                 aria_label="Table of turns")  # fmt: skip
    buttons = tag(
        "div",
        *(tag("button", name, type="button", id=f"dialog-{name}") for name in ("previous", "next", "close")),
        class_="pager",
    )
    dialog = tag("dialog", tag("div", tag("h3", id="dialog-title", tabindex="-1"), buttons, class_="bar"),
                 tag("div", id="dialog-body"), id="dialog", aria_labelledby="dialog-title")  # fmt: skip
    how = tag("p", "Press a turn for its timeline. Times are in milliseconds.", class_="how")
    none = tag("noscript", tag("p", "The table and the timelines need JavaScript."))
    return section(
        "all", "Turns", how, none, tools, scroll, dialog, f'<script id="data" type="{kind}">{data.text}</script>'
    )


def document(title: str, *body: str, script: bool) -> str:
    """The page around its parts."""
    head = (
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        tag("title", text(title)),
        f"<style>{(_ASSETS / 'page.css').read_text(encoding='utf-8')}</style>",
    )
    code = f"<script>{(_ASSETS / 'page.js').read_text(encoding='utf-8')}</script>" if script else ""
    inside = f"<head>{''.join(head)}</head><body><main>{''.join(body)}</main>{code}</body>"
    return f'<!doctype html>\n<html lang="en">{inside}</html>\n'

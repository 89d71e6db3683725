"""`engine lab report`: one page of a run."""

from __future__ import annotations

import argparse
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.cli.exit_status import CommandFailed, ExitStatus
from engine.cli.say import say
from engine.errors import LogError
from engine.lab.simulate.results import Run, load
from engine.outside.files import write_file

EXAMPLES = """\
examples:
  engine lab report runs/a
      writes runs/a/report.html: one file with everything in it, to open, or to send to somebody
  engine lab report runs/a --out a.html --open
      elsewhere, and shown at once

A run that was interrupted is reported as far as it got, and the page says so.
"""
REPORT_FILE = "report.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="what `engine lab run` wrote")
    parser.add_argument("--out", type=Path, metavar="FILE", help=f"the page (default: DIR/{REPORT_FILE})")
    parser.add_argument("--open", action="store_true", help="show it in a browser")


def run(given: argparse.Namespace) -> ExitStatus:
    """Do it.

    Raises:
        CommandFailed: there is no run, one that cannot be read, no matplotlib, or the page cannot be written.
    """
    held = load_run(given.folder)
    out: Path = given.out or given.folder / REPORT_FILE
    with needs_extra("lab"):
        from engine.lab.report.page import page

        written = page(held)
    write_page(written, out)
    if held.partial is not None:
        say(f"partial: {held.partial}")
    say(out)
    if given.open:
        webbrowser.open(out.resolve().as_uri())
    return ExitStatus.DONE


def load_run(folder: Path) -> Run:
    """A run, or the reason that there is none. Raises CommandFailed."""
    try:
        return load(folder)
    except LogError as error:
        missing = not (folder / "run.json").exists()
        raise CommandFailed(ExitStatus.NO_SUCH_FILE if missing else ExitStatus.FAILED, str(error)) from error
    except OSError as error:
        raise CommandFailed(ExitStatus.NO_SUCH_FILE, f"{folder}: {error.strerror}") from error


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """What is done within needs an optional part. Raises CommandFailed if that is not installed."""
    try:
        yield
    except ImportError as error:
        message = f"{error.name or error} is not installed: pip install 'engine[{extra}]'"
        raise CommandFailed(ExitStatus.EXTRA_MISSING, message) from error


def write_page(page: str, out: Path) -> None:
    """Put a page into its file. Raises CommandFailed."""
    try:
        write_file(out, page.encode("utf-8", "replace"))
    except OSError as error:
        raise CommandFailed(ExitStatus.FAILED, f"{out}: {error.strerror or error}") from error

"""Turns as comma-separated values (RFC 4180): what is not known is an empty cell."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from io import StringIO
from pathlib import Path

from engine.latency.export.table import COLUMNS, Cell, row
from engine.latency.turns import TurnRecord
from engine.outside.files import write_file
from engine.outside.printable import printable

_BEGINS_A_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)


def write_csv(turns: Iterable[TurnRecord], path: Path) -> None:
    """Write a row a turn, under a row of names.

    Raises:
        OSError: the file cannot be written.
    """
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_written(cell) for cell in row(turn).values()] for turn in turns)
    write_file(path, text.getvalue().encode("utf-8", "replace"))


def _written(cell: Cell) -> Cell:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return defused(cell) if isinstance(cell, str) else cell


def defused(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: an apostrophe goes before what would begin one."""
    text = printable(text)
    return f"'{text}" if _BEGINS_A_FORMULA.match(text) and not _NUMBER.fullmatch(text) else text

"""Turns as comma-separated values (RFC 4180): what is not known is an empty cell."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from engine.latency.export.table import COLUMNS, Cell, row
from engine.latency.turns import TurnRecord


def write_csv(turns: Iterable[TurnRecord], path: Path) -> None:
    """Write a row a turn, under a row of names.

    Raises:
        OSError: the file cannot be written.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([_written(cell) for cell in row(turn).values()] for turn in turns)


def _written(cell: Cell) -> Cell:
    return ("true" if cell else "false") if isinstance(cell, bool) else cell

"""Turns as Parquet, every column with its type even where it holds nothing."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from engine.latency.export.table import COLUMNS
from engine.latency.turns import TurnRecord
from engine.outside.files import write_file


def write_parquet(turns: Iterable[TurnRecord], path: Path) -> None:
    """Write a row a turn.

    Raises:
        ImportError: pyarrow is not installed (the `export` extra).
        OSError: the file cannot be written.
    """
    import pyarrow
    import pyarrow.parquet

    types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_()}
    kept = tuple(turns)
    table = pyarrow.table(
        {
            name: pyarrow.array([column.of(turn) for turn in kept], types[column.kind])
            for name, column in COLUMNS.items()
        }
    )
    written = BytesIO()
    pyarrow.parquet.write_table(table, written, compression="zstd")
    write_file(path, written.getvalue())

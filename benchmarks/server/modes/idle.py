"""Nothing at all: the session is open, and stays so."""

from __future__ import annotations

from benchmarks.server.connection import Connection
from benchmarks.server.run import Run


async def play(connection: Connection, run: Run) -> None:
    await connection.lost.wait()

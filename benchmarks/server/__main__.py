"""`python -m benchmarks.server [core] [life in seconds]`: the load server in its own process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys

import uvloop

from benchmarks.server.load import serve

LIFE_S = 3 * 3600.0


async def main(life_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(life_s):
            await serve()


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments and arguments[0] != "-":
        os.sched_setaffinity(0, {int(arguments[0])})
    uvloop.run(main(float(arguments[1]) if len(arguments) > 1 else LIFE_S))

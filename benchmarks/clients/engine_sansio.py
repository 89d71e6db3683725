"""This engine on its default transport: it owns the socket and drives the sans-IO core of `websockets`."""

from __future__ import annotations

from functools import partial

from benchmarks.clients.engine_client import load as load_engine
from benchmarks.clients.main import main

load = partial(load_engine, "sansio")

if __name__ == "__main__":
    main(load)

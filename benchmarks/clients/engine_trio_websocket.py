"""This engine on trio-websocket."""

from __future__ import annotations

from functools import partial

from benchmarks.clients.engine_client import load as load_engine
from benchmarks.clients.main import main

load = partial(load_engine, "trio-websocket")

if __name__ == "__main__":
    main(load)

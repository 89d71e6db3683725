"""Other people's clients, each in a process of its own."""

from __future__ import annotations

import importlib.util
import sys
from functools import partial
from pathlib import Path

import pytest
import trio

from engine.local.server import serve

CLIENT = Path(__file__).with_name("agents_client.py")


@pytest.mark.skipif(importlib.util.find_spec("agents") is None, reason="the interop extra is not installed")
async def test_openai_agents_holds_a_call_with_a_tool_and_a_handoff():
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            served = await nursery.start(partial(serve))
            command = [sys.executable, str(CLIENT), str(served.port)]
            done = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
            nursery.cancel_scope.cancel()
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().splitlines() == [
        "Hello, this is customer service. How can I help you today?",
        "Your order 4 8 2 1 is on its way. It should arrive with 48 others.",
        "handoff Billing Support",
        "Hello, you are through to Billing Support.",
        "I have refunded order 4 8 2 1. You will have 20 dollars back within five days.",
    ]

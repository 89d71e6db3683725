"""Other people's clients, each in a process of its own."""

from __future__ import annotations

import importlib.util
import os
import sys
from functools import partial
from pathlib import Path

import pytest
import trio

from engine.local.dialogue.description import customer_service
from engine.local.server import serve
from engine.local.speech.child import available
from engine.local.speech.installed import speech_for

PYTHON = os.environ.get("ENGINE_INTEROP_PYTHON") or (
    sys.executable if importlib.util.find_spec("agents") is not None else None
)
"""An interpreter that has openai-agents; the package may disagree with this environment about others."""
MISSING = "openai-agents is not installed (the interop extra, or an interpreter named by ENGINE_INTEROP_PYTHON)"
CLIENT = Path(__file__).with_name("agents_client.py")


@pytest.mark.skipif(
    PYTHON is None, reason="openai-agents is not installed (the interop extra, or ENGINE_INTEROP_PYTHON)"
)
async def test_openai_agents_holds_a_call_with_a_tool_and_a_handoff():
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            served = await nursery.start(partial(serve))
            assert PYTHON is not None
            command = [PYTHON, str(CLIENT), str(served.port)]
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


@pytest.mark.skipif(
    PYTHON is None, reason="openai-agents is not installed (the interop extra, or ENGINE_INTEROP_PYTHON)"
)
@pytest.mark.skipif(not available(), reason="the speech extra is not installed")
async def test_openai_agents_holds_a_spoken_turn_with_a_tool(tmp_path: Path):
    assert PYTHON is not None
    client = CLIENT.with_name("spoken_agents_client.py")
    with trio.fail_after(90):
        async with speech_for(customer_service()) as speech:
            spoken = tmp_path / "spoken.pcm"
            spoken.write_bytes(await speech.synthesizer.speak("Where is order four seven one two?", "cedar", 1.0))
            async with trio.open_nursery() as nursery:
                served = await nursery.start(partial(serve, speech=speech))
                command = [PYTHON, str(client), str(served.port), str(spoken)]
                done = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
                nursery.cancel_scope.cancel()
    assert done.returncode == 0, done.stderr.decode()
    lines = done.stdout.decode().splitlines()
    assert {"tool 4712", "caller where is order four seven one two", "heard"} <= set(lines), lines
    assert "agent Your order 4 7 1 2 is on its way. It should arrive tomorrow." in lines

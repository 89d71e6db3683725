"""The log of a call in real time says what its sound says, turn by turn, to 25 ms."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.lab.simulate.results import load
from engine.lab.simulate.run import Plan, RunWriter
from engine.lab.simulate.run_real import Running
from engine.latency.metrics import METRICS
from tests.lab.calls import scenario
from tests.lab.waveform import gaps, loud, read, yields

TOLERANCE_S = 0.025

CALL = """
name = "truth"
[sessions]
count = 2
[[turn]]
says = "Hello there."
answer = "Good morning, this is the shop, what can I do for you today?"
[[turn]]
says = "Stop, I have a question."
cuts_in_ms = 900
answer = "Of course."
[[turn]]
says = "Thank you."
answer = "You are welcome."
"""


@pytest.mark.long
async def test_the_waveform_agrees(tmp_path: Path) -> None:
    plan = Plan(file=scenario(CALL), out=tmp_path)
    await Running(plan, RunWriter(plan)).run()
    run = load(tmp_path)
    compared = {"turn_gap": 0, "yield_latency": 0}
    for log in run.sessions:
        session = log.header.session
        left, right, rate = read(tmp_path / "sessions" / f"{session}.wav")
        caller, agent = loud(left, rate), loud(right, rate)
        read_off = {
            "turn_gap": [gap.seconds for gap in gaps(caller, agent)],
            "yield_latency": [cut.seconds for cut in yields(caller, agent)],
        }
        for name, seen in read_off.items():
            turns = [turn for turn in run.turns if turn.session == session]
            logged = [value for turn in turns if (value := METRICS[name].of(turn)) is not None]
            assert len(seen) == len(logged), name
            for ours, theirs in zip(logged, seen, strict=True):
                assert abs(ours - theirs) < TOLERANCE_S, (session, name, ours, theirs)
            compared[name] += len(seen)
    assert compared["turn_gap"] >= 6
    assert compared["yield_latency"] == 2

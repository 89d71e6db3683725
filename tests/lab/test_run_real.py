"""Runs in real time, here with a clock that need not wait: starts, limits, and an end before the end."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from engine.lab.scenario.scenario import ScenarioFile
from engine.lab.simulate import run_real
from engine.lab.simulate.results import SessionResult, load
from engine.lab.simulate.run import Plan, RunWriter, changed
from engine.lab.simulate.run_real import Running
from engine.settings import RealtimeModelConfig
from tests.lab.calls import scenario, short

APART = """
name = "apart"
[sessions]
count = 3
arrive = "trace"
at_s = [0, 2, 5]
[[turn]]
says = "Hello."
answer = "Hello."
"""


def running(file: ScenarioFile, out: Path, **more: object) -> Running:
    plan = Plan(file=file, out=out, **more)  # type: ignore[arg-type]
    return Running(plan, RunWriter(plan))


async def test_sessions_begin_when_they_should(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    info = await running(scenario(APART), tmp_path).run()
    assert info.finished
    assert [result.started_ns - result.intended_start_ns for result in info.sessions] == [0, 0, 0]
    assert [result.intended_start_ns for result in info.sessions] == [0, 2_000_000_000, 5_000_000_000]
    assert {path.suffix for path in (tmp_path / "sessions").iterdir()} == {".jsonl", ".wav"}
    assert info.pacing_drift_ms is not None
    assert info.machine is not None
    assert load(tmp_path).partial is None


async def test_a_full_machine_begins_late_and_says_so(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_real, "MOST_AT_ONCE", 1)
    info = await running(changed(short(), sessions=2), tmp_path).run()
    first, second = sorted(info.sessions, key=lambda result: result.started_ns)
    assert second.intended_start_ns == 0
    assert second.started_ns >= first.started_ns + first.lasted_ns
    headers = {log.header.session: log.header for log in load(tmp_path).sessions}
    header = headers[second.id]
    assert header.started_ns - (header.intended_start_ns or 0) >= first.lasted_ns


async def test_a_run_that_is_stopped_keeps_what_has_ended(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    run = running(scenario(APART, **{"[0, 2, 5]": "[0, 2, 50]"}), tmp_path)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_stop_at, run, 50.5)
        info = await run.run()
    assert info.interrupted == "Ctrl-C"
    assert [result.id for result in info.sessions] == ["s0001", "s0002"]
    loaded = load(tmp_path)
    assert loaded.partial == "Ctrl-C: 3 of 3 sessions"
    assert loaded.sessions[0].partial is None


async def _stop_at(run: Running, seconds: float) -> None:
    await trio.sleep(seconds)
    run.stop("Ctrl-C")


async def test_a_model_that_is_not_there_fails_every_session(tmp_path: Path) -> None:
    config = RealtimeModelConfig(url="ws://127.0.0.1:9/v1/realtime", api_key="none", connect_timeout=2.0)
    seen: list[SessionResult] = []
    plan = Plan(file=changed(short(), sessions=2), out=tmp_path, model_config=config)
    info = await Running(plan, RunWriter(plan, watch=seen.append)).run()
    assert [result.outcome for result in info.sessions] == ["failed", "failed"]
    assert "ConnectRefused" in (info.sessions[0].error or "")
    assert len(seen) == 2

"""Whole runs under virtual time: the same bytes for a seed, and what is left of one that was interrupted."""

from __future__ import annotations

import os
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from engine.errors import LogError
from engine.lab.simulate.results import SessionResult, load
from engine.lab.simulate.run import Plan, RunExists, RunWriter, changed, passed
from engine.lab.simulate.run_virtual import run_virtually
from tests.lab.calls import SHORT, files_of, run_here, short


def test_a_run_is_what_the_scenario_says(tmp_path: Path) -> None:
    info = run_here(short(), tmp_path)
    assert info.finished
    assert passed(info), [verdict.line for verdict in info.budgets]
    assert [result.outcome for result in info.sessions] == ["completed"] * 3
    run = load(tmp_path)
    assert run.partial is None
    assert run.info == info
    spoken = [turn for turn in run.turns if turn.opened_by == "speech"]
    assert len(spoken) == 6
    assert all(turn.answered for turn in spoken)
    assert {turn.purpose for turn in spoken} == {"turn", "barge_in"}
    assert all(turn.tools for turn in spoken if turn.purpose == "turn")


def test_a_seed_gives_the_same_bytes_in_any_number_of_processes(tmp_path: Path) -> None:
    run_here(short(), tmp_path / "here")
    run_here(short(), tmp_path / "there", workers=2)
    assert files_of(tmp_path / "here") == files_of(tmp_path / "there")


def test_another_program_with_other_hashes_writes_the_same_bytes(tmp_path: Path) -> None:
    scenario = tmp_path / "test.toml"
    scenario.write_text(SHORT)
    for number in (1, 2):
        subprocess.run(
            [
                *(sys.executable, "-c", "import sys; from engine.cli.main import main; sys.exit(main())"),
                *("lab", "run", scenario, "--virtual", "--quiet"),
                *("--sessions", "1", "--workers", "1", "--out", tmp_path / str(number)),
            ],
            env={**os.environ, "PYTHONHASHSEED": str(number)},
            check=True,
            capture_output=True,
        )
    assert files_of(tmp_path / "1") == files_of(tmp_path / "2")


def test_another_seed_is_another_run(tmp_path: Path) -> None:
    run_here(short(), tmp_path / "a")
    run_here(changed(short(), seed=4), tmp_path / "b")
    one, other = files_of(tmp_path / "a"), files_of(tmp_path / "b")
    assert one["sessions/s0001.jsonl"] != other["sessions/s0001.jsonl"]


def test_more_sessions_do_not_change_the_first_ones(tmp_path: Path) -> None:
    run_here(changed(short(), sessions=1), tmp_path / "one")
    run_here(changed(short(), sessions=2), tmp_path / "two")
    one, two = files_of(tmp_path / "one"), files_of(tmp_path / "two")
    assert one["sessions/s0001.jsonl"] == two["sessions/s0001.jsonl"]


def test_a_slower_tool_shifts_no_other_draw(tmp_path: Path) -> None:
    """Only what comes after the tool may be later, and by as much."""
    run_here(changed(short(), sessions=1), tmp_path / "a")
    run_here(changed(short(**{"median = 200": "median = 260"}), sessions=1), tmp_path / "b")
    before, after = (load(tmp_path / name).turns for name in "ab")
    first, slower = (next(turn for turn in turns if turn.tools) for turns in (before, after))
    assert first.began == slower.began
    assert first.tools[0].called == slower.tools[0].called
    later = slower.tools[0].ended - first.tools[0].ended  # type: ignore[operator]
    assert later > 0
    assert slower.playout_start - first.playout_start == pytest.approx(later, abs=5_000_000)  # type: ignore[operator]


def test_sound_is_kept_where_it_is_wanted(tmp_path: Path) -> None:
    run_here(changed(short(), sessions=1), tmp_path, audio=True)
    with wave.open(str(tmp_path / "sessions" / "s0001.wav")) as file:
        assert file.getnchannels() == 2
        assert file.getframerate() == 24_000
        seconds = file.getnframes() / 24_000
    log = load(tmp_path).sessions[0]
    assert seconds == pytest.approx(log.instants[-1].t / 1e9, abs=0.1)


def test_an_interrupted_run_keeps_what_it_has(tmp_path: Path) -> None:
    seen: list[SessionResult] = []

    def interrupt(result: SessionResult) -> None:
        seen.append(result)
        if len(seen) == 2:
            raise KeyboardInterrupt

    plan = Plan(file=short(), out=tmp_path, virtual=True)
    info = run_virtually(plan, RunWriter(plan, watch=interrupt), workers=1)
    assert not info.finished
    assert info.interrupted == "Ctrl-C"
    run = load(tmp_path)
    assert run.partial == "Ctrl-C: 2 of 3 sessions"
    assert len(run.info.sessions) == len(run.sessions) == 2
    assert not passed(run.info)


def test_a_run_that_died_loads_as_far_as_it_got(tmp_path: Path) -> None:
    plan = Plan(file=short(), out=tmp_path, virtual=True)
    RunWriter(plan)
    run = load(tmp_path)
    assert run.partial == "the run did not end: 0 of 3 sessions"


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    with pytest.raises(RunExists):
        RunWriter(Plan(file=short(), out=tmp_path, virtual=True))


def test_what_is_no_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="there is no run here"):
        load(tmp_path)
    (tmp_path / "run.json").write_text('{"engine_run": 2}')
    with pytest.raises(LogError, match="version 2"):
        load(tmp_path)
    (tmp_path / "run.json").write_text('{"engine_run": 1, "seed": 3}')
    with pytest.raises(LogError, match="not the description of a run"):
        load(tmp_path)

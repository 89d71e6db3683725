"""`engine lab` from the command line: what it says, and with which status it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.cli.exit_status import ExitStatus
from engine.cli.main import main
from engine.lab.simulate.results import load
from tests.lab.calls import SHORT

MAIN = "import sys; from engine.cli.main import main; sys.exit(main())"


def scenario(tmp_path: Path, text: str = SHORT) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return str(path)


def run(tmp_path: Path, *more: str, text: str = SHORT) -> int:
    out = str(tmp_path / "out")
    return main(["lab", "run", scenario(tmp_path, text), "--virtual", "--workers", "1", "--out", out, *more])


def test_budgets_that_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--sessions", "1") == ExitStatus.DONE
    said = capsys.readouterr()
    assert said.out.count("held:") == 2
    assert "NOT HELD" not in said.out
    assert "1 calls in" in said.err
    assert load(tmp_path / "out").info.finished


def test_a_budget_that_does_not_hold_has_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    strict = SHORT.replace("turn_gap p50 < 3 s", "turn_gap p50 < 3 ms")
    assert run(tmp_path, "--sessions", "1", text=strict) == ExitStatus.NOT_HELD
    assert "NOT HELD: turn_gap p50 < 3 ms (it is" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["lab"], ExitStatus.DONE, ""),
        (["lab", "rum"], ExitStatus.USAGE, "did you mean 'run'?"),
        (["lab", "run", "suport_call"], ExitStatus.USAGE, "did you mean 'support_call'?"),
        (["lab", "run", "support_call", "--model", "gpt-9"], ExitStatus.UNKNOWN_MODEL, "openai:gpt-9"),
        (["lab", "run", "support_call", "--virtual", "--model", "ws://127.0.0.1:1/"], ExitStatus.USAGE, "--virtual"),
    ],
)
def test_what_is_wrong_is_one_line(
    arguments: list[str], status: ExitStatus, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == status
    said = capsys.readouterr().err
    assert words in said
    assert len(said.splitlines()) <= 1


def test_a_bad_scenario_names_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, text=SHORT.replace("first_token_ms", "frist_token_ms")) == ExitStatus.USAGE
    said = capsys.readouterr().err
    assert "mine.toml:19: model.frist_token_ms: unknown key" in said
    assert "did you mean 'first_token_ms'?" in said


@pytest.mark.parametrize("virtual", [["--virtual"], []])
def test_a_sound_that_is_missing_ends_the_run(
    virtual: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = scenario(tmp_path, 'name = "x"\n[[turn]]\nwav = "nothing.wav"\n')
    assert main(["lab", "run", path, *virtual, "--out", str(tmp_path / "out")]) == ExitStatus.USAGE
    assert "nothing.wav" in capsys.readouterr().err
    assert load(tmp_path / "out").partial is not None


def test_a_real_call(tmp_path: Path) -> None:
    text = 'name = "x"\nbudgets = ["response_rate > 0.9"]\n[[turn]]\ntypes = "Hi."\nanswer = "Ho."\n'
    quick = text + "[caller]\ngreeted = false\npause_ms = 0\n"
    assert main(["lab", "run", scenario(tmp_path, quick), "--out", str(tmp_path / "out")]) == ExitStatus.DONE
    info = load(tmp_path / "out").info
    assert info.clock == "real"
    assert (tmp_path / "out" / "sessions" / "s0001.wav").stat().st_size > 1000


def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--sessions", "1") == ExitStatus.DONE
    assert run(tmp_path, "--sessions", "1") == ExitStatus.FAILED
    assert "is not empty" in capsys.readouterr().err


def test_ctrl_c_ends_a_virtual_run_with_what_it_has(tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = [
        "lab",
        "run",
        scenario(tmp_path),
        "--virtual",
        "--workers",
        "2",
        "--sessions",
        "5000",
        "--out",
        str(out),
    ]
    command = subprocess.Popen(
        [sys.executable, "-c", MAIN, *arguments, "--out", out], stderr=subprocess.PIPE, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while len(list((out / "sessions").glob("*.jsonl"))) < 4 and time.monotonic() < deadline:
        assert command.poll() is None
        time.sleep(0.05)
    os.killpg(command.pid, signal.SIGINT)
    _, said = command.communicate(timeout=60)
    assert command.returncode == ExitStatus.INTERRUPTED, said
    assert b"interrupted: Ctrl-C" in said
    assert b"Traceback" not in said
    loaded = load(out)
    assert loaded.partial is not None
    assert 0 < len(loaded.info.sessions) < 5000
    whole = {log.header.session for log in loaded.sessions if log.partial is None}
    assert {result.id for result in loaded.info.sessions} <= whole

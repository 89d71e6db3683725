"""`engine lab report`, `compare` and `export`, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.cli.exit_status import ExitStatus
from engine.cli.main import main
from tests.lab.report.calls import Build, write_run
from tests.lab.report.html_check import checked


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    write_run(folder / "a", sessions=12)
    write_run(folder / "same", sessions=12)
    write_run(folder / "slow", sessions=12, build=Build(model_ms=80))
    write_run(folder / "cut", sessions=3, interrupted="Ctrl-C")
    return folder


def test_report(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "report", str(runs / "a")]) == ExitStatus.DONE
    assert capsys.readouterr().out == f"{runs / 'a' / 'report.html'}\n"
    checked((runs / "a" / "report.html").read_text())


def test_report_of_a_partial_run(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "report", str(runs / "cut"), "--out", str(tmp_path / "cut.html")]) == ExitStatus.DONE
    assert "partial: Ctrl-C: 3 of 8 sessions" in capsys.readouterr().out
    assert "This run is partial" in (tmp_path / "cut.html").read_text()


def test_report_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "report", str(tmp_path / "nowhere")]) == ExitStatus.NO_SUCH_FILE
    assert "there is no run here" in capsys.readouterr().err


def test_report_of_a_run_that_somebody_broke(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = write_run(tmp_path / "broken", sessions=2)
    log = broken / "sessions" / "s0001.jsonl"
    log.write_text(log.read_text().replace('{"t"', "{t", 1))
    assert main(["lab", "report", str(broken)]) == ExitStatus.FAILED
    assert "s0001.jsonl" in (said := capsys.readouterr().err)
    assert "2" in said
    (broken / "run.json").write_text(json.dumps({"engine_run": 99}))
    assert main(["lab", "report", str(broken)]) == ExitStatus.FAILED
    assert "version 99" in capsys.readouterr().err


def test_report_where_one_cannot_write(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "report", str(runs / "a"), "--out", str(tmp_path / "no" / "a.html")]) == ExitStatus.FAILED
    assert "No such file" in capsys.readouterr().err


def test_compare_sees_nothing(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "compare", str(runs / "a"), str(runs / "same")]) == ExitStatus.DONE
    assert "no difference seen in" in capsys.readouterr().out.splitlines()[-1]


def test_compare_sees_a_regression(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "difference.html"
    status = main(["lab", "compare", str(runs / "a"), str(runs / "slow"), "--out", str(page), "--all"])
    assert status == ExitStatus.DIFFERENT
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith("B is worse: ")
    assert any("model_ttfa" in line and "+80.0 ms" in line and "worse" in line for line in lines)
    checked(page.read_text())
    assert main(["lab", "compare", str(runs / "slow"), str(runs / "a")]) == ExitStatus.DONE
    assert capsys.readouterr().out.splitlines()[-1].startswith("B is better: ")


def test_compare_says_what_its_status_means(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["lab", "compare", "--help"])
    assert "12  B is worse in something" in capsys.readouterr().out


def test_export(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {name: tmp_path / f"turns.{name}" for name in ("csv", "parquet", "trace", "hdr")}
    options = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    assert main(["lab", "export", str(runs / "a"), *options]) == ExitStatus.DONE
    assert all(path.stat().st_size for path in files.values())
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_export_of_nothing_and_to_nowhere(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "export", str(runs / "a")]) == ExitStatus.USAGE
    assert "export to what?" in capsys.readouterr().err
    assert main(["lab", "export", str(runs / "a"), "--otel", "http://127.0.0.1:9"]) == ExitStatus.UNREACHABLE
    assert main(["lab", "export", str(runs / "a"), "--otel", "127.0.0.1:4318"]) == ExitStatus.USAGE

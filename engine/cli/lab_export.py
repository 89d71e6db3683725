"""`engine lab export`: a run for other people's tools."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.cli.exit_status import CommandFailed, ExitStatus
from engine.cli.lab_report import load_run, needs_extra
from engine.cli.say import say
from engine.lab.simulate.results import Run
from engine.latency.export.chrome_trace import write_chrome_trace
from engine.latency.export.csv import write_csv
from engine.latency.export.hdr import write_hdr
from engine.latency.export.otel_names import DEFAULT, VERSIONS
from engine.latency.export.parquet import write_parquet
from engine.latency.log import SessionLog
from engine.latency.turns import TurnRecord

EXAMPLES = """\
examples:
  engine lab export runs/a --csv turns.csv --parquet turns.parquet
      a row a turn; times in seconds, what is not known left empty
  engine lab export runs/a --trace trace.json
      opens in ui.perfetto.dev: a process a session, a lane each for caller, network, model, engine, tools, speaker
  engine lab export runs/a --otel http://127.0.0.1:4318
      spans and metrics to a collector, as OTLP over HTTP (JSON)
  engine lab export runs/a --hdr latency.hlog
      HDR histograms, for HdrHistogram's own tools

Parquet, OpenTelemetry and HDR histograms need the extra: pip install 'engine[export]'.
"""
_WRITERS = {"csv": write_csv, "parquet": write_parquet, "trace": write_chrome_trace, "hdr": write_hdr}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="what `engine lab run` wrote")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="comma-separated values")
    parser.add_argument("--parquet", type=Path, metavar="FILE", help="Parquet")
    parser.add_argument("--trace", type=Path, metavar="FILE", help="Chrome trace events, for Perfetto")
    parser.add_argument("--hdr", type=Path, metavar="FILE", help="a log of HDR histograms")
    parser.add_argument("--otel", metavar="ENDPOINT", help="an OTLP collector's http or https URL")
    parser.add_argument(
        "--otel-names",
        choices=tuple(VERSIONS),
        default=DEFAULT,
        help=f"version of the conventions (default: {DEFAULT})",
    )


def run(given: argparse.Namespace) -> ExitStatus:
    """Do it.

    Raises:
        CommandFailed: nothing was asked for, the run cannot be read, an extra is missing, or something cannot be
            written or sent.
    """
    wanted = {name: path for name in _WRITERS if (path := getattr(given, name)) is not None}
    if not wanted and given.otel is None:
        raise CommandFailed(ExitStatus.USAGE, "export to what? --csv, --parquet, --trace, --hdr or --otel")
    held = load_run(given.folder)
    if held.partial is not None:
        say(f"partial: {held.partial}")
    for name, path in wanted.items():
        _write(name, path, held)
    if given.otel is not None:
        _send(given.otel, given.otel_names, held)
    return ExitStatus.DONE


def _write(name: str, path: Path, held: Run) -> None:
    try:
        with needs_extra("export"):
            _WRITERS[name](held.turns, path)
    except OSError as error:
        raise CommandFailed(ExitStatus.FAILED, f"{path}: {error.strerror}") from error
    say(f"{path}: {len(held.turns)} turns")


def _send(endpoint: str, names: str, held: Run) -> None:
    try:
        with needs_extra("export"):
            from engine.latency.export.otlp import send_otlp

            count = send_otlp(endpoint, [(log.header, _of(log, held)) for log in held.sessions], names=names)
    except ValueError as error:
        raise CommandFailed(ExitStatus.USAGE, str(error)) from error
    except OSError as error:
        raise CommandFailed(ExitStatus.UNREACHABLE, f"{endpoint}: {error}") from error
    say(f"{endpoint}: {count} spans")


def _of(log: SessionLog, held: Run) -> list[TurnRecord]:
    return [turn for turn in held.turns if turn.session == log.header.session]

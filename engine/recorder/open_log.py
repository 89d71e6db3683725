"""A session's recorder, with the head of its log and the file that it goes to."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from itertools import count
from secrets import token_hex

import attrs

from engine._messages import shorten
from engine.clock import is_real_time, now_ns
from engine.errors import SettingsError
from engine.latency.log import LogHeader, LogWriter
from engine.latency.turns import TurnRecord
from engine.outside.files import is_file_name
from engine.recorder import Recorder
from engine.secret.value import shown
from engine.settings import LatencyLog
from engine.version import VERSION
from engine.wire.converter import converter
from engine.wire.formats import format_object
from engine.wire.session import Session, format_of
from engine.wire.struct import UNSET, evolve


def new_recorder(
    log: LatencyLog | None,
    settings: Session,
    model: str,
    *,
    on_turn: Callable[[TurnRecord, int], None],
    on_due: Callable[[int], None],
) -> Recorder:
    """A recorder for a session that begins now.

    Args:
        log: where to write; None: nowhere.
        settings: those that the session is opened with.
        model: the name of the model, where the settings have none.
        on_turn: see `Recorder`.
        on_due: see `Recorder`.

    Raises:
        SettingsError: the log cannot be written there.
    """
    header = _header(log or LatencyLog(path="unwritten"), settings, model)
    input_format, output_format = format_of(settings.audio_input), format_of(settings.audio_output)
    writer = None
    if log is not None:
        try:
            header, writer = _open(log, header)
        except OSError as error:
            raise SettingsError(
                f"run_config.latency_log: {log.path} cannot be written: {error.strerror or error}"
            ) from error
    return Recorder(header, input_format, output_format, writer=writer, on_turn=on_turn, on_due=on_due)


def _open(log: LatencyLog, header: LogHeader) -> tuple[LogHeader, LogWriter]:
    if not log.path.is_dir():
        header = attrs.evolve(header, session=log.session or log.path.stem)
        return header, LogWriter(log.path, header, exclusive=True)
    if log.session is not None and not is_file_name(log.session):
        raise SettingsError(
            f"run_config.latency_log.session: {shorten(log.session)!r} cannot be the name of a file in {log.path}"
        )
    for name in _names(log, header):
        named = attrs.evolve(header, session=name)
        try:
            return named, LogWriter(log.path / f"{name}.jsonl", named, exclusive=True)
        except FileExistsError:
            if log.session is not None:
                raise
    raise AssertionError("names do not come to an end")


def _names(log: LatencyLog, header: LogHeader) -> Iterator[str]:
    """What to call the session: under virtual time the same in every run."""
    if log.session is not None:
        yield log.session
    for number in count(1):
        yield f"s{number:04d}" if header.clock == "virtual" else _name()


def _name() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{token_hex(6)}"


def _header(log: LatencyLog, settings: Session, model: str) -> LogHeader:
    real = is_real_time()
    return LogHeader(
        session=log.session or (_name() if real else "s0001"),
        started_ns=now_ns(),
        clock="real" if real else "virtual",
        wall=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z" if real else None,
        engine=VERSION,
        python=platform.python_version() if real else None,
        platform=_platform() if real else None,
        model=settings.model if isinstance(settings.model, str) else model,
        settings=_shown(settings),
        seed=log.seed,
        scenario=log.scenario,
        intended_start_ns=log.intended_start_ns,
        input_format=format_object(format_of(settings.audio_input)),
        output_format=format_object(format_of(settings.audio_output)),
    )


def _shown(settings: Session) -> dict[str, object]:
    written: dict[str, object] = shown(converter.unstructure(evolve(settings, extra=UNSET)))
    return written


@lru_cache(maxsize=1)
def _platform() -> str:
    return platform.platform()

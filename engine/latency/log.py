"""The log of a session: a text file, one JSON object a line, that tells everything that happened and when.

The first line is the header (`LogHeader`), every other line an instant: ``{"t": nanoseconds since the session began,
"k": kind, ...}``, the last of them of kind ``session.end``. Lines are in the order in which things became known. That
is the order of time but for what is told late: the sending of the user's first and last audio, which only the server
can point out, and what the line marks. `read_log` puts everything in the order of time.

A log that is cut short is read as far as it goes, and says that it is partial. Keys of the header that are not known
are passed over, unlike in `engine.wire.check`: a later engine may have written them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, TypeVar

import attrs

from engine._messages import shorten
from engine.errors import LogError
from engine.latency.instants import KINDS, Instant, Value
from engine.outside.files import create_file, read_file
from engine.outside.json_line import json_line
from engine.outside.json_text import BeyondLimits, NotJson, parse_json
from engine.wire.units import NS_PER_S

VERSION: Final = 2
"""Version of the format that is written. Version 1 is read, too; any other is refused."""

_KINDS_OF_1: Final = {"engine.share": "engine.overhead"}
_FIELDS_OF_1: Final = {"beside": "out_of_band"}
"""Names of version 1 that have another name now."""

END: Final = "session.end"
LATEST_NS: Final = 2**53
"""No session lasts longer than 104 days, and a float holds so many nanoseconds exactly."""
FLUSH_NS: Final = NS_PER_S
"""After so much time of the session what was logged is in the file."""

_MOST_BUFFERED = 1 << 16

Clock = Literal["real", "virtual"]
V = TypeVar("V")


@attrs.frozen(kw_only=True)
class LogHeader:
    """What a log is about. What depends on the machine is None under virtual time, so that a seed gives the same bytes
    everywhere."""

    session: str
    started_ns: int = 0
    """The session's clock when it began: every `t` is counted from here."""
    clock: Clock = "real"
    wall: str | None = None
    """UTC in ISO 8601 at that moment: the one reading of a wall clock, for the reader's eyes."""
    engine: str | None = None
    """Version."""
    python: str | None = None
    platform: str | None = None
    model: str | None = None
    settings: Mapping[str, object] = attrs.field(factory=dict)
    """Those that the session was opened with; no keys, no headers."""
    seed: int | None = None
    scenario: str | None = None
    intended_start_ns: int | None = None
    """When the session should have begun, on the same clock as `started_ns`: later is the harness's fault, and belongs
    to the latency of an open-loop run."""
    input_format: Mapping[str, object] | None = None
    output_format: Mapping[str, object] | None = None


@attrs.frozen
class SessionLog:
    """A log that has been read, or that is kept in memory."""

    header: LogHeader
    instants: tuple[Instant, ...]
    """In the order of time; of equal times, those of the line first."""
    partial: str | None = None
    """Why the log is not whole, in words; None if it is."""


def in_order(instants: Sequence[Instant]) -> tuple[Instant, ...]:
    """Instants by time. Of equal times, the line's own come first; otherwise their order is kept."""
    return tuple(sorted(instants, key=_place))


def _place(instant: Instant) -> tuple[int, bool]:
    kind = KINDS.get(instant.kind)
    return instant.t, kind is None or not kind.by_line


# --- writing


def header_line(header: LogHeader) -> bytes:
    """The first line of a log."""
    return json_line({"engine_log": VERSION, **attrs.asdict(header, recurse=False)}) + b"\n"


def instant_line(instant: Instant) -> bytes:
    """One line of a log."""
    return json_line({"t": instant.t, "k": instant.kind, **instant.fields}) + b"\n"


class LogWriter:
    """Writes a log as things happen. The same header and instants are always the same bytes."""

    def __init__(self, path: str | Path, header: LogHeader, *, exclusive: bool = False) -> None:
        """
        Args:
            path: the file; what it held before is lost.
            header: the first line.
            exclusive: fail if the file exists.

        Raises:
            OSError: it cannot be written.
        """
        self.path = Path(path)
        self._file = create_file(self.path, exclusive=exclusive, buffering=0)
        self._buffer = bytearray(header_line(header))
        self._flushed_at = 0
        self.failed: OSError | None = None
        """Why nothing is written any more: the disk is full, or gone. A session does not end for that."""
        try:
            self._file.write(self._buffer)
        except OSError:
            self._file.close()
            raise
        self._buffer.clear()

    def write(self, instant: Instant) -> None:
        """Add a line."""
        self._buffer += instant_line(instant)
        if len(self._buffer) >= _MOST_BUFFERED:
            self.flush()
        else:
            self.advance(instant.t)

    def advance(self, t: int) -> None:
        """The session's time is `t`: what has waited for `FLUSH_NS` goes to the file."""
        if t - self._flushed_at >= FLUSH_NS:
            self.flush()
            self._flushed_at = t

    def flush(self) -> None:
        """Put everything into the file now."""
        if self._buffer and not self._file.closed and self.failed is None:
            try:
                self._file.write(self._buffer)
            except OSError as error:
                self.failed = error
        self._buffer.clear()

    def close(self) -> None:
        """Put everything into the file and close it. May be called again."""
        self.flush()
        try:
            self._file.close()
        except OSError as error:
            self.failed = error


# --- reading


def read_log(path: str | Path) -> SessionLog:
    """A log from its file. One that was cut short, in the middle of a line or of the session, is read and says so.

    Raises:
        LogError: a line other than the last is no instant, or the file is no log, or one of another version.
        OSError: the file cannot be read.
    """
    lines = read_file(path).splitlines()
    name = str(path)
    version, header = _header(name, lines[0] if lines else b"")
    instants: list[Instant] = []
    partial = None
    for number, line in enumerate(lines[1:], start=2):
        try:
            instants.append(_instant(line, version))
        except ValueError as error:
            if number < len(lines):
                raise LogError(name, number, str(error)) from None
            partial = f"its last line ({number}) is cut short"
    if partial is None and not any(instant.kind == END for instant in instants):
        partial = "it has no end: the session was still going on, or was killed"
    return SessionLog(header, in_order(instants), partial)


def _instant(line: bytes, version: int) -> Instant:
    given = _object(line)
    t, kind = given.pop("t", None), given.pop("k", None)
    if type(t) is not int:
        raise ValueError(f"'t' is {shorten(repr(t))}: expected a whole number of nanoseconds")
    if abs(t) > LATEST_NS:
        raise ValueError(f"'t' is {shorten(repr(t))}: no session lasts so long")
    if not isinstance(kind, str):
        raise ValueError(f"'k' is {shorten(repr(kind))}: expected a kind, which is a text")
    if version == 1:
        given = {_FIELDS_OF_1.get(name, name): value for name, value in given.items()}
        kind = _KINDS_OF_1.get(kind, kind)
    return Instant(t, kind, given)


def _object(line: bytes) -> dict[str, Value]:
    try:
        given = parse_json(line)
    except BeyondLimits as error:
        raise ValueError(str(error)) from None
    except NotJson:
        raise ValueError(f"it is no JSON: {line[:60]!r}") from None
    if not isinstance(given, dict):
        raise ValueError(f"it is no JSON object: {line[:60]!r}")
    return given


def _header(path: str, line: bytes) -> tuple[int, LogHeader]:
    """Return the version of a log and its header. Raises LogError."""
    try:
        given = _object(line)
        version = given.get("engine_log")
        if version is None:
            raise ValueError("it is not the first line of a log: it has no 'engine_log'")
        if not isinstance(version, int) or version not in (1, VERSION):
            raise ValueError(
                f"the log is of version {shorten(repr(version))}; this engine reads versions 1 and {VERSION}"
            )
        return version, LogHeader(
            session=_need(given, "session", str),
            started_ns=_need(given, "started_ns", int),
            clock="virtual" if _need(given, "clock", str) == "virtual" else "real",
            wall=_may(given, "wall", str),
            engine=_may(given, "engine", str),
            python=_may(given, "python", str),
            platform=_may(given, "platform", str),
            model=_may(given, "model", str),
            settings=_may(given, "settings", dict) or {},
            seed=_may(given, "seed", int),
            scenario=_may(given, "scenario", str),
            intended_start_ns=_may(given, "intended_start_ns", int),
            input_format=_may(given, "input_format", dict),
            output_format=_may(given, "output_format", dict),
        )
    except ValueError as error:
        raise LogError(path, 1, str(error)) from None


def _need(given: Mapping[str, object], name: str, kind: type[V]) -> V:
    value = _may(given, name, kind)
    if value is None:
        raise ValueError(f"'{name}' is missing")
    return value


def _may(given: Mapping[str, object], name: str, kind: type[V]) -> V | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"'{name}' is {shorten(repr(value))}: expected {_NAMES[kind]}")
    return value


_NAMES: Mapping[type, str] = {str: "a text", int: "a whole number", dict: "an object"}

"""A recorded session, read: the events of the wire in order, and what the application took, if that was kept.

Reads what `engine.lab.replay.recording` writes, and recordings of other clients in the same form: JSON lines with a
`direction` and the event as `data`, without header and times.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import attrs

from engine._messages import shorten
from engine.errors import LogError
from engine.lab.replay.recording import VERSION, WIRE_FILE
from engine.outside.files import read_file
from engine.outside.json_line import json_line
from engine.outside.json_text import NotJson, parse_json
from engine.wire.units import NS_PER_S

Direction = Literal["sent", "received"]

LONGEST_NS = 86_400 * NS_PER_S
"""No recorded session lasts longer than a day."""


@attrs.frozen
class RecordedLine:
    """One event of the wire."""

    number: int
    """Of the line in the file, from 1."""
    t: int | None
    """Nanoseconds since the connection was made; None: nobody knows."""
    direction: Direction
    data: Mapping[str, Any] | str
    """The event; a text if it was no event."""

    @property
    def type(self) -> str:
        """The event's type."""
        return str(self.data.get("type", "")) if isinstance(self.data, Mapping) else ""

    @property
    def message(self) -> bytes:
        """The message as it went over the wire, or as good as."""
        return self.data.encode(errors="replace") if isinstance(self.data, str) else json_line(self.data)


@attrs.frozen
class DeliveredEvent:
    """An event that the application took."""

    number: int
    data: Mapping[str, Any]


@attrs.frozen
class RecordedCall:
    """A whole recording."""

    path: Path
    header: Mapping[str, Any] | None
    """None: another client made it."""
    lines: tuple[RecordedLine, ...]
    events: tuple[DeliveredEvent, ...]
    """Empty: they were not kept."""
    partial: str | None
    """Why it is not whole; None if it is."""

    def of(self, direction: Direction) -> tuple[RecordedLine, ...]:
        """The events of one direction."""
        return tuple(line for line in self.lines if line.direction == direction)


def load_recording(path: str | Path) -> RecordedCall:
    """A recording, from its folder or its file. One that was cut short is read and says so.

    Raises:
        LogError: it is no recording, one of another version, or a line of it is damaged.
    """
    path = Path(path)
    file = path / WIRE_FILE if path.is_dir() else path
    try:
        rows = read_file(file).splitlines()
    except OSError as error:
        raise LogError(str(file), 1, f"there is no recording here: {error.strerror or error}") from error
    header: Mapping[str, Any] | None = None
    lines: list[RecordedLine] = []
    events: list[DeliveredEvent] = []
    partial: str | None = None
    ended = False
    for number, row in enumerate(rows, start=1):
        try:
            data = _object(file, number, row)
        except LogError as error:
            if number < len(rows):
                raise
            partial = f"cut short in line {number} ({error.reason})"
            break
        if number == 1 and "engine_recording" in data:
            header = _checked(file, data)
            continue
        match data:
            case {"kind": "end"}:
                ended = True
            case {"kind": "event", "data": dict(taken)}:
                if not isinstance(taken.get("type"), str):
                    raise LogError(str(file), number, "an event without its type")
                events.append(DeliveredEvent(number, taken))
            case {"direction": "sent" | "received" as direction, "data": dict() | str() as event}:
                _check(file, number, event, data.get("t"))
                lines.append(RecordedLine(number, _time(data), direction, event))
    if not lines:
        raise LogError(str(file), max(len(rows), 1), "there is no event of the wire in it")
    if partial is None and header is not None and not ended:
        partial = "the end is missing"
    return RecordedCall(file, header, tuple(lines), tuple(events), partial)


def _check(file: Path, number: int, event: Mapping[str, Any] | str, t: object) -> None:
    """Check what a replay relies on: it takes as long, in virtual time, as the recording says."""
    if isinstance(event, Mapping) and not isinstance(event.get("type"), str):
        raise LogError(str(file), number, "an event without its type")
    if isinstance(t, int) and not isinstance(t, bool) and not 0 <= t <= LONGEST_NS:
        raise LogError(str(file), number, f"'t' is {shorten(repr(t))}: expected nanoseconds, of a day at most")


def _object(file: Path, number: int, row: bytes) -> dict[str, Any]:
    try:
        data = parse_json(row)
    except NotJson as error:
        raise LogError(str(file), number, f"not JSON: {error}") from error
    if not isinstance(data, dict):
        raise LogError(str(file), number, "not a JSON object")
    return data


def _checked(file: Path, data: Mapping[str, Any]) -> Mapping[str, Any]:
    if data["engine_recording"] != VERSION:
        found = data["engine_recording"]
        raise LogError(
            str(file), 1, f"a recording of version {shorten(repr(found))}; this program reads version {VERSION}"
        )
    return data


def _time(data: Mapping[str, Any]) -> int | None:
    t = data.get("t")
    return t if isinstance(t, int) and not isinstance(t, bool) else None

"""Real conversations as they went over the wire, for tests. They live outside the repository.

They are looked for in the folder that ENGINE_RECORDINGS names, else in `shared/recordings` beside the repository. One
file is one conversation; a test that takes `@recorded` runs once for each, or is skipped with a reason.
"""

import os
from pathlib import Path
from typing import Any

import attrs
import orjson
import pytest


@attrs.frozen
class Line:
    """One message: who sent it ("sent" by the client, "received" from the server) and the event in it."""

    direction: str
    data: dict[str, Any]

    @property
    def text(self) -> bytes:
        """The event as compact JSON."""
        return orjson.dumps(self.data)


@attrs.frozen
class Recording:
    """One conversation."""

    name: str
    lines: tuple[Line, ...]

    @property
    def sent(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.direction == "sent")

    @property
    def received(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.direction == "received")


def folder() -> Path:
    """Where recordings should be."""
    named = os.environ.get("ENGINE_RECORDINGS")
    return Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "recordings"


def load(path: Path) -> Recording:
    """Reads one file of recorded JSON lines; lines that are not messages are left out."""
    rows = [orjson.loads(row) for row in path.read_bytes().splitlines() if row.strip()]
    lines = tuple(Line(row["direction"], row["data"]) for row in rows if isinstance(row.get("data"), dict))
    return Recording(path.stem, lines)


def recordings(kind: str = "") -> list[Recording]:
    """All recordings that can be found, by name; those of compatible servers are of the kind "vendors"."""
    return [load(path) for path in sorted((folder() / kind).glob("*.jsonl"))]


def _parameters(kind: str = "") -> list[Any]:
    found = recordings(kind)
    if not found:
        reason = f"no recordings in {folder() / kind} (set ENGINE_RECORDINGS)"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason), id="none")]
    return [pytest.param(each, id=each.name) for each in found]


recorded = pytest.mark.parametrize("recording", _parameters())
"""Runs a test once for each recording: `def test_x(recording: Recording)`."""

recorded_by_vendors = pytest.mark.parametrize("recording", _parameters("vendors"))
"""The same for compatible servers, which differ from the service: these are played against the client only."""

"""Where a session's log of what happened when goes, and what is written at its head."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path

import attrs

from engine.errors import SettingsError
from engine.settings.checking import check_fields, describe_setting


def _path(value: object) -> Path:
    if isinstance(value, str | PathLike):
        text = fspath(value)
        if isinstance(text, str) and text:
            return Path(text)
    raise SettingsError(f"latency_log.path: expected a path, got {describe_setting(value)}")


@attrs.frozen(kw_only=True)
class LatencyLog:
    """`path` is a file that does not exist yet, or a folder, in which each session makes one. The rest is for whoever
    runs sessions by plan: `session` names this one, `seed` and `scenario` say what it was drawn from, and
    `intended_start_ns` when it should have begun, on the session's clock. Raises SettingsError."""

    path: Path = attrs.field(converter=_path)
    session: str | None = None
    seed: int | None = None
    scenario: str | None = None
    intended_start_ns: int | None = None

    def __attrs_post_init__(self) -> None:
        check_fields(self, "latency_log", "session", "seed", "scenario", "intended_start_ns")

"""What the load server is asked to do in one run. Standard library only, as every process reads it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Literal

Mode = Literal["speech", "barge_in", "tools", "history", "microphone", "idle"]


@dataclass(frozen=True)
class Plan:
    """One run, seen from the server.

    `speed` is a multiple of real time, 0 is as fast as the client reads; `together` starts all sessions' deltas in
    the same instant instead of spreading them. `on_open` lets a session begin as soon as it has its settings, for
    runs whose number of sessions grows. `flooded` seats get 10,000 tiny events a second besides nothing else.
    """

    mode: Mode = "speech"
    sessions: int = 1
    delta_bytes: int = 12_000
    deltas_per_turn: int = 40
    turns: int = 1
    speed: float = 0.0
    together: bool = False
    on_open: bool = False
    warmup_deltas: int = 20
    flooded: tuple[int, ...] = ()
    unmeasured: tuple[int, ...] = ()
    barge_ins: int = 0
    barge_in_after_s: float = 0.4
    busy_speed: float = 1.0
    calls: int = 0
    tool: str = "noop"
    history: int = 0
    transcript_deltas: int = 0
    frames: int = 0
    limit_s: float = 60.0

    def dumps(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def loads(cls, text: str | dict[str, Any]) -> Plan:
        fields = json.loads(text) if isinstance(text, str) else dict(text)
        for name in ("flooded", "unmeasured"):
            fields[name] = tuple(fields.get(name, ()))
        return cls(**fields)

"""What a client process is asked to do in one run. Standard library only, as every environment reads it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["receive", "microphone", "idle", "open_close", "ramp", "slow"]


@dataclass(frozen=True)
class Job:
    """One run, seen from the client.

    `microphone` feeds 20 ms frames in real time to every session for as long as the run lasts; `frames` sends that
    many to each, at `microphone_speed` times real time; `microphone_groups` are the ticks in 20 ms. `slow` lists the
    seats whose application first reads one delta and then naps for `slow_s`; `deaf` those whose application never
    reads again. `profile` is a file for cProfile's figures of the measured part; such a run's own figures mean nothing.
    """

    kind: Kind = "receive"
    port: int = 0
    sessions: int = 1
    ends: int = 1
    microphone: bool = False
    frames: int = 0
    microphone_speed: float = 1.0
    microphone_groups: int = 10
    slow: tuple[int, ...] = ()
    slow_s: float = 0.0
    deaf: tuple[int, ...] = ()
    watch: int = -1
    plays: tuple[int, ...] = ()
    aside: tuple[int, ...] = ()
    steps: tuple[int, ...] = ()
    step_s: float = 3.0
    latency_limit_ms: float = 20.0
    hold_s: float = 0.5
    limit_s: float = 60.0
    core: int = -1
    profile: str = ""

    def dumps(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def loads(cls, text: str) -> Job:
        fields: dict[str, Any] = json.loads(text)
        for name in ("slow", "deaf", "steps", "aside", "plays"):
            fields[name] = tuple(fields.get(name, ()))
        return cls(**fields)

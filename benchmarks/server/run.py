"""One run's shared state on the server: the turns built ahead, the counters, the measurements that only it can make."""

from __future__ import annotations

import resource
import time
from typing import Any

import attrs

from benchmarks.plan import Plan
from benchmarks.server.script import Speech, Turn, spoken_turn, user_turn


def cpu_ns() -> int:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return int((used.ru_utime + used.ru_stime) * 1e9)


@attrs.define
class Run:
    """Built before the clients connect; every session plays the same turns."""

    plan: Plan
    voice: Speech
    warmup: tuple[bytes, Turn]
    turns: list[tuple[bytes, Turn]]
    deltas_sent: int = 0
    tiny_sent: int = 0
    started_cpu_ns: int = 0
    started_ns: int = 0
    measured: dict[str, list[Any]] = attrs.Factory(dict)

    @classmethod
    def build(cls, plan: Plan) -> Run:
        voice = Speech(plan.delta_bytes)
        previous: str | None = None

        def conversation(deltas: int) -> tuple[bytes, Turn]:
            nonlocal previous
            user, spoken = user_turn(previous)
            turn = spoken_turn(voice, deltas, previous=user)
            previous = turn.item_id
            return spoken, turn

        return cls(
            plan,
            voice,
            conversation(max(1, plan.warmup_deltas)),
            [conversation(plan.deltas_per_turn) for _ in range(plan.turns)],
        )

    def begin(self) -> None:
        self.started_ns = time.monotonic_ns()
        self.started_cpu_ns = cpu_ns()

    def note(self, what: str, value: object) -> None:
        self.measured.setdefault(what, []).append(value)

    def report(self) -> dict[str, Any]:
        return {
            "deltas_sent": self.deltas_sent,
            "tiny_sent": self.tiny_sent,
            "cpu_ns": cpu_ns() - self.started_cpu_ns,
            "wall_ns": time.monotonic_ns() - self.started_ns,
            **self.measured,
        }

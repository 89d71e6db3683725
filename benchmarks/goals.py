"""The goals, in one place. Each is a comparison within one run; a goal that is not met is shown as such."""

from __future__ import annotations

from typing import Final, Literal

import attrs

from benchmarks.competitors import FLOOR

Against = Literal["absolute", "best peer", "every peer", "client"]


@attrs.frozen
class Goal:
    """`metric` of the engine against something: at most `limit` times it, or at least, or `limit` itself."""

    metric: str
    against: Against
    limit: float
    at_least: bool = False
    client: str = ""

    def says(self, unit: str) -> str:
        word = "at least" if self.at_least else "at most"
        if self.against == "absolute":
            return f"{word} {self.limit:g} {unit}".strip()
        if self.against == "every peer":
            return "better than every peer"
        whom = self.client if self.against == "client" else "the best peer"
        return f"{word} {self.limit:g} of {whom}"


GOALS: Final = (
    Goal("cpu_single_250", "best peer", 0.35),
    Goal("cpu_single_250", "client", 1.3, client=FLOOR),
    Goal("cpu_single_100", "best peer", 0.35),
    Goal("cpu_single_100", "client", 1.3, client=FLOOR),
    Goal("cpu_paced_250", "best peer", 0.55),
    Goal("cpu_paced_250", "client", 1.3, client=FLOOR),
    Goal("cpu_paced_100", "best peer", 0.55),
    Goal("cpu_paced_100", "client", 1.3, client=FLOOR),
    Goal("cpu_microphone", "best peer", 0.4),
    Goal("latency_p50", "every peer", 1.0),
    Goal("latency_p99", "every peer", 1.0),
    Goal("capacity", "best peer", 2.0, at_least=True),
    Goal("barge_told_p99", "absolute", 5.0),
    Goal("barge_cut_p99", "absolute", 5.0),
    Goal("barge_missed", "absolute", 0.0),
    Goal("barge_late", "absolute", 0.0),
    Goal("barge_stale", "absolute", 0.0),
    Goal("tool_output_p50", "every peer", 1.0),
    Goal("tool_output_p99", "every peer", 1.0),
    Goal("tool_thread_p50", "every peer", 1.0),
    Goal("history_growth", "absolute", 1.1),
    Goal("memory_one", "absolute", 45.0),
    Goal("memory_idle", "absolute", 150.0),
    Goal("memory_talk", "absolute", 1024.0),
    Goal("slow_memory", "absolute", 40.0),
    Goal("import_ms", "absolute", 250.0),
    Goal("import_ms", "every peer", 1.0),
    Goal("open_100", "every peer", 1.0),
    Goal("close_100", "absolute", 1000.0),
    Goal("left_descriptors", "absolute", 0.0),
    Goal("left_threads", "absolute", 0.0),
    Goal("bad_ratio", "absolute", 1.5),
    Goal("hour_tasks", "absolute", 0.0),
    Goal("hour_descriptors", "absolute", 0.0),
    Goal("hour_memory", "absolute", 2.0),
)

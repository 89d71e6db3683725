"""Who is measured: a name for the tables, the client file, the environment it runs in, and what kind of thing it is."""

from __future__ import annotations

from typing import Final, Literal

import attrs

from benchmarks.environments import Environment

Group = Literal["engine", "floor", "peer", "part"]


@attrs.frozen
class Competitor:
    """`peer` is a whole session of another library; `part` is less than a session, shown but not a goal's measure."""

    name: str
    module: str
    environment: str
    group: Group
    by_name_only: bool = False
    """Measured only when its very name is given."""


ENGINE: Final = "engine"
BASELINE: Final = "engine-old"
FLOOR: Final = "floor: trio + sans-IO"

COMPETITORS: Final = (
    Competitor(ENGINE, "engine_sansio", "base", "engine"),
    Competitor(BASELINE, "engine_sansio", BASELINE, "engine", by_name_only=True),
    Competitor("engine (trio-websocket)", "engine_trio_websocket", "base", "engine"),
    Competitor(FLOOR, "floor_sansio", "base", "floor"),
    Competitor("floor: trio-websocket", "floor_trio_websocket", "base", "floor"),
    Competitor("floor: uvloop", "floor_uvloop", "base", "floor"),
    Competitor("openai-agents", "openai_agents", "openai-agents", "peer"),
    Competitor("livekit-agents", "livekit", "livekit", "peer"),
    Competitor("livekit RealtimeSession", "livekit_realtime", "livekit", "part"),
    Competitor("pipecat-ai", "pipecat", "pipecat", "peer"),
    Competitor("pydantic-ai", "pydantic_ai", "pydantic-ai", "peer"),
)


def chosen(names: list[str]) -> list[Competitor]:
    """Competitors whose name or file holds one of `names`; all without names. Raises ValueError for a stray name."""
    usual = [c for c in COMPETITORS if not c.by_name_only]
    if not names:
        return usual
    found: list[Competitor] = []
    for name in names:
        exact = [c for c in COMPETITORS if name == c.name] or [c for c in usual if name == c.module]
        matches = exact or [c for c in usual if name in c.name or name in c.module or name == c.group]
        if not matches:
            raise ValueError(f"no client is called {name!r}; there are: {', '.join(c.name for c in COMPETITORS)}")
        found += [match for match in matches if match not in found]
    return found


def absent(competitors: list[Competitor], environments: dict[str, Environment]) -> dict[str, str]:
    """Why some of them cannot run, by name."""
    reasons: dict[str, str] = {}
    for competitor in competitors:
        environment = environments.get(competitor.environment)
        reason = "not installed" if environment is None else environment.missing()
        if environment is None or reason is not None:
            reasons[competitor.name] = f"environment {competitor.environment}: {reason}"
        elif not (environment.checkout / "benchmarks" / "clients" / f"{competitor.module}.py").exists():
            reasons[competitor.name] = "its client file is not there"
    return reasons

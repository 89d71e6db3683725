"""Does `engine lab compare` find what was planted, and nothing where nothing was?

    python -m tests.lab.planted [--repetitions 20] [--sessions 20] [--scenario support_call]

Each repetition holds the scenario's calls under virtual time, once as they are and once with each change, and compares.
The changes: the model's first audio 80 ms later; one tool 60 ms slower; an engine that takes 3 ms longer to hear the
server; and nothing but other draws, which has to go unseen.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import attrs
import trio

from engine.actors.connection import Connection
from engine.lab.report.comparison import Seen, compare
from engine.lab.scenario.distributions import LogNormal
from engine.lab.scenario.scenario import ScenarioFile, Tool
from engine.lab.scenario.scenario_file import load_scenario
from engine.lab.simulate.results import Run, load
from engine.lab.simulate.run import Plan, RunWriter, changed
from engine.lab.simulate.run_virtual import run_virtually
from engine.models.interface import ModelConnection

MODEL_MS, TOOL_MS, ENGINE_MS = 80.0, 60.0, 3.0
OTHER_DRAWS = 1_000

Change = Callable[[ScenarioFile], ScenarioFile]


@attrs.frozen
class Planted:
    """One change, and what has to be seen of it."""

    name: str
    change: Change
    expected: Seen
    build: Callable[[], AbstractContextManager[None]] = nullcontext


def unchanged(file: ScenarioFile) -> ScenarioFile:
    """The scenario as it is."""
    return file


def late_model(file: ScenarioFile) -> ScenarioFile:
    """The model's first audio comes later."""
    model = attrs.evolve(file.scenario.model, first_audio_ms=MODEL_MS)
    return attrs.evolve(file, scenario=attrs.evolve(file.scenario, model=model))


def slow_tool(file: ScenarioFile) -> ScenarioFile:
    """The first tool takes longer."""
    name, tool = next(iter(file.scenario.tool.items()))
    tools: Mapping[str, Tool] = {**file.scenario.tool, name: attrs.evolve(tool, latency_ms=_later(tool))}
    return attrs.evolve(file, scenario=attrs.evolve(file.scenario, tool=tools))


def _later(tool: Tool) -> LogNormal | float:
    if isinstance(tool.latency_ms, LogNormal):
        return attrs.evolve(tool.latency_ms, median=tool.latency_ms.median + TOOL_MS)
    assert isinstance(tool.latency_ms, float)
    return tool.latency_ms + TOOL_MS


def other_draws(file: ScenarioFile) -> ScenarioFile:
    """Nothing but other draws."""
    return changed(file, seed=file.scenario.seed + OTHER_DRAWS)


@contextmanager
def slow_engine() -> Iterator[None]:
    """An engine that needs 3 ms for whatever it hears."""
    intact = Connection._read

    class Dawdling:
        def __init__(self, link: ModelConnection) -> None:
            self._link = link

        async def receive(self) -> object:
            heard = await self._link.receive()
            await trio.sleep(ENGINE_MS / 1000)
            return heard

    async def read(self: Connection, link: ModelConnection) -> None:
        await intact(self, Dawdling(link))  # type: ignore[arg-type]

    Connection._read = read  # type: ignore[method-assign]
    try:
        yield
    finally:
        Connection._read = intact  # type: ignore[method-assign]


PLANTED = (
    Planted(f"model's first audio {MODEL_MS:g} ms later", late_model, Seen.WORSE),
    Planted(f"one tool {TOOL_MS:g} ms slower", slow_tool, Seen.WORSE),
    Planted(f"engine {ENGINE_MS:g} ms slower", unchanged, Seen.WORSE, slow_engine),
    Planted("nothing, with other draws", other_draws, Seen.NOTHING),
)


def held(file: ScenarioFile, out: Path) -> Run:
    """A run, here and now."""
    plan = Plan(file=file, out=out, virtual=True)
    run_virtually(plan, RunWriter(plan), workers=1)
    return load(out)


def found(planted: Planted, file: ScenarioFile, before: Run, out: Path) -> bool:
    """Whether a comparison says of a change what it should."""
    with planted.build():
        after = held(planted.change(file), out)
    comparison = compare(before, after)
    if planted.expected is Seen.NOTHING:
        return not any(comparison.having(seen) for seen in (Seen.WORSE, Seen.BETTER, Seen.CHANGED))
    return bool(comparison.having(planted.expected))


def repetition(file: ScenarioFile, seed: int, sessions: int) -> Mapping[str, bool]:
    """Every change once, at one seed."""
    seeded = changed(file, seed=seed, sessions=sessions)
    with tempfile.TemporaryDirectory() as folder:
        before = held(seeded, Path(folder) / "before")
        return {
            planted.name: found(planted, seeded, before, Path(folder) / f"after{number}")
            for number, planted in enumerate(PLANTED)
        }


def main() -> None:
    """Print how often each was seen as it should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.planted", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--scenario", default="support_call")
    given = parser.parse_args()
    file = load_scenario(given.scenario)
    right = Counter[str]()
    for seed in range(1, given.repetitions + 1):
        right.update(name for name, seen in repetition(file, seed, given.sessions).items() if seen)
        print(f"{seed} of {given.repetitions}: {dict(right)}", flush=True)
    for planted in PLANTED:
        print(f"{planted.name}: {right[planted.name]} of {given.repetitions} as it should be")


if __name__ == "__main__":
    main()

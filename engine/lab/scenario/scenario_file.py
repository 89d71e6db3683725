"""Scenarios as files: found by path or by the name of one that ships, read, and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from cattrs import BaseValidationError, Converter

from engine._messages import KeyPath, shorten, suggest, write_path
from engine.errors import SettingsError
from engine.lab.scenario.distributions import LogNormal, Spread, Uniform
from engine.lab.scenario.scenario import Scenario, ScenarioFile, ScenarioTurn
from engine.lab.statistics.budgets import read_budget
from engine.outside.files import read_file
from engine.outside.toml_text import MAX_CHARACTERS, NotToml, parse_toml
from engine.settings.checking import describe_problem
from engine.wire.check import find_problem

_SPREADS: Mapping[str, type[Uniform] | type[LogNormal]] = {"uniform": Uniform, "lognormal": LogNormal}
_WAYS = ("says", "wav", "types", "silence_s")
_LONGEST_PROBLEM = 500


class ScenarioError(SettingsError):
    """A scenario cannot be used: its file, the line where it can be found, and what is wrong."""


def load_scenario(given: str | Path) -> ScenarioFile:
    """The scenario of a file, or the one of that name that ships with the project.

    Raises:
        ScenarioError: there is none, or something is wrong with it.
    """
    path = Path(given)
    if "\0" not in str(given) and path.exists():
        return ScenarioFile(read_scenario(_text(path), str(path)), path)
    shipped = shipped_scenarios()
    name = str(given).removesuffix(".toml")
    if name in shipped:
        return ScenarioFile(read_scenario(shipped[name], f"{name}.toml"), Path(f"{name}.toml"))
    hint = suggest(name, shipped, f"; those that ship are {', '.join(shipped)}")
    raise ScenarioError(f"there is no scenario {str(given)!r}, neither as a file nor among those that ship{hint}")


@lru_cache(maxsize=1)
def shipped_scenarios() -> Mapping[str, str]:
    """The scenarios that ship with the project: their text, by name."""
    folder = files("engine.lab.scenario") / "shipped"
    found = sorted((each for each in folder.iterdir() if each.name.endswith(".toml")), key=lambda each: each.name)
    return {each.name.removesuffix(".toml"): each.read_text(encoding="utf-8") for each in found}


def read_scenario(text: str, name: str) -> Scenario:
    """Read a scenario. `name` is what messages call the file.

    Raises:
        ScenarioError: something is wrong with it.
    """
    try:
        data = parse_toml(text)
    except NotToml as error:
        raise ScenarioError(_toml_problem(error, name)) from None
    problem = find_problem(data, Scenario)
    if problem is not None:
        raise ScenarioError(f"{_place(name, text, problem.path)}: {describe_problem(problem)}")
    try:
        scenario = _converter().structure(data, Scenario)
    except (BaseValidationError, TypeError, ValueError, OverflowError) as error:
        raise ScenarioError(f"{name}: {shorten(str(error), _LONGEST_PROBLEM)}") from error
    for path, wrong in _contradictions(scenario):
        raise ScenarioError(f"{_place(name, text, path)}: {write_path(path)}: {wrong}")
    return scenario


def plain(scenario: Scenario) -> dict[str, Any]:
    """A scenario as JSON values, every key there; `Scenario` again with `from_plain`."""
    unstructured: dict[str, Any] = _converter().unstructure(scenario)
    return unstructured


def from_plain(data: Mapping[str, Any]) -> Scenario:
    """The scenario that `plain` made plain."""
    return _converter().structure(data, Scenario)


# ------------------------------------------------------------------------------------------------ reading
def _text(path: Path) -> str:
    try:
        return read_file(path, most=4 * MAX_CHARACTERS).decode("utf-8")
    except OSError as error:
        raise ScenarioError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ScenarioError(f"{path}:{line}: it is not UTF-8: {error.reason}") from error


@lru_cache(maxsize=1)
def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True, prefer_attrib_converters=True)

    def read_spread(value: Any, _: object) -> Spread:
        if isinstance(value, Mapping):
            return _SPREADS[value["type"]](**{key: each for key, each in value.items() if key != "type"})
        return float(value)

    def write_spread(value: Any) -> object:
        if isinstance(value, Uniform | LogNormal):
            return {"type": value.type, **converter.unstructure_attrs_asdict(value)}
        return value

    converter.register_structure_hook_func(lambda kind: kind == Spread, read_spread)
    converter.register_structure_hook_func(lambda kind: kind == Spread | None, _optional(read_spread))
    for kind in (Uniform, LogNormal):
        converter.register_unstructure_hook(kind, write_spread)
    converter.register_structure_hook_func(lambda kind: kind is object, lambda value, _: value)
    converter.register_structure_hook_func(lambda kind: kind == str | Mapping[str, object], lambda value, _: value)
    return converter


def _optional(read: Any) -> Any:
    return lambda value, kind: None if value is None else read(value, kind)


# ------------------------------------------------------------------------------------------------ beyond types
def _contradictions(scenario: Scenario) -> list[tuple[KeyPath, str]]:
    """What each key allows and the whole does not."""
    found: list[tuple[KeyPath, str]] = []
    sessions = scenario.sessions
    if not scenario.turn:
        found.append((("turn",), "a caller without a turn says nothing: add [[turn]]"))
    if sessions.arrive == "poisson" and sessions.per_minute is None:
        found.append((("sessions", "per_minute"), 'missing; arrive = "poisson" needs how many begin in a minute'))
    if sessions.arrive == "trace" and not sessions.at_s:
        found.append((("sessions", "at_s"), 'missing; arrive = "trace" needs when each begins'))
    if scenario.caller.repeats and sessions.seconds is None:
        found.append((("sessions", "seconds"), "missing; a caller who repeats needs to be hung up on"))
    for number, turn in enumerate(scenario.turn):
        found.extend((("turn", number, key), wrong) for key, wrong in _in_turn(turn, scenario))
    for number, budget in enumerate(scenario.budgets):
        try:
            read_budget(budget)
        except SettingsError as error:
            found.append((("budgets", number), str(error)))
    return found


def _in_turn(turn: ScenarioTurn, scenario: Scenario) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    ways = [way for way in _WAYS if getattr(turn, way) is not None]
    if not ways:
        found.append(("says", "missing; a turn says, types, plays a wav, or keeps silence_s"))
    elif len(ways) > 1 and ways != ["says", "wav"]:
        found.append((ways[1], f"a turn that {ways[0]} cannot have {ways[1]} too"))
    if turn.cuts_in_ms is not None and turn.on is not None:
        found.append(("on", "a turn cannot cut in and wait for an event at once"))
    if turn.backchannel and (turn.says is None and turn.wav is None):
        found.append(("backchannel", "a backchannel is something that is said"))
    if turn.calls is not None and scenario.agent.use is None and turn.calls.tool not in scenario.tool:
        hint = suggest(turn.calls.tool, scenario.tool, "")
        found.append(("calls", f"there is no tool {turn.calls.tool!r}{hint}"))
    return found


# ------------------------------------------------------------------------------------------------ places
def _toml_problem(error: NotToml, name: str) -> str:
    place = name if error.line is None else f"{name}:{error.line}"
    column = "" if error.column is None else f" (column {error.column})"
    return f"{place}: not TOML: {error}{column}"


def _place(name: str, text: str, path: KeyPath) -> str:
    line = line_of(text, path)
    return name if line is None else f"{name}:{line}"


def line_of(text: str, path: KeyPath) -> int | None:
    """The line of a key in a TOML text, or of the nearest table around it that can be found."""
    steps = list(path)
    line = 0
    lines = text.splitlines()
    while steps:
        table, steps = _next_table(lines, steps, line)
        if table is None:
            break
        line = table
    for step in steps:
        if not isinstance(step, str):
            continue
        found = _line_of_key(lines, step, line)
        if found is None:
            break
        line = found
    return line or None


def _next_table(lines: list[str], steps: list[str | int], after: int) -> tuple[int | None, list[str | int]]:
    """The header of the longest table that begins the path, and what is left of the path."""
    for length in range(len(steps), 0, -1):
        names = [step for step in steps[:length] if isinstance(step, str)]
        count = steps[length - 1] if isinstance(steps[length - 1], int) else 0
        assert isinstance(count, int)
        pattern = re.compile(r"\s*\[\[?\s*" + r"\s*\.\s*".join(f'"?{re.escape(name)}"?' for name in names) + r"\s*\]")
        headers = [number for number, line in enumerate(lines, 1) if number > after and pattern.match(line)]
        if names and len(headers) > count:
            return headers[count], steps[length:]
    return None, steps


def _line_of_key(lines: list[str], key: str, after: int) -> int | None:
    pattern = re.compile(rf'(^|[\s{{,])"?{re.escape(key)}"?\s*(=|\.)')
    for number in range(max(after, 1), len(lines) + 1):
        line = lines[number - 1]
        if number > after and re.match(r"\s*\[", line) and after:
            return None
        if pattern.search(line.split("#")[0]):
            return number
    return None

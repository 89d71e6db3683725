"""``--agent``: somebody's own agent, from a module or a file."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from engine._messages import suggest
from engine.agents.agent import RealtimeAgent
from engine.cli.exit_status import CommandFailed, ExitStatus


def load_agent(spec: str) -> RealtimeAgent[Any]:
    """The agent that ``module:name`` or ``file.py:name`` names; a function without parameters may make it.

    Raises:
        CommandFailed: there is no such module or name, importing it fails, or it is not a `RealtimeAgent`.
    """
    place, _, name = spec.rpartition(":")
    if not place or not name:
        raise _bad(f"--agent {spec}: expected module:name or file.py:name, for example my_shop.agents:reception")
    found: object = _import(place)
    for step in name.split("."):
        if not hasattr(found, step):
            raise _bad(f"--agent {spec}: {place} has no {step!r}{_suggest_agent(step, found)}")
        found = getattr(found, step)
    if not isinstance(found, RealtimeAgent) and callable(found) and not isinstance(found, type):
        found = _made_by(found, spec)
    if not isinstance(found, RealtimeAgent):
        raise _bad(f"--agent {spec}: that is a {type(found).__name__}, not a RealtimeAgent")
    return found


def _import(place: str) -> ModuleType:
    try:
        if place.endswith(".py"):
            return _from_file(Path(place))
        here = os.getcwd()
        if here not in sys.path:
            sys.path.insert(0, here)
        return importlib.import_module(place)
    except CommandFailed:
        raise
    except Exception as error:  # the module is the application's own code: anything may go wrong in it
        raise _bad(f"--agent: {place} cannot be imported: {type(error).__name__}: {_first_line(error)}") from error


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise CommandFailed(ExitStatus.NO_SUCH_FILE, f"--agent: there is no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise _bad(f"--agent: {path} is not a Python file")
    sys.path.insert(0, str(path.parent.resolve()))
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _made_by(function: Callable[[], object], spec: str) -> object:
    try:
        return function()
    except Exception as error:  # the same
        raise _bad(f"--agent {spec}: calling it failed: {type(error).__name__}: {_first_line(error)}") from error


def _suggest_agent(name: str, place: object) -> str:
    agents = [known for known in dir(place) if isinstance(getattr(place, known), RealtimeAgent)]
    return suggest(
        name, agents, f"; its agents are {', '.join(agents)}" if agents else "; there is no RealtimeAgent in it"
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]


def _bad(message: str) -> CommandFailed:
    return CommandFailed(ExitStatus.BAD_AGENT, message)

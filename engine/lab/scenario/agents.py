"""The agent of a scenario: its tools take as long as the scenario says."""

from __future__ import annotations

import importlib
import os
import random
import sys
from functools import partial
from typing import Any, cast

import attrs
import trio

from engine.agents.agent import RealtimeAgent
from engine.agents.context import ToolContext
from engine.agents.tool import FunctionTool, OnInterruption
from engine.errors import EngineError
from engine.lab.scenario.distributions import Draws, Stream
from engine.lab.scenario.scenario import Scenario, Tool
from engine.lab.scenario.scenario_file import ScenarioError


class SimulatedToolFailed(EngineError):
    """A tool failed because the scenario wants some of its calls to."""


def agent_of(scenario: Scenario, draws: Draws) -> RealtimeAgent[Any]:
    """The agent of one session.

    Raises:
        ScenarioError: it is the application's own, and cannot be imported.
    """
    wanted = scenario.agent
    if wanted.use is not None:
        return imported(wanted.use)
    tools = [_tool(name, tool, draws) for name, tool in scenario.tool.items()]
    return RealtimeAgent(wanted.name, instructions=wanted.instructions, tools=tools, voice=wanted.voice)


def context_of(scenario: Scenario) -> object:
    """The context object of one session, where the agent is the application's own. Raises ScenarioError."""
    spec = scenario.agent.context
    if spec is None:
        return None
    make = _named(spec)
    if not callable(make):
        raise ScenarioError(f"agent.context {spec!r}: expected module:name of a function that makes it")
    return make()


def imported(spec: str) -> RealtimeAgent[Any]:
    """The agent that `module:name` names. Raises ScenarioError."""
    found = _named(spec)
    if not isinstance(found, RealtimeAgent):
        raise ScenarioError(f"agent.use {spec!r}: expected module:name of a RealtimeAgent")
    return found


def _named(spec: str) -> object:
    place, _, name = spec.partition(":")
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: object = importlib.import_module(place)
        for step in name.split("."):
            found = getattr(found, step)
    except Exception as error:  # the module is the application's own code: anything may go wrong in it
        raise ScenarioError(f"{spec!r} cannot be imported: {type(error).__name__}: {error}") from error
    return found


def _tool(name: str, tool: Tool, draws: Draws) -> FunctionTool:
    simulated = _Simulated(
        name,
        tool,
        Stream(tool.latency_ms, draws.stream(f"tool.{name}.latency_ms")),
        draws.stream(f"tool.{name}.fails"),
    )
    properties = {parameter: {"type": "string"} for parameter in tool.parameters}
    return FunctionTool(
        name=name,
        description=tool.about or name.replace("_", " "),
        params_json_schema={"type": "object", "properties": properties, "required": list(tool.parameters)},
        on_invoke_tool=partial(_invoke, simulated),
        on_interruption=cast("OnInterruption", tool.when_interrupted),
    )


@attrs.frozen
class _Simulated:
    name: str
    tool: Tool
    latency: Stream
    failures: random.Random


async def _invoke(simulated: _Simulated, ctx: ToolContext[Any], json_text: str) -> object:
    fails = simulated.failures.random() < simulated.tool.fails
    await trio.sleep(simulated.latency.seconds())
    if fails:
        raise SimulatedToolFailed(f"{simulated.name} failed, as the scenario wants it")
    return simulated.tool.result

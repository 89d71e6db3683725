"""From a declared agent to what the session needs of it: settings for the server, and the names the model may call."""

from __future__ import annotations

from collections.abc import Iterable

from engine.agents.agent import Handoff, RealtimeAgent
from engine.agents.context import RunContext, T
from engine.agents.handoff import as_handoff
from engine.agents.tool import FunctionTool
from engine.core.agent_spec import AgentSpec, ToolSpec
from engine.errors import SettingsError
from engine.wire.session import (
    Audio,
    AudioOutput,
    FunctionToolDefinition,
    McpTool,
    Session,
    ToolDefinition,
    VoiceId,
)
from engine.wire.struct import UnsetType, evolve


async def resolve(agent: RealtimeAgent[T], ctx: RunContext[T], base: Session) -> AgentSpec:
    """Evaluate the agent's functions (instructions, `is_enabled`), and lay what it declares over the settings `base`.

    Instructions and tools are always set, to `""` and no tools if there are none, since those of the agent before have
    to go. Tools in `base` stay, unless the agent has one of the same name.

    Raises:
        SettingsError: a tool and a handoff have the same name, or instructions are not text.
        Exception: whatever the agent's functions raise.
    """
    tools = await _enabled_tools(agent, ctx)
    instructions = await agent.system_prompt(ctx)
    session = evolve(
        base,
        instructions=instructions if instructions is not None else base.instructions or "",
        tools=_definitions(agent, tools, base.tools or ()),
        prompt=base.prompt if agent.prompt is None else agent.prompt,
        audio=base.audio if agent.voice is None else _with_voice(base.audio, agent.voice),
    )
    return AgentSpec(agent.name, agent, session, tools)


async def _enabled_tools(agent: RealtimeAgent[T], ctx: RunContext[T]) -> dict[str, ToolSpec]:
    """By name, tools before handoffs."""
    found: dict[str, ToolSpec] = {}
    for tool in agent.tools:
        if isinstance(tool, FunctionTool) and await tool.enabled(ctx, agent):
            found[tool.name] = ToolSpec(tool.name, "function", tool, tool.on_interruption)
    for entry in agent.handoffs:
        handoff = as_handoff(entry, f"the agent {agent.name!r}: handoffs")
        if not await handoff.enabled(ctx, agent):
            continue
        if other := found.get(handoff.tool_name):
            what = "a tool" if other.kind == "function" else "another handoff"
            raise SettingsError(
                f"the agent {agent.name!r}: the handoff to {handoff.agent.name!r} and {what} have the same name, "
                f"{handoff.tool_name!r}; give the handoff a tool_name_override"
            )
        found[handoff.tool_name] = ToolSpec(handoff.tool_name, "handoff", handoff)
    return found


def _definitions(
    agent: RealtimeAgent[T], tools: dict[str, ToolSpec], settings: Iterable[ToolDefinition]
) -> tuple[ToolDefinition, ...]:
    declared = [spec.declared for spec in tools.values()]
    own: list[ToolDefinition] = [tool.definition() for tool in declared if isinstance(tool, FunctionTool | Handoff)]
    own += [tool for tool in agent.tools if not isinstance(tool, FunctionTool)]
    names = {_label(tool) for tool in own}
    return (*(tool for tool in settings if _label(tool) not in names), *own)


def _label(tool: ToolDefinition) -> object:
    """What two definitions must not have in common."""
    match tool:
        case FunctionToolDefinition():
            return ("function", tool.name)
        case McpTool():
            return ("mcp", tool.server_label)
    return ("unknown", id(tool))


def _with_voice(audio: Audio | UnsetType | None, voice: str | VoiceId) -> Audio:
    audio = audio or Audio()
    return evolve(audio, output=evolve(audio.output or AudioOutput(), voice=voice))

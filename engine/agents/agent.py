"""RealtimeAgent: who speaks, what it is told, what it may do. Handoff: its way to another one."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic

import attrs

from engine._messages import suggest, type_name
from engine.agents.callbacks import RunSync, await_if_needed, call_either, decide
from engine.agents.checks import check_callable, check_tool_name
from engine.agents.context import RunContext, T
from engine.agents.guardrail import OutputGuardrail
from engine.agents.hooks import RealtimeAgentHooks
from engine.agents.schema import arguments as model_arguments
from engine.agents.tool import FunctionTool
from engine.errors import SettingsError
from engine.secret.discretion import discreet_class
from engine.wire.session import FunctionToolDefinition, McpTool, Prompt, VoiceId

if TYPE_CHECKING:
    from typing import TypedDict, Unpack

    from engine.agents.schema.records import Record

    class AgentChanges(TypedDict, Generic[T], total=False):
        """What `clone` may change."""

        name: str
        instructions: Instructions[T]
        tools: Sequence[FunctionTool | McpTool]
        handoffs: list[RealtimeAgent[T] | Handoff[T]]
        output_guardrails: Sequence[OutputGuardrail]
        hooks: RealtimeAgentHooks[T] | None
        prompt: Prompt | Mapping[str, Any] | None
        voice: str | VoiceId | None
        handoff_description: str | None


OnHandoff = Callable[..., object]
HandoffEnabled = bool | Callable[[RunContext[T], "RealtimeAgent[T]"], bool | Awaitable[bool]]
NO_INPUT: Mapping[str, object] = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
Instructions = str | Callable[[RunContext[T], "RealtimeAgent[T]"], str | Awaitable[str]] | None


def _prompt(given: Prompt | Mapping[str, Any] | None) -> Prompt | None:
    if given is None or isinstance(given, Prompt):
        return given
    if not isinstance(given, Mapping):
        raise SettingsError(f"prompt: expected a Prompt or a mapping with its id, got {type_name(given)}")
    known = [field.name for field in attrs.fields(Prompt)]
    for key in given:
        if key not in known:
            raise SettingsError(f"prompt: unknown key {key!r}{suggest(key, known)}")
    if not isinstance(given.get("id"), str):
        raise SettingsError("prompt: its id is missing")
    return Prompt(**given)


def _tools(given: Iterable[FunctionTool | McpTool]) -> tuple[FunctionTool | McpTool, ...]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise SettingsError(f"RealtimeAgent: tools: expected a list, got {type_name(given)}")
    return tuple(given)


def _guardrails(given: Iterable[OutputGuardrail]) -> tuple[OutputGuardrail, ...]:
    if not isinstance(given, Iterable):
        raise SettingsError(f"RealtimeAgent: output_guardrails: expected a list, got {type_name(given)}")
    return tuple(given)


@discreet_class
@attrs.frozen(eq=False)
class RealtimeAgent(Generic[T]):
    """An agent. `T` is the type of the application's context object.

    `handoffs` is kept as the very list that was given, so that agents can hand over to each other: append to it once
    both exist, before the session begins. Everything else is fixed; `clone` makes a changed copy.

    Raises:
        SettingsError: an argument is of the wrong type, or two tools have the same name.
    """

    name: str
    instructions: Instructions[T] = attrs.field(default=None, kw_only=True)
    """The system prompt, or a sync or async function that makes it when the agent takes over."""
    tools: Sequence[FunctionTool | McpTool] = attrs.field(default=(), converter=_tools, kw_only=True)
    """Functions of the application; MCP servers that the model's host calls."""
    handoffs: list[RealtimeAgent[T] | Handoff[T]] = attrs.field(
        factory=list, kw_only=True, repr=lambda listed: repr([_target_name(entry) for entry in listed])
    )
    """Agents that this one can hand the conversation over to."""
    output_guardrails: Sequence[OutputGuardrail] = attrs.field(default=(), converter=_guardrails, kw_only=True)
    hooks: RealtimeAgentHooks[T] | None = attrs.field(default=None, kw_only=True)
    prompt: Prompt | None = attrs.field(default=None, converter=_prompt, kw_only=True)
    """A prompt that is stored at the service."""
    voice: str | VoiceId | None = attrs.field(default=None, kw_only=True)
    """The service cannot change it once the first audio of a session has been spoken, by whichever agent."""
    handoff_description: str | None = attrs.field(default=None, kw_only=True)
    """What the agent is good for, told to the agents that can hand over to it."""

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise SettingsError(f"RealtimeAgent: name: expected text, got {self.name!r}")
        where = f"the agent {self.name!r}"
        if self.instructions is not None and not isinstance(self.instructions, str):
            check_callable(self.instructions, f"{where}: instructions (if not text)", ("ctx", "agent"))
        if not isinstance(self.voice, str | VoiceId | None):
            raise SettingsError(f"{where}: voice: expected the name of a voice, got {type_name(self.voice)}")
        if not isinstance(self.hooks, RealtimeAgentHooks | None):
            hint = "; create one of it" if isinstance(self.hooks, type) else ""
            raise SettingsError(
                f"{where}: hooks: expected a RealtimeAgentHooks object, got {type_name(self.hooks)}{hint}"
            )
        if not isinstance(self.handoff_description, str | None):
            given = type_name(self.handoff_description)
            raise SettingsError(f"{where}: handoff_description: expected text, got {given}")
        self._check_tools(where)
        if not isinstance(self.handoffs, list):
            raise SettingsError(f"{where}: handoffs: expected a list, got {type_name(self.handoffs)}")
        for entry in self.handoffs:
            if not isinstance(entry, Handoff):
                check_agent(entry, f"{where}: handoffs")
                check_tool_name(transfer_name(entry), f"tool_name_override= for the handoff to {entry.name!r}")
        for guardrail in self.output_guardrails:
            if not isinstance(guardrail, OutputGuardrail):
                raise SettingsError(
                    f"{where}: output_guardrails: expected an OutputGuardrail, got {type_name(guardrail)}"
                    f"{'; decorate it with @output_guardrail' if callable(guardrail) else ''}"
                )

    def _check_tools(self, where: str) -> None:
        names: set[str] = set()
        for tool in self.tools:
            if isinstance(tool, McpTool):
                continue
            if not isinstance(tool, FunctionTool):
                raise SettingsError(f"{where}: tools: expected a FunctionTool, got {type_name(tool)}{_instead(tool)}")
            if tool.name in names:
                raise SettingsError(f"{where}: two tools have the name {tool.name!r}; give one a name_override")
            names.add(tool.name)

    def clone(self, **changes: Unpack[AgentChanges[T]]) -> RealtimeAgent[T]:
        """A copy with some things changed. Its list of handoffs is a list of its own."""
        known = [field.name for field in attrs.fields(RealtimeAgent)]
        for key in changes:
            if key not in known:
                raise SettingsError(f"clone: a RealtimeAgent has no {key!r}{suggest(key, known)}")
        same: dict[str, Any] = {field.name: getattr(self, field.name) for field in attrs.fields(RealtimeAgent)}
        return RealtimeAgent(**{**same, "handoffs": list(self.handoffs), **changes})

    async def system_prompt(self, ctx: RunContext[T]) -> str | None:
        """The instructions, a function's evaluated. Raises what it raises, and `SettingsError` if they are not text."""
        if self.instructions is None or isinstance(self.instructions, str):
            return self.instructions
        text = await await_if_needed(self.instructions(ctx, self))
        if not isinstance(text, str):
            where = f"the agent {self.name!r}: instructions"
            raise SettingsError(f"{where}: the function has to return text, not {type_name(text)}")
        return text


@attrs.frozen(eq=False, kw_only=True)
class Handoff(Generic[T]):
    """A way to another agent, as `realtime_handoff` makes it."""

    agent: RealtimeAgent[T] = attrs.field(repr=lambda agent: repr(agent.name))
    tool_name: str
    tool_description: str
    on_handoff: OnHandoff | None = None
    """Called as the handoff is made: with the context, and the input if there is an `input_type`."""
    input_type: object = None
    input_record: Record | None = attrs.field(default=None, repr=False)
    input_json_schema: Mapping[str, object] = attrs.field(default=NO_INPUT, repr=False)
    is_enabled: HandoffEnabled[T] = True

    @property
    def name(self) -> str:
        """The name of the tool, as a `FunctionTool` has one."""
        return self.tool_name

    def definition(self) -> FunctionToolDefinition:
        """Return what the model is told of it."""
        return FunctionToolDefinition(self.tool_name, self.tool_description, self.input_json_schema)

    def parse(self, arguments: str) -> object:
        """Return the input that the model wrote, as an `input_type`; None if there is no `input_type`.

        Raises:
            BadArguments: it does not fit the `input_type`.
        """
        if self.input_record is None:
            return None
        values = model_arguments.read_object(arguments, self.tool_name)
        return model_arguments.convert(self.input_record, values, self.tool_name, strict=True)

    async def invoke(self, ctx: RunContext[T], args: object, run_sync: RunSync) -> RealtimeAgent[T]:
        """Call `on_handoff`, with what `parse` returned if it takes input, and return the agent that takes over.

        A sync callback is called by `run_sync`. Raises whatever the callback raises.
        """
        if self.on_handoff is not None:
            given = (ctx,) if self.input_type is None else (ctx, args)
            await call_either(self.on_handoff, run_sync, *given)
        return self.agent

    async def enabled(self, ctx: RunContext[T], agent: RealtimeAgent[T]) -> bool:
        """Return whether `agent` may use it now."""
        return await decide(self.is_enabled, ctx, agent)


def check_agent(agent: object, where: str) -> None:
    """Raise SettingsError for what is no agent that a conversation could be handed to."""
    if not isinstance(agent, RealtimeAgent):
        hint = "; that belongs into tools" if isinstance(agent, FunctionTool) else ""
        raise SettingsError(f"{where}: expected a RealtimeAgent or a Handoff, got {type_name(agent)}{hint}")


def transfer_name(agent: RealtimeAgent[T]) -> str:
    """Return the name of the tool that hands over to an agent: its own name if nothing of it can be in a tool's."""
    name = snake_case(agent.name)
    return f"transfer_to_{name}" if name else agent.name


def snake_case(name: str) -> str:
    """Return a name in lower case with underscores: `Billing Support` and `BillingSupport` give `billing_support`."""
    humps = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^A-Za-z0-9]+", "_", humps).strip("_").lower()


def _instead(tool: object) -> str:
    """What somebody who put this into `tools` probably meant."""
    if isinstance(tool, Handoff | RealtimeAgent):
        return "; that belongs into handoffs"
    return "; decorate it with @function_tool" if callable(tool) else ""


def _target_name(entry: object) -> str:
    target = entry.agent if isinstance(entry, Handoff) else entry
    return str(getattr(target, "name", target))

"""Handoffs: tools by which the model gives the conversation to another agent."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import attrs

from engine._messages import type_name
from engine.agents.callbacks import RunSync, call_either, settle
from engine.agents.checks import check_callable, check_flag, check_tool_name
from engine.agents.context import RunContext, T
from engine.agents.schema import arguments as model_arguments
from engine.errors import SettingsError
from engine.wire.session import FunctionToolDefinition

if TYPE_CHECKING:
    from engine.agents.agent import RealtimeAgent
    from engine.agents.schema.records import Record

I = TypeVar("I")  # noqa: E741
OnHandoff = Callable[..., object]
IsEnabled = bool | Callable[[RunContext[T], "RealtimeAgent[T]"], bool | Awaitable[bool]]
NO_INPUT: Mapping[str, object] = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


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
    is_enabled: IsEnabled[T] = True

    @property
    def name(self) -> str:
        """The name of the tool, as a `FunctionTool` has one."""
        return self.tool_name

    def definition(self) -> FunctionToolDefinition:
        """What the model is told."""
        return FunctionToolDefinition(self.tool_name, self.tool_description, self.input_json_schema)

    def parse(self, arguments: str) -> object:
        """The input that the model wrote, as an `input_type`; None, whatever it wrote, if there is no `input_type`.

        Raises:
            BadArguments: it does not fit the `input_type`.
        """
        if self.input_record is None:
            return None
        values = model_arguments.read_object(arguments, self.tool_name)
        return model_arguments.convert(self.input_record, values, self.tool_name, strict=True)

    async def invoke(self, ctx: RunContext[T], args: object, run_sync: RunSync) -> RealtimeAgent[T]:
        """Call `on_handoff`, with what `parse` returned if it takes input, and give the agent that takes over.

        A sync callback is called by `run_sync`. Raises whatever the callback raises.
        """
        if self.on_handoff is not None:
            given = (ctx,) if self.input_type is None else (ctx, args)
            await call_either(self.on_handoff, run_sync, *given)
        return self.agent

    async def enabled(self, ctx: RunContext[T], agent: RealtimeAgent[T]) -> bool:
        """Whether `agent` may use it now."""
        return self.is_enabled if isinstance(self.is_enabled, bool) else bool(await settle(self.is_enabled(ctx, agent)))


@overload
def realtime_handoff(
    agent: RealtimeAgent[T],
    *,
    tool_name_override: str | None = None,
    tool_description_override: str | None = None,
    tool_description: str | None = None,
    on_handoff: Callable[[RunContext[T]], object] | None = None,
    is_enabled: IsEnabled[T] = True,
) -> Handoff[T]: ...
@overload
def realtime_handoff(
    agent: RealtimeAgent[T],
    *,
    input_type: type[I],
    tool_name_override: str | None = None,
    tool_description_override: str | None = None,
    tool_description: str | None = None,
    on_handoff: Callable[[RunContext[T], I], object] | None = None,
    is_enabled: IsEnabled[T] = True,
) -> Handoff[T]: ...
def realtime_handoff(
    agent: RealtimeAgent[T],
    *,
    tool_name_override: str | None = None,
    tool_description_override: str | None = None,
    tool_description: str | None = None,
    on_handoff: OnHandoff | None = None,
    input_type: type[Any] | None = None,
    is_enabled: IsEnabled[T] = True,
) -> Handoff[T]:
    """Make a handoff to an agent.

    Args:
        agent: Who takes over.
        tool_name_override: The name of the tool for the model; `transfer_to_<agent>` if not given.
        tool_description_override: When the model should use it. `tool_description` is another spelling.
        on_handoff: A sync or async function of the context, and of the input if there is an `input_type`.
        input_type: A class with fields (attrs, dataclass, TypedDict...) that the model fills in when it hands over.
        is_enabled: Whether the model is told of it: a bool, or a sync or async function of context and current agent.

    Raises:
        SettingsError: an argument is of the wrong type, or the callback does not take what it would be given.
    """
    where = _check_agent(agent, "realtime_handoff")
    if tool_description is not None and tool_description_override is not None:
        raise SettingsError(f"{where}: tool_description and tool_description_override are the same: give one")
    check_flag(is_enabled, f"{where}: is_enabled", ("ctx", "agent"))
    _check_callback(on_handoff, input_type, where)
    record, schema = (None, NO_INPUT) if input_type is None else _input(input_type, where)
    name = tool_name_override or f"transfer_to_{snake_case(agent.name)}"
    if not snake_case(agent.name) and tool_name_override is None:
        name = agent.name  # nothing of it can be part of a tool's name, which the next line says
    check_tool_name(name, f"tool_name_override= for {where}")
    return Handoff(
        agent=agent,
        tool_name=name,
        tool_description=_description(agent, tool_description_override or tool_description, where),
        on_handoff=on_handoff,
        input_type=input_type,
        input_record=record,
        input_json_schema=schema,
        is_enabled=is_enabled,
    )


def as_handoff(entry: RealtimeAgent[T] | Handoff[T], where: str = "handoffs") -> Handoff[T]:
    """A handoff as it is; an agent as a handoff to it. Raises `SettingsError` for anything else."""
    if isinstance(entry, Handoff):
        return entry
    _check_agent(entry, where)
    return realtime_handoff(entry)


def snake_case(name: str) -> str:
    """Return a name in lower case with underscores: `Billing Support` and `BillingSupport` give `billing_support`."""
    humps = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^A-Za-z0-9]+", "_", humps).strip("_").lower()


def _check_agent(agent: object, where: str) -> str:
    from engine.agents.agent import RealtimeAgent

    if not isinstance(agent, RealtimeAgent):
        from engine.agents.tool import FunctionTool

        hint = "; that belongs into tools" if isinstance(agent, FunctionTool) else ""
        raise SettingsError(f"{where}: expected a RealtimeAgent or a Handoff, got {type_name(agent)}{hint}")
    return f"the handoff to {agent.name!r}"


def _check_callback(on_handoff: object, input_type: object, where: str) -> None:
    if on_handoff is None:
        return
    takes = ("ctx",) if input_type is None else ("ctx", "input")
    try:
        check_callable(on_handoff, f"{where}: on_handoff", takes)
    except SettingsError as error:
        if not callable(on_handoff):
            raise
        given = "only the context without an input_type" if input_type is None else "the input too with an input_type"
        raise SettingsError(f"{error}; it is given {given}") from None


def _input(input_type: type, where: str) -> tuple[Record, Mapping[str, object]]:
    from engine.agents.schema.compiler import class_record, write_schema

    record = class_record(input_type, f"{where}: input_type")
    return record, write_schema(record, strict=True)


def _description(agent: RealtimeAgent[T], given: object, where: str) -> str:
    if given is not None and not isinstance(given, str):
        raise SettingsError(f"{where}: tool_description: expected text, got {type_name(given)}")
    if given:
        return given
    about = f" {agent.handoff_description}" if agent.handoff_description else ""
    return f"Hand the conversation over to the agent {agent.name}.{about}"

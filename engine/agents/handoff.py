"""Handoffs made: of an agent, a name and a description for the model, and a callback with its input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, overload

from engine._messages import type_name
from engine.agents.agent import NO_INPUT, Handoff, HandoffEnabled, OnHandoff, RealtimeAgent, check_agent, transfer_name
from engine.agents.checks import check_callable, check_flag, check_tool_name
from engine.agents.context import RunContext, T
from engine.errors import SettingsError

if TYPE_CHECKING:
    from engine.agents.schema.records import Record

I = TypeVar("I")  # noqa: E741


@overload
def realtime_handoff(
    agent: RealtimeAgent[T],
    *,
    tool_name_override: str | None = None,
    tool_description_override: str | None = None,
    tool_description: str | None = None,
    on_handoff: Callable[[RunContext[T]], object] | None = None,
    is_enabled: HandoffEnabled[T] = True,
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
    is_enabled: HandoffEnabled[T] = True,
) -> Handoff[T]: ...
def realtime_handoff(
    agent: RealtimeAgent[T],
    *,
    tool_name_override: str | None = None,
    tool_description_override: str | None = None,
    tool_description: str | None = None,
    on_handoff: OnHandoff | None = None,
    input_type: type[Any] | None = None,
    is_enabled: HandoffEnabled[T] = True,
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
    check_agent(agent, "realtime_handoff")
    where = f"the handoff to {agent.name!r}"
    if tool_description is not None and tool_description_override is not None:
        raise SettingsError(f"{where}: tool_description and tool_description_override are the same: give one")
    check_flag(is_enabled, f"{where}: is_enabled", ("ctx", "agent"))
    _check_callback(on_handoff, input_type, where)
    record, schema = (None, NO_INPUT) if input_type is None else _input(input_type, where)
    name = tool_name_override or transfer_name(agent)
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
    """Return a handoff as it is, an agent as a handoff to it. Raises `SettingsError` for anything else."""
    if isinstance(entry, Handoff):
        return entry
    check_agent(entry, where)
    return realtime_handoff(entry)


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

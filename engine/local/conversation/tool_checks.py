"""The shape of a client's tools: what is declared can be called, or is refused when it is declared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.local.conversation import errors
from engine.wire.session import FunctionToolDefinition, ToolDefinition
from engine.wire.struct import UnsetType


def check_tools(tools: Iterable[ToolDefinition] | UnsetType | None, param: str) -> None:
    """Refuse a tool whose parameters are no JSON schema of an object.

    Args:
        tools: as they were given.
        param: where they stand in the event: "session.tools".

    Raises:
        Rejected: one is wrong; the message tells which, and why.
    """
    if tools is None or isinstance(tools, UnsetType):
        return
    for index, tool in enumerate(tools):
        if isinstance(tool, FunctionToolDefinition) and tool.parameters:
            wrong = _wrong_with(tool.parameters)
            if wrong is not None:
                raise errors.bad_schema(tool.name, wrong, f"{param}[{index}].parameters")


def _wrong_with(schema: Mapping[str, object]) -> str | None:
    properties, required = schema.get("properties"), schema.get("required")
    if properties is not None:
        if not isinstance(properties, Mapping):
            return "'properties' is not an object"
        for name, inner in properties.items():
            if not isinstance(inner, (Mapping, bool)):
                return f"the property '{name[:64]}' is neither a schema nor a boolean"
    if required is not None:
        if not isinstance(required, (list, tuple)):
            return "'required' is not an array"
        if not all(isinstance(name, str) for name in required):
            return "'required' holds what is not a string"
    return None

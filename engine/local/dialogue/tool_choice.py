"""Which of the client's tools serves an intent, and what its arguments are.

A tool is called only if the client declared it: its name must match the intent, its parameters are filled
from slots by name, and what a schema requires beyond that is filled by its type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence

import attrs

from engine.local.conversation.replies import CallTool
from engine.local.dialogue.description import Dialogue, Intent, SlotNeed
from engine.local.dialogue.understanding import Understood
from engine.wire.session import FunctionToolDefinition

_WORD = re.compile(r"[a-z]+")
_NUMBER = re.compile(r"(?<![0-9])[0-9]{1,18}(?![0-9])")
"""Digits that fit into 64 bits. More of them are no number that anybody means."""
_TRANSFERS = re.compile(r"transfer|hand_?off|hand_?over|escalate|delegate")
_FILLER = frozenset(
    ("get", "set", "the", "a", "an", "to", "of", "for", "my", "do", "is", "in", "and", "by", "with", "user")
)


@attrs.frozen
class Missing:
    """A value that the tool needs and nobody gave."""

    need: SlotNeed


def tool_for(intent: Intent, tools: Iterable[FunctionToolDefinition]) -> FunctionToolDefinition | None:
    """The first declared tool that serves the intent."""
    declared = tuple(tools)
    for pattern in intent.tools:
        for tool in declared:
            if re.fullmatch(pattern, tool.name.lower()):
                return tool
    return None


def tool_named_in(text: str, tools: Iterable[FunctionToolDefinition]) -> FunctionToolDefinition | None:
    """The declared tool all of whose telling words occur in a typed text ("book a table" and
    `book_table`)."""
    words = set(_WORD.findall(text.lower()))
    best: tuple[int, FunctionToolDefinition] | None = None
    for tool in tools:
        telling = set(_WORD.findall(tool.name.lower().replace("_", " "))) - _FILLER
        if telling and telling <= words and not is_transfer(tool) and (best is None or len(telling) > best[0]):
            best = len(telling), tool
    return best[1] if best is not None else None


def is_transfer(tool: FunctionToolDefinition) -> bool:
    """Whether a tool hands the conversation over."""
    about = (tool.description or "").lower()
    return bool(_TRANSFERS.search(tool.name.lower())) or about.startswith(("handoff", "hand off", "transfer"))


def transfer_to(
    department: str, dialogue: Dialogue, tools: Iterable[FunctionToolDefinition]
) -> FunctionToolDefinition | None:
    """The declared handoff whose name, or else description, speaks of the department."""
    words = {*dialogue.departments.get(department, ()), *department.split()}
    handoffs = [tool for tool in tools if is_transfer(tool)]
    for text_of in (_name, _description):
        scored = [(len(words & set(_WORD.findall(text_of(tool)))), tool) for tool in handoffs]
        best = max(scored, key=lambda each: each[0], default=None)
        if best is not None and best[0]:
            return best[1]
    return None


def calls_of(
    tool: FunctionToolDefinition, intent: Intent | None, understood: Understood, earlier: Sequence[Understood]
) -> tuple[CallTool, ...] | Missing:
    """The calls that do what was asked: one, or one for each value where the intent says so."""
    slots: dict[str, str] = {}
    for need in intent.slots if intent is not None else ():
        value = understood.value(need.slot) or (_recalled(need.slot, earlier) if need.recall else None)
        if value is not None:
            slots[need.slot] = value
        elif _required(tool, need):
            return Missing(need)
    each = intent.each if intent is not None else None
    variants = [{**slots, each: value} for value in understood.values.get(each, ())] if each else []
    return tuple(
        CallTool(tool.name, json.dumps(_arguments(tool, intent, understood, values))) for values in variants or [slots]
    )


def _recalled(slot: str, earlier: Sequence[Understood]) -> str | None:
    return next((value for past in reversed(earlier) if (value := past.value(slot)) is not None), None)


def _properties(tool: FunctionToolDefinition) -> Mapping[str, Mapping[str, object]]:
    properties = (tool.parameters or {}).get("properties")
    if not isinstance(properties, Mapping):
        return {}
    return {name: schema for name, schema in properties.items() if isinstance(schema, Mapping)}


def _required_names(tool: FunctionToolDefinition) -> tuple[str, ...]:
    required = (tool.parameters or {}).get("required")
    return tuple(name for name in required if isinstance(name, str)) if isinstance(required, (list, tuple)) else ()


def _fills(need: SlotNeed, name: str) -> bool:
    return re.fullmatch(need.parameters, name.lower()) is not None


def _required(tool: FunctionToolDefinition, need: SlotNeed) -> bool:
    properties = _properties(tool)
    return any(_fills(need, name) for name in _required_names(tool) if name in properties)


def _arguments(
    tool: FunctionToolDefinition, intent: Intent | None, understood: Understood, slots: Mapping[str, str]
) -> dict[str, object]:
    arguments: dict[str, object] = {}
    required = frozenset(_required_names(tool))
    for name, schema in _properties(tool).items():
        needs = intent.slots if intent is not None else ()
        value = next((slots[need.slot] for need in needs if _fills(need, name) and need.slot in slots), None)
        if value is None:
            value = understood.value(name)
        if value is not None:
            arguments[name] = _as_type(_titled(name, value), schema)
        elif name in required:
            arguments[name] = _made_up(schema, understood.text)
    return arguments


def _titled(name: str, value: str) -> str:
    return value.title() if name in ("city", "location", "place", "town") else value


def _as_type(value: str, schema: Mapping[str, object]) -> object:
    schema = _without_null(schema)
    options = schema.get("enum")
    if isinstance(options, (list, tuple)):
        lowered = {str(option).lower(): option for option in options}
        return lowered.get(value.lower(), options[0] if options else value)
    if schema.get("type") in ("integer", "number") and _NUMBER.fullmatch(value):
        return int(value)
    return value


def _made_up(schema: Mapping[str, object], text: str) -> object:
    """Something of the right type for a parameter that the dialogue knows nothing about: nothing, if that
    will do."""
    if _takes_null(schema):
        return None
    options = schema.get("enum")
    if isinstance(options, (list, tuple)) and options:
        said = text.lower()
        return next((option for option in options if str(option).lower() in said), options[0])
    kind = schema.get("type")
    if kind in ("integer", "number"):
        number = _NUMBER.search(text)
        return int(number.group()) if number else 1
    return {"boolean": True, "array": [], "object": {}}.get(str(kind), text)


def _without_null(schema: Mapping[str, object]) -> Mapping[str, object]:
    """The alternative that holds a value, where a schema also takes null."""
    alternatives = schema.get("anyOf", schema.get("oneOf"))
    if isinstance(alternatives, (list, tuple)):
        for each in alternatives:
            if isinstance(each, Mapping) and each.get("type") != "null":
                return each
    return schema


def _takes_null(schema: Mapping[str, object]) -> bool:
    kinds, options = schema.get("type"), schema.get("anyOf")
    if isinstance(options, (list, tuple)):
        return any(isinstance(option, Mapping) and _takes_null(option) for option in options)
    return kinds == "null" or (isinstance(kinds, (list, tuple)) and "null" in kinds)


def _name(tool: FunctionToolDefinition) -> str:
    return tool.name.lower().replace("_", " ")


def _description(tool: FunctionToolDefinition) -> str:
    return (tool.description or "").lower()

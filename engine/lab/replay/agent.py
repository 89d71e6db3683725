"""An agent for replays without the program's own: made of the recorded settings, with the recorded answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import trio

from engine.agents.agent import RealtimeAgent
from engine.agents.context import ToolContext
from engine.agents.tool import FunctionTool
from engine.errors import LogError
from engine.lab.replay.recorded_call import RecordedCall
from engine.wire.units import NS_PER_S


def stand_in(call: RecordedCall, settings: Mapping[str, Any]) -> RealtimeAgent[Any]:
    """An agent as the recorded settings describe it, whose tools answer as they did, after as long. Raises LogError."""
    answers = _Answers.of(call)
    try:
        tools = _tools(settings, answers)
    except (AttributeError, KeyError, TypeError) as error:
        line = next((line.number for line in call.of("sent") if line.type == "session.update"), 1)
        raise LogError(str(call.path), line, "the recorded settings have tools that are none") from error
    return RealtimeAgent(_name(call), instructions=settings.get("instructions"), tools=tools)


def _tools(settings: Mapping[str, Any], answers: _Answers) -> list[FunctionTool]:
    return [
        FunctionTool(
            name=tool["name"],
            description=tool.get("description") or "",
            params_json_schema=tool.get("parameters") or {"type": "object", "properties": {}},
            on_invoke_tool=answers.answer,
        )
        for tool in settings.get("tools") or ()
        if tool.get("type") == "function"
    ]


def _name(call: RecordedCall) -> str:
    named = (taken.data.get("agent") for taken in call.events)
    return next((name for name in named if isinstance(name, str) and name), "Recorded")


@attrs.frozen
class _Answers:
    """What each call was answered, and how long that took."""

    by_call: Mapping[str, tuple[str, int]]

    @classmethod
    def of(cls, call: RecordedCall) -> _Answers:
        asked: dict[str, int | None] = {}
        found: dict[str, tuple[str, int]] = {}
        for line in call.lines:
            match line.data:
                case {"type": "response.function_call_arguments.done", "call_id": str(call_id)}:
                    asked[call_id] = line.t
                case {"item": {"type": "function_call_output", "call_id": str(call_id), "output": str(output)}}:
                    since = asked.get(call_id)
                    took = 0 if line.t is None or since is None or line.direction == "received" else line.t - since
                    found.setdefault(call_id, (output, max(took, 0)))
        return cls(found)

    async def answer(self, ctx: ToolContext[Any], json_text: str) -> object:
        """The recorded output of this call."""
        output, took = self.by_call.get(ctx.call_id, ("", 0))
        await trio.sleep(took / NS_PER_S)
        return output

"""Declarations of an application: agents, tools, handoffs, guardrails and hooks.

Names are imported when they are first used; what reads type hints (`msgspec`) is imported when the first tool is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.agents.agent import Handoff as Handoff
    from engine.agents.agent import RealtimeAgent as RealtimeAgent
    from engine.agents.context import RunContext as RunContext
    from engine.agents.context import ToolContext as ToolContext
    from engine.agents.guardrail import GuardrailFunctionOutput as GuardrailFunctionOutput
    from engine.agents.guardrail import OutputGuardrail as OutputGuardrail
    from engine.agents.guardrail import ToolGuardrailFunctionOutput as ToolGuardrailFunctionOutput
    from engine.agents.guardrail import ToolInputGuardrail as ToolInputGuardrail
    from engine.agents.guardrail import ToolInputGuardrailData as ToolInputGuardrailData
    from engine.agents.guardrail import ToolOutputGuardrail as ToolOutputGuardrail
    from engine.agents.guardrail import ToolOutputGuardrailData as ToolOutputGuardrailData
    from engine.agents.guardrail import output_guardrail as output_guardrail
    from engine.agents.guardrail import tool_input_guardrail as tool_input_guardrail
    from engine.agents.guardrail import tool_output_guardrail as tool_output_guardrail
    from engine.agents.handoff import as_handoff as as_handoff
    from engine.agents.handoff import realtime_handoff as realtime_handoff
    from engine.agents.hooks import RealtimeAgentHooks as RealtimeAgentHooks
    from engine.agents.tool import FunctionTool as FunctionTool
    from engine.agents.tool import function_tool as function_tool


_HOME = {
    "RealtimeAgent": "agent",
    "RunContext": "context",
    "ToolContext": "context",
    "FunctionTool": "tool",
    "function_tool": "tool",
    "GuardrailFunctionOutput": "guardrail",
    "OutputGuardrail": "guardrail",
    "ToolGuardrailFunctionOutput": "guardrail",
    "ToolInputGuardrail": "guardrail",
    "ToolInputGuardrailData": "guardrail",
    "ToolOutputGuardrail": "guardrail",
    "ToolOutputGuardrailData": "guardrail",
    "output_guardrail": "guardrail",
    "tool_input_guardrail": "guardrail",
    "tool_output_guardrail": "guardrail",
    "Handoff": "agent",
    "as_handoff": "handoff",
    "realtime_handoff": "handoff",
    "RealtimeAgentHooks": "hooks",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value

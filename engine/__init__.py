"""engine: realtime voice-agent sessions on trio.

Describe agents (`RealtimeAgent`, `function_tool`, `realtime_handoff`, `output_guardrail`), make a `RealtimeRunner`,
open a session, send audio or text in, iterate over what happens. Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine import events as events
    from engine.agents.agent import RealtimeAgent as RealtimeAgent
    from engine.agents.context import RunContext as RunContext
    from engine.agents.context import ToolContext as ToolContext
    from engine.agents.guardrail import GuardrailFunctionOutput as GuardrailFunctionOutput
    from engine.agents.guardrail import ToolGuardrailFunctionOutput as ToolGuardrailFunctionOutput
    from engine.agents.guardrail import output_guardrail as output_guardrail
    from engine.agents.guardrail import tool_input_guardrail as tool_input_guardrail
    from engine.agents.guardrail import tool_output_guardrail as tool_output_guardrail
    from engine.agents.handoff import realtime_handoff as realtime_handoff
    from engine.agents.hooks import RealtimeAgentHooks as RealtimeAgentHooks
    from engine.agents.tool import FunctionTool as FunctionTool
    from engine.agents.tool import function_tool as function_tool
    from engine.core.effects import ResponseToolCall as ResponseToolCall
    from engine.events import RealtimeSessionEvent as RealtimeSessionEvent
    from engine.events import TurnMetrics as TurnMetrics
    from engine.mailboxes.playback_reports import RealtimePlaybackTracker as RealtimePlaybackTracker
    from engine.models.interface import ModelCapabilities as ModelCapabilities
    from engine.models.interface import ModelConnection as ModelConnection
    from engine.models.interface import RealtimeModel as RealtimeModel
    from engine.models.local import LocalModel as LocalModel
    from engine.models.openai import OpenAIRealtimeWebSocketModel as OpenAIRealtimeWebSocketModel
    from engine.models.scripted import ScriptedModel as ScriptedModel
    from engine.recorder import SessionLatency as SessionLatency
    from engine.secret.value import Secret as Secret
    from engine.session.messages import image as image
    from engine.session.response_handle import ResponseHandle as ResponseHandle
    from engine.session.response_handle import ResponseOutcome as ResponseOutcome
    from engine.session.runner import RealtimeRunner as RealtimeRunner
    from engine.session.session import RealtimeSession as RealtimeSession
    from engine.settings import LatencyLog as LatencyLog
    from engine.settings import RealtimeModelConfig as RealtimeModelConfig
    from engine.settings import RealtimeModelSettings as RealtimeModelSettings
    from engine.settings import RealtimeRunConfig as RealtimeRunConfig
    from engine.settings import WaitSettings as WaitSettings

_HOMES = {
    "engine.agents.agent": ("RealtimeAgent",),
    "engine.agents.context": ("RunContext", "ToolContext"),
    "engine.agents.guardrail": (
        "GuardrailFunctionOutput",
        "ToolGuardrailFunctionOutput",
        "output_guardrail",
        "tool_input_guardrail",
        "tool_output_guardrail",
    ),
    "engine.agents.handoff": ("realtime_handoff",),
    "engine.agents.hooks": ("RealtimeAgentHooks",),
    "engine.agents.tool": ("FunctionTool", "function_tool"),
    "engine.core.effects": ("ResponseToolCall",),
    "engine.events": ("RealtimeSessionEvent", "TurnMetrics"),
    "engine.secret.value": ("Secret",),
    "engine.session.messages": ("image",),
    "engine.models.interface": ("ModelCapabilities", "ModelConnection", "RealtimeModel"),
    "engine.models.local": ("LocalModel",),
    "engine.models.openai": ("OpenAIRealtimeWebSocketModel",),
    "engine.models.scripted": ("ScriptedModel",),
    "engine.mailboxes.playback_reports": ("RealtimePlaybackTracker",),
    "engine.recorder": ("SessionLatency",),
    "engine.session.response_handle": ("ResponseHandle", "ResponseOutcome"),
    "engine.session.runner": ("RealtimeRunner",),
    "engine.session.session": ("RealtimeSession",),
    "engine.settings": (
        "LatencyLog",
        "RealtimeModelConfig",
        "RealtimeModelSettings",
        "RealtimeRunConfig",
        "WaitSettings",
    ),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["events", *_HOME_OF]


def __getattr__(name: str) -> object:
    if (module := _HOME_OF.get(name)) is not None:
        return getattr(import_module(module), name)
    if name == "events":
        return import_module("engine.events")
    raise AttributeError(f"module 'engine' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

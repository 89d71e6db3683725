"""The names that an application imports from `engine.agents`: the one list of them."""

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

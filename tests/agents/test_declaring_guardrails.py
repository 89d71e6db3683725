"""Guardrails: the forms of the decorators, sync and async, verdicts."""

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from engine.agents import (
    GuardrailFunctionOutput,
    OutputGuardrail,
    RealtimeAgent,
    RunContext,
    ToolContext,
    ToolGuardrailFunctionOutput,
    ToolInputGuardrail,
    ToolInputGuardrailData,
    ToolOutputGuardrail,
    ToolOutputGuardrailData,
    function_tool,
    output_guardrail,
    tool_input_guardrail,
    tool_output_guardrail,
)
from engine.errors import SettingsError

R = TypeVar("R")
AGENT = RealtimeAgent[str]("Assistant")
CTX = ToolContext[str](context="shop", agent=AGENT, tool_name="add", call_id="call_1", arguments='{"number": "5"}')


@function_tool
def add(number: int) -> int:
    return number + 1


async def inline(function: Callable[[], R]) -> R:
    return function()


@output_guardrail
async def later(ctx: RunContext[str], agent: RealtimeAgent[str], text: str) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(f"{ctx.context} {agent.name}", "secret" in text)


@output_guardrail(name="no secrets")
def sync(ctx: RunContext[str], agent: RealtimeAgent[str], text: str) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(None, "secret" in text)


async def test_output_guardrails() -> None:
    assert (later.name, sync.name) == ("later", "no secrets")
    assert await later.run(CTX, AGENT, "a secret", inline) == GuardrailFunctionOutput("shop Assistant", True)
    assert await sync.run(CTX, AGENT, "hello", inline) == GuardrailFunctionOutput(None, False)
    named = output_guardrail(sync.guardrail_function, name="other")
    assert isinstance(named, OutputGuardrail)
    assert named.name == "other"


async def test_sync_checks_run_where_the_caller_says() -> None:
    ran: list[str] = []

    async def run_sync(function: Callable[[], R]) -> R:
        ran.append("run_sync")
        return function()

    await later.run(CTX, AGENT, "", run_sync)
    await sync.run(CTX, AGENT, "", run_sync)
    assert ran == ["run_sync"]


async def test_tool_guardrails() -> None:
    @tool_input_guardrail
    def small(data: ToolInputGuardrailData[str]) -> ToolGuardrailFunctionOutput:
        if data.args == {"number": 5} and data.context.arguments == '{"number": "5"}':
            return ToolGuardrailFunctionOutput.reject_content(f"{data.agent.name} may not {data.tool.name} 5", 5)
        return ToolGuardrailFunctionOutput.allow()

    @tool_output_guardrail(name="short")
    async def short(data: ToolOutputGuardrailData[str]) -> ToolGuardrailFunctionOutput:
        return ToolGuardrailFunctionOutput.allow(f"{data.output} of {data.args}")

    assert isinstance(small, ToolInputGuardrail)
    assert isinstance(short, ToolOutputGuardrail)
    rejected = await small.run(CTX, AGENT, add, inline)
    assert rejected == ToolGuardrailFunctionOutput(True, "Assistant may not add 5", 5)
    allowed = await short.run(CTX, AGENT, add, "6", inline)
    assert (allowed.rejected, allowed.message, allowed.output_info) == (False, "", "6 of {'number': 5}")


wrong: Any = None


async def test_no_verdict_is_an_error_that_names_the_guardrail() -> None:
    untyped: Any = output_guardrail
    with pytest.raises(SettingsError, match="the guardrail 'loose' has to return GuardrailFunctionOutput, not bool"):
        await untyped(lambda ctx, agent, text: True, name="loose").run(CTX, AGENT, "", inline)
    untyped = tool_output_guardrail
    with pytest.raises(SettingsError, match="the guardrail 'none' has to return ToolGuardrailFunctionOutput, not None"):
        await untyped(lambda data: None, name="none").run(CTX, AGENT, add, "", inline)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (output_guardrail, "the output guardrail 'int': expected a function of (ctx, agent, text), got int"),
        (tool_input_guardrail, "the tool input guardrail 'int': expected a function of (data), got int"),
        (tool_output_guardrail, "the tool output guardrail 'int': expected a function of (data), got int"),
    ],
)
def test_wrong_declarations_say_what_would_be_right(make: Any, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make(3)
    assert words in str(caught.value)
    with pytest.raises(SettingsError, match=r"<lambda>\(\) cannot take that"):
        make(lambda: None)


@pytest.mark.parametrize("message", ["", None, 5])
def test_a_rejection_needs_a_message(message: Any) -> None:
    with pytest.raises(SettingsError, match="reject_content: expected a message for the model"):
        ToolGuardrailFunctionOutput.reject_content(message)

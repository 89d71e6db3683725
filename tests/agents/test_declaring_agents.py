"""Agents: construction, copies, what is refused."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from engine.agents import (
    GuardrailFunctionOutput,
    RealtimeAgent,
    RealtimeAgentHooks,
    RunContext,
    function_tool,
    output_guardrail,
    realtime_handoff,
)
from engine.errors import SettingsError
from engine.wire.session import McpTool, Prompt, VoiceId


@function_tool
def weather(city: str) -> str:
    return city


@output_guardrail
def guardrail(ctx: RunContext[Any], agent: RealtimeAgent[Any], text: str) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput()


def test_the_agents_of_the_guide() -> None:
    billing = RealtimeAgent(name="Billing Support", instructions="You specialize in billing and payment issues.")
    main = RealtimeAgent(
        name="Customer Service",
        instructions="You are the main customer service agent.",
        tools=[weather],
        handoffs=[realtime_handoff(billing, tool_description="Transfer to billing support")],
    )
    assert main.tools == (weather,)
    assert repr(main).startswith("RealtimeAgent(name='Customer Service'")
    assert "handoffs=['Billing Support']" in repr(main)


def test_everything_can_be_given() -> None:
    hooks = RealtimeAgentHooks[str]()
    mcp = McpTool("files", server_url="https://example.com")
    agent = RealtimeAgent(
        "All",
        instructions=lambda ctx, agent: "hello",
        tools=[weather, mcp],
        output_guardrails=[guardrail],
        hooks=hooks,
        prompt={"id": "pmpt_1", "variables": {"city": "Oslo"}},
        voice=VoiceId("voice_1"),
        handoff_description="Knows all.",
    )
    assert agent.prompt == Prompt("pmpt_1", variables={"city": "Oslo"})
    assert (agent.tools, agent.output_guardrails, agent.hooks) == ((weather, mcp), (guardrail,), hooks)


def test_agents_can_hand_over_to_each_other() -> None:
    listed: list[Any] = []
    first = RealtimeAgent("First", handoffs=listed)
    second = RealtimeAgent("Second", handoffs=[first])
    first.handoffs.append(second)
    assert first.handoffs is listed
    assert listed == [second]
    assert "handoffs=['Second']" in repr(first)
    assert first != second
    assert {first, second, first} == {second, first}


def test_agents_are_frozen() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        RealtimeAgent("x").name = "y"  # type: ignore[misc]


def test_a_clone_is_a_copy_with_changes_and_handoffs_of_its_own() -> None:
    other = RealtimeAgent("Other")
    agent = RealtimeAgent("First", tools=[weather], voice="marin", prompt={"id": "p"}, handoffs=[other])
    clone = agent.clone(name="Second", voice="cedar")
    assert (clone.name, clone.voice, clone.tools, clone.prompt) == ("Second", "cedar", (weather,), Prompt("p"))
    clone.handoffs.append(agent)
    assert agent.handoffs == [other]
    with pytest.raises(SettingsError, match="clone: a RealtimeAgent has no 'nam'; did you mean 'name'"):
        agent.clone(nam="Third")  # type: ignore[call-arg]


async def test_instructions_are_text_or_made_by_a_sync_or_async_function() -> None:
    async def later(ctx: RunContext[str], agent: RealtimeAgent[str]) -> str:
        return f"later {ctx.context} {agent.name}"

    def sync(ctx: RunContext[str], agent: RealtimeAgent[str]) -> str:
        return f"sync {ctx.context} {agent.name}"

    async def made(instructions: Any) -> str | None:
        agent = RealtimeAgent[str]("A", instructions=instructions)
        return await agent.system_prompt(RunContext(context="shop", agent=agent))

    assert await made(None) is None
    assert await made("text") == "text"
    assert await made(sync) == "sync shop A"
    assert await made(later) == "later shop A"
    with pytest.raises(SettingsError, match="the agent 'A': instructions: the function has to return text, not None"):
        await made(lambda ctx, agent: None)


async def test_hooks_do_nothing_unless_they_are_written() -> None:
    agent = RealtimeAgent[str]("A")
    ctx = RunContext(context="shop", agent=agent)
    hooks = RealtimeAgentHooks[str]()
    await hooks.on_start(ctx, agent)
    await hooks.on_end(ctx, agent, "bye")
    await hooks.on_handoff(ctx, agent, agent)
    await hooks.on_tool_start(ctx, agent, weather)
    await hooks.on_tool_end(ctx, agent, weather, "sunny")


agent_of: Any = RealtimeAgent


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: agent_of(""), "RealtimeAgent: name: expected text, got ''"),
        (lambda: agent_of(5), "RealtimeAgent: name: expected text, got 5"),
        (
            lambda: agent_of("A", instructions=5),
            "the agent 'A': instructions (if not text): expected a function of (ctx,",
        ),
        (
            lambda: agent_of("A", instructions=lambda: ""),
            "but <lambda>() cannot take that: too many positional arguments",
        ),
        (lambda: agent_of("A", tools=weather), "RealtimeAgent: tools: expected a list, got FunctionTool"),
        (lambda: agent_of("A", tools="x"), "RealtimeAgent: tools: expected a list, got str"),
        (
            lambda: agent_of("A", tools=[print]),
            "tools: expected a FunctionTool, got builtin_function_or_method; decorate it with @function_tool",
        ),
        (lambda: agent_of("A", tools=[5]), "the agent 'A': tools: expected a FunctionTool, got int"),
        (lambda: agent_of("A", tools=[agent_of("B")]), "got RealtimeAgent; that belongs into handoffs"),
        (lambda: agent_of("A", tools=[realtime_handoff(agent_of("B"))]), "got Handoff; that belongs into handoffs"),
        (
            lambda: agent_of("A", tools=[weather, function_tool(print_it, name_override="weather")]),
            "the agent 'A': two tools have the name 'weather'; give one a name_override",
        ),
        (lambda: agent_of("A", handoffs=(agent_of("B"),)), "the agent 'A': handoffs: expected a list, got tuple"),
        (
            lambda: agent_of("A", handoffs=["B"]),
            "the agent 'A': handoffs: expected a RealtimeAgent or a Handoff, got str",
        ),
        (lambda: agent_of("A", handoffs=[weather]), "got FunctionTool; that belongs into tools"),
        (lambda: agent_of("A", output_guardrails=guardrail), "output_guardrails: expected a list, got OutputGuardrail"),
        (
            lambda: agent_of("A", output_guardrails=[print]),
            "output_guardrails: expected an OutputGuardrail, got builtin_function_or_method; decorate it with",
        ),
        (lambda: agent_of("A", output_guardrails=[5]), "output_guardrails: expected an OutputGuardrail, got int"),
        (
            lambda: agent_of("A", hooks=RealtimeAgentHooks),
            "hooks: expected a RealtimeAgentHooks object, got the class RealtimeAgentHooks; create one of it",
        ),
        (lambda: agent_of("A", hooks=5), "the agent 'A': hooks: expected a RealtimeAgentHooks object, got int"),
        (lambda: agent_of("A", prompt="pmpt"), "prompt: expected a Prompt or a mapping with its id, got str"),
        (
            lambda: agent_of("A", prompt={"id": "p", "vars": {}}),
            "prompt: unknown key 'vars'; did you mean 'variables'?",
        ),
        (lambda: agent_of("A", prompt={"version": "2"}), "prompt: its id is missing"),
        (lambda: agent_of("A", voice=5), "the agent 'A': voice: expected the name of a voice, got int"),
        (lambda: agent_of("A", handoff_description=5), "handoff_description: expected text, got int"),
    ],
)
def test_wrong_declarations_say_what_would_be_right(make: Callable[[], object], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make()
    assert words in str(caught.value)


def print_it(text: str) -> None: ...

"""From an agent to the settings and the names that a session works with."""

from typing import Any

import pytest

from engine.agents import RealtimeAgent, RunContext, function_tool, realtime_handoff
from engine.agents.compile import resolve
from engine.core.agent_spec import ToolSpec
from engine.errors import SettingsError
from engine.wire.session import (
    Audio,
    AudioInput,
    AudioOutput,
    FunctionToolDefinition,
    McpTool,
    Prompt,
    Session,
    UnknownSetting,
)
from engine.wire.struct import UNSET


@function_tool(on_interruption="cancel")
def weather(city: str) -> str:
    return city


@function_tool(is_enabled=lambda ctx, agent: ctx.context == "open")
def order(dish: str) -> str:
    return dish


BILLING = RealtimeAgent[str]("Billing")


def context(agent: RealtimeAgent[str], given: str = "open") -> RunContext[str]:
    return RunContext(context=given, agent=agent)


async def test_an_agent_becomes_settings_and_names() -> None:
    agent = RealtimeAgent[str](
        "Main",
        instructions=lambda ctx, agent: f"{ctx.context}!",
        tools=[weather, order],
        handoffs=[BILLING],
        voice="marin",
    )
    base = Session(model="gpt-realtime", audio=Audio(AudioInput(), AudioOutput(speed=1.2)), tool_choice="auto")
    spec = await resolve(agent, context(agent), base)
    handoff = spec.tools["transfer_to_billing"].declared
    assert (spec.name, spec.agent) == ("Main", agent)
    assert list(spec.tools.values()) == [
        ToolSpec("weather", "function", weather, "cancel"),
        ToolSpec("order", "function", order),
        ToolSpec("transfer_to_billing", "handoff", handoff),
    ]
    assert spec.session == Session(
        model="gpt-realtime",
        instructions="open!",
        tools=(weather.definition(), order.definition(), realtime_handoff(BILLING).definition()),
        tool_choice="auto",
        audio=Audio(AudioInput(), AudioOutput(voice="marin", speed=1.2)),
    )


async def test_what_is_not_enabled_is_not_told() -> None:
    closed = realtime_handoff(BILLING, is_enabled=False)
    agent = RealtimeAgent[str]("Main", tools=[order], handoffs=[closed])
    spec = await resolve(agent, context(agent, "closed"), Session())
    assert spec.tools == {}
    assert spec.session.tools == ()


async def test_an_agent_with_nothing_clears_what_the_one_before_had() -> None:
    spec = await resolve(BILLING, context(BILLING), Session())
    assert spec.session == Session(instructions="", tools=())
    assert spec.session.audio is UNSET


async def test_settings_stay_where_the_agent_says_nothing() -> None:
    base = Session(instructions="Be kind.", prompt=Prompt("base"), audio=Audio(output=AudioOutput(voice="cedar")))
    assert (await resolve(BILLING, context(BILLING), base)).session == Session(
        instructions="Be kind.", tools=(), prompt=Prompt("base"), audio=Audio(output=AudioOutput(voice="cedar"))
    )
    own = BILLING.clone(instructions="Be brief.", prompt=Prompt("own"), voice="marin")
    assert (await resolve(own, context(own), base)).session == Session(
        instructions="Be brief.", tools=(), prompt=Prompt("own"), audio=Audio(output=AudioOutput(voice="marin"))
    )
    quiet = BILLING.clone(instructions="")
    assert (await resolve(quiet, context(quiet), base)).session.instructions == ""


async def test_tools_of_the_settings_stay_unless_the_agent_has_its_own() -> None:
    old = FunctionToolDefinition("weather", "old")
    kept = FunctionToolDefinition("other")
    unknown = UnknownSetting({"type": "web_search"})
    files, own_files = McpTool("files", server_url="https://a"), McpTool("files", server_url="https://b")
    agent = RealtimeAgent[str]("Main", tools=[weather, own_files])
    spec = await resolve(agent, context(agent), Session(tools=(old, kept, unknown, files)))
    assert spec.session.tools == (kept, unknown, weather.definition(), own_files)
    assert list(spec.tools) == ["weather"]


async def test_mutual_handoffs_added_after_construction_are_seen() -> None:
    first = RealtimeAgent[str]("First")
    second = RealtimeAgent[str]("Second", handoffs=[first])
    first.handoffs.append(second)
    assert list((await resolve(first, context(first), Session())).tools) == ["transfer_to_second"]
    assert list((await resolve(second, context(second), Session())).tools) == ["transfer_to_first"]


async def test_names_must_differ() -> None:
    clash = realtime_handoff(BILLING, tool_name_override="weather")
    agent = RealtimeAgent[str]("Main", tools=[weather], handoffs=[clash])
    words = "the agent 'Main': the handoff to 'Billing' and a tool have the same name, 'weather'; give the handoff a"
    with pytest.raises(SettingsError, match=words):
        await resolve(agent, context(agent), Session())
    twice = RealtimeAgent[str]("Main", handoffs=[BILLING, realtime_handoff(BILLING)])
    with pytest.raises(SettingsError, match="and another handoff have the same name, 'transfer_to_billing'"):
        await resolve(twice, context(twice), Session())


async def test_a_name_may_be_used_twice_if_only_one_is_enabled() -> None:
    clash = realtime_handoff(BILLING, tool_name_override="order")
    agent = RealtimeAgent[str]("Main", tools=[order], handoffs=[clash])
    spec = await resolve(agent, context(agent, "closed"), Session())
    assert spec.tools == {"order": ToolSpec("order", "handoff", clash)}


async def test_what_was_appended_to_the_handoffs_is_checked() -> None:
    agent = RealtimeAgent[Any]("Main")
    agent.handoffs.append("Billing")  # type: ignore[arg-type]
    with pytest.raises(
        SettingsError, match="the agent 'Main': handoffs: expected a RealtimeAgent or a Handoff, got str"
    ):
        await resolve(agent, context(agent), Session())


async def test_what_the_agents_functions_raise_comes_out() -> None:
    def broken(ctx: RunContext[str], agent: RealtimeAgent[str]) -> str:
        raise LookupError("no instructions today")

    agent = RealtimeAgent[str]("Main", instructions=broken)
    with pytest.raises(LookupError, match="no instructions today"):
        await resolve(agent, context(agent), Session())

"""Handoffs: names, descriptions, input, callbacks."""

from collections.abc import Callable
from typing import Any, TypedDict, TypeVar

import attrs
import pytest

from engine.agents import Handoff, RealtimeAgent, RunContext, as_handoff, function_tool, realtime_handoff
from engine.agents.agent import snake_case
from engine.errors import BadArguments, SettingsError
from engine.wire.session import FunctionToolDefinition

R = TypeVar("R")
BILLING = RealtimeAgent[str]("Billing Support")
CTX = RunContext[str](context="shop", agent=RealtimeAgent("Main"))


@attrs.frozen
class Reason:
    why: str
    urgent: bool = False


@attrs.frozen
class Chain:
    before: "Chain | None"


class Note(TypedDict):
    text: str


async def inline(function: Callable[[], R]) -> R:
    return function()


async def test_a_plain_handoff() -> None:
    handoff = realtime_handoff(BILLING)
    assert (handoff.name, handoff.tool_name) == ("transfer_to_billing_support",) * 2
    assert handoff.definition() == FunctionToolDefinition(
        "transfer_to_billing_support",
        "Hand the conversation over to the agent Billing Support.",
        {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    )
    assert await handoff.invoke(CTX, handoff.parse("{}"), inline) is BILLING
    assert repr(handoff).startswith("Handoff(agent='Billing Support', tool_name='transfer_to_billing_support'")


@pytest.mark.parametrize("arguments", ["", "{}", '{"reason": "too hard"}', "broken"])
def test_arguments_that_nobody_asked_for_do_not_stop_a_handoff(arguments: str) -> None:
    assert realtime_handoff(BILLING).parse(arguments) is None


def test_names_and_descriptions() -> None:
    described = RealtimeAgent("Technik", handoff_description="Knows about routers.")
    assert realtime_handoff(described).tool_description == (
        "Hand the conversation over to the agent Technik. Knows about routers."
    )
    assert realtime_handoff(described, tool_description="Routers").tool_description == "Routers"
    assert realtime_handoff(described, tool_description_override="Routers").tool_description == "Routers"
    assert realtime_handoff(described, tool_name_override="routers").tool_name == "routers"


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("Billing Support", "billing_support"),
        ("BillingSupport", "billing_support"),
        ("billing-support (EU)", "billing_support_eu"),
        ("Tier2", "tier2"),
        ("FAQ", "faq"),
        ("Größe", "gr_e"),
        ("支持", ""),
    ],
)
def test_names_of_agents_as_names_of_tools(name: str, snake: str) -> None:
    assert snake_case(name) == snake


async def test_input_is_checked_and_given_to_the_callback() -> None:
    given: list[object] = []

    async def later(ctx: RunContext[str], reason: Reason) -> None:
        given.append((ctx.context, reason))

    def sync(ctx: RunContext[str], reason: Reason) -> None:
        given.append(reason)

    for callback in (later, sync):
        handoff = realtime_handoff(BILLING, input_type=Reason, on_handoff=callback)
        assert await handoff.invoke(CTX, handoff.parse('{"why": "a bill", "urgent": null}'), inline) is BILLING
    assert given == [("shop", Reason("a bill")), Reason("a bill")]
    assert handoff.input_json_schema["required"] == ["why", "urgent"]
    with pytest.raises(BadArguments, match="`transfer_to_billing_support` was not called"):
        handoff.parse("{}")


def test_a_recursive_input_has_an_object_at_its_root() -> None:
    schema = realtime_handoff(BILLING, input_type=Chain).input_json_schema
    assert (schema["type"], list(schema["$defs"])) == ("object", ["Chain"])  # type: ignore[call-overload]
    handoff = realtime_handoff(BILLING, input_type=Chain)
    assert handoff.parse('{"before": {"before": null}}') == Chain(Chain(None))


async def test_a_callback_without_input_and_input_without_a_callback() -> None:
    called: list[str] = []
    handoff = realtime_handoff(BILLING, on_handoff=lambda ctx: called.append(ctx.context))
    assert await handoff.invoke(CTX, handoff.parse('{"x": 1}'), inline) is BILLING
    assert called == ["shop"]
    noted = realtime_handoff(BILLING, input_type=Note)
    assert noted.parse('{"text": "x"}') == {"text": "x"}
    assert await noted.invoke(CTX, {"text": "x"}, inline) is BILLING


async def test_enabled() -> None:
    async def later(ctx: RunContext[str], agent: RealtimeAgent[str]) -> bool:
        return agent.name == "Main"

    assert await realtime_handoff(BILLING, is_enabled=later).enabled(CTX, CTX.agent)
    assert not await realtime_handoff(BILLING, is_enabled=later).enabled(CTX, BILLING)
    assert not await realtime_handoff(BILLING, is_enabled=lambda ctx, agent: False).enabled(CTX, BILLING)
    assert not await realtime_handoff(BILLING, is_enabled=False).enabled(CTX, BILLING)


def test_an_agent_is_wrapped_and_a_handoff_is_kept() -> None:
    handoff = realtime_handoff(BILLING, tool_name_override="bill")
    assert as_handoff(handoff) is handoff
    wrapped = as_handoff(BILLING)
    assert isinstance(wrapped, Handoff)
    assert wrapped.agent is BILLING


wrong: Any = realtime_handoff


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: wrong("Billing"), "realtime_handoff: expected a RealtimeAgent or a Handoff, got str"),
        (lambda: as_handoff(wrong), "handoffs: expected a RealtimeAgent or a Handoff, got function"),
        (lambda: wrong(BILLING, is_enabled=1), "the handoff to 'Billing Support': is_enabled: expected a bool or a"),
        (lambda: wrong(BILLING, tool_description=5), "tool_description: expected text, got int"),
        (
            lambda: wrong(BILLING, tool_description="a", tool_description_override="b"),
            "tool_description and tool_description_override are the same: give one",
        ),
        (lambda: wrong(BILLING, tool_name_override="to billing"), "'to billing' cannot be the name of a tool"),
        (lambda: wrong(RealtimeAgent("支持")), "'支持' cannot be the name of a tool: 1 to 64 letters, digits"),
        (lambda: wrong(RealtimeAgent("x" * 60)), "give tool_name_override= for the handoff to"),
        (lambda: wrong(BILLING, on_handoff=5), "on_handoff: expected a function of (ctx), got int"),
        (
            lambda: wrong(BILLING, on_handoff=lambda ctx, reason: None),
            "missing a required argument: 'reason'; it is given only the context without an input_type",
        ),
        (
            lambda: wrong(BILLING, on_handoff=lambda ctx: None, input_type=Reason),
            "cannot take that: too many positional arguments; it is given the input too with an input_type",
        ),
        (
            lambda: wrong(BILLING, input_type=str),
            "input_type: expected a class with fields (attrs, dataclass, TypedDict)",
        ),
        (lambda: wrong(BILLING, input_type=complex), "complex has no JSON form"),
        (
            lambda: wrong(function_tool(snake_case)),
            "got FunctionTool; that belongs into tools",
        ),
    ],
)
def test_wrong_declarations_say_what_would_be_right(make: Callable[[], object], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make()
    assert words in str(caught.value)

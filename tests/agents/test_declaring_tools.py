"""Functions made into tools: the forms of the decorator, calls, and what is refused."""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any, TypeVar

import pytest
import trio

from engine.agents import (
    FunctionTool,
    RealtimeAgent,
    RunContext,
    ToolContext,
    ToolGuardrailFunctionOutput,
    ToolInputGuardrailData,
    function_tool,
    tool_input_guardrail,
)
from engine.errors import BadArguments, SettingsError
from engine.wire.session import FunctionToolDefinition

R = TypeVar("R")
AGENT = RealtimeAgent[str]("Assistant")


async def inline(function: Callable[[], R]) -> R:
    return function()


async def in_thread(function: Callable[[], R]) -> R:
    return await trio.to_thread.run_sync(function)


def context(arguments: str = "{}", name: str = "tool") -> ToolContext[str]:
    return ToolContext(context="shop", agent=AGENT, tool_name=name, call_id="call_1", arguments=arguments)


async def run(tool: FunctionTool, arguments: str, run_sync: Any = inline) -> object:
    """As the session does it."""
    return await tool.call(context(arguments, tool.name), tool.parse(arguments), run_sync)


# ------------------------------------------------------------------------------------------------ forms
def test_the_decorator_without_and_with_arguments_and_a_plain_call() -> None:
    @function_tool
    def first(city: str) -> str:
        """Get the weather."""
        return city

    @function_tool(name_override="second", timeout=2.5, needs_approval=True, on_interruption="cancel")
    def other(city: str) -> str:
        """Get the weather."""
        return city

    def third(city: str) -> str:
        """Get the weather."""
        return city

    third_tool = function_tool(third, description_override="Rain?")
    assert [tool.name for tool in (first, other, third_tool)] == ["first", "second", "third"]
    assert [tool.description for tool in (first, other, third_tool)] == ["Get the weather."] * 2 + ["Rain?"]
    assert (first.timeout, first.needs_approval, first.on_interruption, first.strict) == (None, False, "finish", True)
    assert (other.timeout, other.needs_approval, other.on_interruption) == (2.5, True, "cancel")
    assert third_tool.function is third
    assert first.definition() == FunctionToolDefinition("first", "Get the weather.", first.params_json_schema)


def test_the_docstring_can_be_left_alone_or_read_in_one_style() -> None:
    def f(city: str) -> str:
        """Get it.

        Args:
            city: Where.
        """
        return city

    described = {"type": "string", "description": "Where."}
    assert function_tool(f, docstring_style="google").params_json_schema["properties"] == {"city": described}
    assert function_tool(f, docstring_style="sphinx").params_json_schema["properties"] == {"city": {"type": "string"}}
    plain = function_tool(f, use_docstring_info=False)
    assert (plain.description, plain.params_json_schema["properties"]) == ("", {"city": {"type": "string"}})


# ------------------------------------------------------------------------------------------------ calls
async def test_sync_functions_run_where_the_caller_says_and_async_ones_do_not() -> None:
    ran: list[str] = []

    async def run_sync(function: Callable[[], R]) -> R:
        ran.append("run_sync")
        return function()

    @function_tool
    def sync(a: int) -> int:
        return a + 1

    @function_tool
    async def later(a: int) -> int:
        await trio.lowlevel.checkpoint()
        return a + 2

    assert await run(sync, '{"a": 1}', run_sync) == 2
    assert await run(later, '{"a": 1}', run_sync) == 3
    assert ran == ["run_sync"]
    assert await run(sync, '{"a": 1}', in_thread) == 2


async def test_the_context_reaches_the_function() -> None:
    @function_tool
    def tell(ctx: ToolContext[str], a: int) -> str:
        return f"{ctx.context} {ctx.agent.name} {ctx.tool_name} {ctx.call_id} {ctx.arguments} {a}"

    @function_tool
    async def by_name(*, ctx: RunContext[str], a: int = 5) -> str:
        return f"{ctx.context} {ctx.usage.total_tokens} {a}"

    assert await run(tell, '{"a":1}') == 'shop Assistant tell call_1 {"a":1} 1'
    assert await run(by_name, "") == "shop 0 5"


async def test_positional_only_parameters_and_defaults() -> None:
    @function_tool
    def f(ctx: RunContext[str], a: int, b: int = 2, c: int = 3, /, d: int = 4, *, e: int = 5) -> list[int]:
        return [a, b, c, d, e]

    assert await run(f, '{"a": 1}') == [1, 2, 3, 4, 5]
    assert await run(f, '{"a": 1, "c": 30, "e": 50}') == [1, 2, 30, 4, 50]
    assert await run(f, '{"a": 1, "b": null, "d": 40}') == [1, 2, 3, 40, 5]


async def test_names_of_parameters_are_free() -> None:
    @function_tool
    def f(function: int, run_sync: int, args: int, self: int, ctx: int) -> int:
        return function + run_sync + args + self + ctx

    assert await run(f, '{"function": 1, "run_sync": 2, "args": 3, "self": 4, "ctx": 5}') == 15


class Booking:
    def __init__(self, owner: str) -> None:
        self.owner = owner

    def cancel(self, number: int) -> str:
        """Cancel it."""
        return f"{self.owner} {number}"

    @staticmethod
    def count(number: int) -> int:
        return number


class Callback:
    """An object that can be called."""

    async def __call__(self, number: int) -> int:
        """Call it."""
        return number


def decorated(function: Callable[..., R]) -> Callable[..., R]:
    @functools.wraps(function)
    def wrapper(*args: Any, **named: Any) -> R:
        return function(*args, **named)

    return wrapper


@decorated
async def wrapped(number: int) -> int:
    """Wrapped."""
    return number


async def test_methods_partials_objects_and_wrapped_functions() -> None:
    cancel = function_tool(Booking("Ann").cancel)
    assert (cancel.name, cancel.description) == ("cancel", "Cancel it.")
    assert await run(cancel, '{"number": 3}') == "Ann 3"
    assert await run(function_tool(Booking.count), '{"number": 3}') == 3
    partial = function_tool(functools.partial(Booking.cancel, Booking("Bob")), name_override="bob")
    assert partial.description == "Cancel it."
    assert await run(partial, '{"number": 4}') == "Bob 4"
    called = function_tool(Callback(), name_override="callback")
    assert called.description == "Call it."
    assert await run(called, '{"number": 5}') == 5
    assert await run(function_tool(wrapped), '{"number": 6}') == 6


async def test_what_the_function_raises_comes_out() -> None:
    @function_tool
    def f() -> None:
        raise LookupError("no such table")

    with pytest.raises(LookupError, match="no such table"):
        await run(f, "{}")


async def test_a_tool_made_by_hand() -> None:
    async def later(ctx: ToolContext[str], json_text: str) -> str:
        return f"{ctx.context} {json_text}"

    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    tool = FunctionTool(name="dynamic", description="Do it.", params_json_schema=schema, on_invoke_tool=later)
    assert tool.parse('{"a": "anything"}') == {"a": "anything"}
    assert tool.function is None
    assert await run(tool, '{"a": 1}') == 'shop {"a": 1}'
    assert tool.definition() == FunctionToolDefinition("dynamic", "Do it.", schema)
    sync = FunctionTool(name="dynamic", on_invoke_tool=lambda ctx, json_text: json_text)
    assert await run(sync, "{}") == "{}"
    with pytest.raises(BadArguments, match="`dynamic` was not called"):
        sync.parse("{")


# ------------------------------------------------------------------------------------------------ is_enabled
async def test_enabled_is_a_bool_or_a_sync_or_async_function() -> None:
    async def later(ctx: RunContext[str], agent: RealtimeAgent[str]) -> bool:
        return ctx.context == "shop" and agent.name == "Other"

    def tool(enabled: Any) -> FunctionTool:
        return FunctionTool(name="x", on_invoke_tool=lambda ctx, text: text, is_enabled=enabled)

    assert await tool(True).enabled(context(), AGENT)
    assert not await tool(False).enabled(context(), AGENT)
    assert await tool(lambda ctx, agent: agent.name).enabled(context(), AGENT) is True
    assert not await tool(later).enabled(context(), AGENT)
    assert await tool(later).enabled(context(), RealtimeAgent("Other"))


# ------------------------------------------------------------------------------------------------ refused
def f(city: str) -> str:
    return city


def ff(city: str) -> Iterator[str]:
    yield city


async def fff(city: str) -> AsyncIterator[str]:
    yield city


@tool_input_guardrail
def check(data: ToolInputGuardrailData[Any]) -> ToolGuardrailFunctionOutput:
    return ToolGuardrailFunctionOutput.allow()


tool_of: Any = function_tool
tool_by_hand: Any = FunctionTool


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: tool_of(3), "function_tool: expected a function, got int"),
        (lambda: tool_of(Booking), "function_tool: expected a function, got the class Booking"),
        (lambda: tool_of(tool_of(f)), "function_tool: 'f' is a tool already"),
        (lambda: tool_of(ff), "function_tool: a generator gives many results; a tool returns one"),
        (lambda: tool_of(fff), "function_tool: a generator gives many results"),
        (lambda: tool_of(functools.partial(f)), "partial has no name of its own: give name_override="),
        (lambda: tool_of(lambda: 1), "'<lambda>' cannot be the name of a tool: 1 to 64 letters, digits"),
        (lambda: tool_of(f, name_override="get weather"), "'get weather' cannot be the name of a tool"),
        (lambda: tool_of(f, name_override="x" * 65), "cannot be the name of a tool"),
        (lambda: tool_of(f, docstring_style="goggle"), "'goggle' is not a style; did you mean 'google'?"),
        (lambda: tool_of(f, on_interruption="cancl"), "'cancl' is not a policy; did you mean 'cancel'?"),
        (lambda: tool_of(f, timeout=0), "the tool 'f': timeout: expected more than 0 seconds, got 0; None means"),
        (lambda: tool_of(f, timeout="5"), "the tool 'f': timeout: expected seconds, got str"),
        (lambda: tool_of(f, timeout=True), "the tool 'f': timeout: expected seconds, got bool"),
        (lambda: tool_of(f, timeout=float("nan")), "expected more than 0 seconds, got nan"),
        (
            lambda: tool_of(f, is_enabled="yes"),
            "is_enabled: expected a bool or a function of (ctx, agent), got str",
        ),
        (
            lambda: tool_of(f, is_enabled=lambda: True),
            "is_enabled: expected a function of (ctx, agent), but <lambda>() cannot take that: too many positional",
        ),
        (
            lambda: tool_of(f, needs_approval=lambda args: True),
            "needs_approval: expected a function of (ctx, args, call_id), but <lambda>(args) cannot take that",
        ),
        (
            lambda: tool_of(f, failure_error_function="oops"),
            "the tool 'f': failure_error_function: expected a function of (ctx, error), got str",
        ),
        (
            lambda: tool_of(f, tool_input_guardrails=[f]),
            "the tool 'f': tool_input_guardrails: expected ToolInputGuardrail, got function",
        ),
        (
            lambda: tool_of(f, tool_output_guardrails=[check]),
            "the tool 'f': tool_output_guardrails: expected ToolOutputGuardrail, got ToolInputGuardrail",
        ),
        (
            lambda: tool_of(f, tool_input_guardrails=check),
            "the tool 'f': tool_input_guardrails: expected a list, got ToolInputGuardrail",
        ),
        (lambda: tool_of(f, description_override=3), "the tool 'f': description: expected text, got int"),
        (lambda: tool_of(max), "`max`: its parameters cannot be read: no signature found for builtin"),
        (lambda: tool_by_hand(name="x"), "the tool 'x': give on_invoke_tool, or make it with function_tool"),
        (
            lambda: tool_by_hand(name="x", on_invoke_tool=lambda text: text),
            "the tool 'x': on_invoke_tool: expected a function of (ctx, json_text), but <lambda>(text) cannot take",
        ),
        (
            lambda: tool_by_hand(
                name="x", params_json_schema={"type": "string"}, on_invoke_tool=lambda ctx, text: text
            ),
            'params_json_schema: expected a JSON schema of type "object"',
        ),
    ],
)
def test_wrong_declarations_say_what_would_be_right(make: Callable[[], object], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make()
    assert words in str(caught.value)


def test_a_built_in_function_that_does_not_say_what_it_takes_is_trusted() -> None:
    assert tool_of(f, is_enabled=max).is_enabled is max


async def test_guardrails_are_kept_in_order() -> None:
    tool = function_tool(f, tool_input_guardrails=[check, check])
    assert list(tool.tool_input_guardrails) == [check, check]


def test_tools_are_compared_by_identity_and_can_be_dictionary_keys() -> None:
    first, second = function_tool(f), function_tool(f)
    assert first != second
    assert {first: 1, second: 2}[first] == 1
    made: Mapping[str, object] = first.params_json_schema
    assert made == second.params_json_schema
    assert repr(first).startswith("FunctionTool(name='f'")


async def test_a_sync_function_that_returns_an_awaitable_is_awaited() -> None:
    async def work() -> int:
        return 5

    @function_tool
    def f() -> Awaitable[int]:
        return work()

    assert await run(f, "") == 5

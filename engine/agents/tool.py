"""Functions that the model may call: `FunctionTool`, and the decorator that makes one of a plain function.

The module is not called after the decorator: a package cannot have a module and a name that are spelled the same.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast, get_args, overload

import attrs

from engine._messages import suggest, type_name
from engine.agents.callbacks import RunSync, call_either, decide
from engine.agents.checks import check_callable, check_flag, check_seconds, check_tool_name
from engine.agents.context import RunContext, ToolContext
from engine.agents.guardrail import ToolInputGuardrail, ToolOutputGuardrail
from engine.agents.schema import arguments as model_arguments
from engine.agents.schema.docstring import DocstringStyle, DocText, check_style
from engine.errors import SettingsError
from engine.wire.session import FunctionToolDefinition

if TYPE_CHECKING:
    from engine.agents.agent import RealtimeAgent
    from engine.agents.schema.signature import Signature

OnInterruption = Literal["finish", "cancel"]
# `Any`: a tool may be declared for one kind of context object and be listed by an agent for another,
# as long as the application sees to it that the objects fit.
IsEnabled = bool | Callable[[RunContext[Any], "RealtimeAgent[Any]"], bool | Awaitable[bool]]
NeedsApproval = bool | Callable[[RunContext[Any], dict[str, Any], str], bool | Awaitable[bool]]
OnInvoke = Callable[[ToolContext[Any], str], object]
FailureText = Callable[[RunContext[Any], Exception], str | Awaitable[str]]
NO_PARAMETERS: Mapping[str, object] = {"type": "object", "properties": {}}


@attrs.frozen(eq=False, kw_only=True)
class FunctionTool:
    """A function that the model may call.

    Usually made by `function_tool`. For tools that are known at run time only, give `name`, `description`,
    `params_json_schema` and `on_invoke_tool`, an async or sync function of the `ToolContext` and the arguments as JSON
    text; its arguments are then checked by nobody but itself.

    Raises:
        SettingsError: an argument is of the wrong type, or a name that a model's API would refuse.
    """

    name: str
    """1 to 64 letters, digits, underscores and hyphens."""
    description: str = ""
    params_json_schema: Mapping[str, object] = attrs.field(default=NO_PARAMETERS, repr=False)
    on_invoke_tool: OnInvoke | None = None
    signature: Signature | None = attrs.field(default=None, repr=False)
    """Of the function that `function_tool` made the tool of."""
    strict: bool = True
    """Unknown arguments are an error, and the schema requires every key; otherwise they are passed over."""
    on_interruption: OnInterruption = "finish"
    """What happens when the user interrupts while it runs: it finishes and its result is kept, or it is cancelled."""
    is_enabled: IsEnabled = True
    """Whether the model is told of it, decided each time the agent's settings are sent."""
    needs_approval: NeedsApproval = False
    """Whether the application has to approve a call first. A function is given the arguments as `parse` gives them."""
    timeout: float | None = None
    """Seconds after which a call is given up."""
    failure_error_function: FailureText | None = None
    """Makes the text that the model is given when the tool fails."""
    tool_input_guardrails: Sequence[ToolInputGuardrail] = attrs.field(default=(), repr=False)
    tool_output_guardrails: Sequence[ToolOutputGuardrail] = attrs.field(default=(), repr=False)

    def __attrs_post_init__(self) -> None:
        where = f"the tool {self.name!r}"
        check_tool_name(self.name, "name_override= or name=")
        if not isinstance(self.description, str):
            raise SettingsError(f"{where}: description: expected text, got {type_name(self.description)}")
        if not isinstance(self.params_json_schema, Mapping) or self.params_json_schema.get("type") != "object":
            raise SettingsError(f'{where}: params_json_schema: expected a JSON schema of type "object"')
        if (self.on_invoke_tool is None) == (self.signature is None):
            raise SettingsError(f"{where}: give on_invoke_tool, or make it with function_tool")
        if self.on_interruption not in get_args(OnInterruption):
            known = suggest(self.on_interruption, get_args(OnInterruption))
            raise SettingsError(f"{where}: on_interruption: {self.on_interruption!r} is not a policy{known}")
        if self.on_invoke_tool is not None:
            check_callable(self.on_invoke_tool, f"{where}: on_invoke_tool", ("ctx", "json_text"))
        if self.failure_error_function is not None:
            check_callable(self.failure_error_function, f"{where}: failure_error_function", ("ctx", "error"))
        check_flag(self.is_enabled, f"{where}: is_enabled", ("ctx", "agent"))
        check_flag(self.needs_approval, f"{where}: needs_approval", ("ctx", "args", "call_id"))
        check_seconds(self.timeout, f"{where}: timeout")
        _check_guardrails(self.tool_input_guardrails, ToolInputGuardrail, f"{where}: tool_input_guardrails")
        _check_guardrails(self.tool_output_guardrails, ToolOutputGuardrail, f"{where}: tool_output_guardrails")

    @property
    def function(self) -> Callable[..., object] | None:
        """The function as it was written, to call it directly, in tests for example."""
        return None if self.signature is None else self.signature.function

    def definition(self) -> FunctionToolDefinition:
        """What the model is told."""
        return FunctionToolDefinition(self.name, self.description, self.params_json_schema)

    def parse(self, arguments: str) -> Mapping[str, object]:
        """Check and convert the arguments that the model wrote.

        Numbers and booleans given as text are converted (`"5"` for an `int`), nothing else is guessed.

        Raises:
            BadArguments: they do not fit; the text tells the model where, what was expected and what was given.
        """
        values = model_arguments.read_object(arguments, self.name)
        if self.signature is None:
            return values
        record = self.signature.parameters
        return cast("dict[str, object]", model_arguments.convert(record, values, self.name, strict=self.strict))

    async def call(self, ctx: ToolContext[Any], args: Mapping[str, object], run_sync: RunSync) -> object:
        """Call the function with what `parse` returned, a sync one by `run_sync`. Raises what the function raises."""
        if self.on_invoke_tool is not None:
            return await call_either(self.on_invoke_tool, run_sync, ctx, ctx.arguments)
        assert self.signature is not None
        positional, named = self.signature.bind(ctx, args)
        return await call_either(self.signature.function, run_sync, *positional, **named)

    async def enabled(self, ctx: RunContext[Any], agent: RealtimeAgent[Any]) -> bool:
        """Whether the model may use it now."""
        return await decide(self.is_enabled, ctx, agent)


@overload
def function_tool(
    function: Callable[..., object],
    /,
    *,
    name_override: str | None = None,
    description_override: str | None = None,
    docstring_style: DocstringStyle | None = None,
    use_docstring_info: bool = True,
    strict_mode: bool = True,
    is_enabled: IsEnabled = True,
    needs_approval: NeedsApproval = False,
    timeout: float | None = None,
    failure_error_function: FailureText | None = None,
    tool_input_guardrails: Sequence[ToolInputGuardrail] = (),
    tool_output_guardrails: Sequence[ToolOutputGuardrail] = (),
    on_interruption: OnInterruption = "finish",
) -> FunctionTool: ...


@overload
def function_tool(
    *,
    name_override: str | None = None,
    description_override: str | None = None,
    docstring_style: DocstringStyle | None = None,
    use_docstring_info: bool = True,
    strict_mode: bool = True,
    is_enabled: IsEnabled = True,
    needs_approval: NeedsApproval = False,
    timeout: float | None = None,
    failure_error_function: FailureText | None = None,
    tool_input_guardrails: Sequence[ToolInputGuardrail] = (),
    tool_output_guardrails: Sequence[ToolOutputGuardrail] = (),
    on_interruption: OnInterruption = "finish",
) -> Callable[[Callable[..., object]], FunctionTool]: ...


def function_tool(
    function: Callable[..., object] | None = None,
    /,
    *,
    name_override: str | None = None,
    description_override: str | None = None,
    docstring_style: DocstringStyle | None = None,
    use_docstring_info: bool = True,
    strict_mode: bool = True,
    is_enabled: IsEnabled = True,
    needs_approval: NeedsApproval = False,
    timeout: float | None = None,
    failure_error_function: FailureText | None = None,
    tool_input_guardrails: Sequence[ToolInputGuardrail] = (),
    tool_output_guardrails: Sequence[ToolOutputGuardrail] = (),
    on_interruption: OnInterruption = "finish",
) -> FunctionTool | Callable[[Callable[..., object]], FunctionTool]:
    """Make a tool of a function: `@function_tool`, `@function_tool(...)` or `function_tool(f, ...)`.

    The function may be sync (it then runs in a thread) or async, and may take a context first, recognised by its
    annotation (`RunContext`, `ToolContext`). The other parameters are what the model fills in: their types, defaults,
    bounds and descriptions become the JSON schema, and arguments are checked and converted before it is called.

    Args:
        name_override: The name for the model, if not the function's own.
        description_override: The description, if not the docstring's.
        docstring_style: How the docstring describes parameters; found out if not given.
        use_docstring_info: Whether the docstring is used at all.
        strict_mode: See `FunctionTool.strict`.
        is_enabled: Whether the model is told of it: a bool, or a sync or async function of context and agent.
        needs_approval: Whether calls wait for the application: a bool, or a sync or async function of context,
            arguments and call id.
        timeout: Seconds after which a call is given up.
        failure_error_function: Makes the text for the model when a call fails, from context and exception.
        tool_input_guardrails: Run before the function, in order.
        tool_output_guardrails: Run on what it returned, in order.
        on_interruption: Whether a running call finishes or is cancelled when the user interrupts.

    Raises:
        SettingsError: a parameter has no type, or one that JSON cannot express; or an argument here is wrong.
    """
    check_style(docstring_style)
    make = partial(
        _make,
        name_override=name_override,
        description_override=description_override,
        docstring_style=docstring_style if use_docstring_info else None,
        use_docstring_info=use_docstring_info,
        strict=strict_mode,
        is_enabled=is_enabled,
        needs_approval=needs_approval,
        timeout=timeout,
        failure_error_function=failure_error_function,
        tool_input_guardrails=tool_input_guardrails,
        tool_output_guardrails=tool_output_guardrails,
        on_interruption=on_interruption,
    )
    return make if function is None else make(function)


def _make(
    function: Callable[..., object],
    *,
    name_override: str | None,
    description_override: str | None,
    docstring_style: DocstringStyle | None,
    use_docstring_info: bool,
    strict: bool,
    **rest: Any,
) -> FunctionTool:
    # imported here: a program that declares no tools does not need msgspec
    from engine.agents.schema.compiler import write_schema
    from engine.agents.schema.signature import function_docstring, read_signature

    name = _checked_name(function, name_override)
    text = function_docstring(function, docstring_style) if use_docstring_info else DocText()
    signature = read_signature(function, name, text.parameters, RunContext)
    return FunctionTool(
        name=name,
        description=text.description if description_override is None else description_override,
        params_json_schema=write_schema(signature.parameters, strict=strict),
        signature=signature,
        strict=strict,
        **rest,
    )


def _checked_name(function: object, name_override: str | None) -> str:
    if isinstance(function, FunctionTool):
        raise SettingsError(f"function_tool: {function.name!r} is a tool already")
    if not callable(function) or isinstance(function, type):
        raise SettingsError(f"function_tool: expected a function, got {type_name(function)}")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise SettingsError("function_tool: a generator gives many results; a tool returns one")
    name = name_override or getattr(function, "__name__", None)
    if name is None:
        raise SettingsError(f"function_tool: {type_name(function)} has no name of its own: give name_override=")
    check_tool_name(name, "name_override=")
    return cast("str", name)


def _check_guardrails(given: Sequence[object], kind: type, where: str) -> None:
    if not isinstance(given, list | tuple):
        raise SettingsError(f"{where}: expected a list, got {type_name(given)}")
    for guardrail in given:
        if not isinstance(guardrail, kind):
            raise SettingsError(f"{where}: expected {kind.__name__}, got {type_name(guardrail)}")

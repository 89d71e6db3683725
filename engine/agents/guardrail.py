"""Guardrails: checks on what the agent says, and on what goes into a tool and comes out of it.

A tripped guardrail never raises into the application: the session interrupts the response, or gives the model
another text, and says so by an event.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, overload

import attrs

from engine._messages import type_name
from engine.agents.callbacks import RunSync, call_either
from engine.agents.checks import check_callable, function_name
from engine.agents.context import RunContext, T, ToolContext
from engine.errors import SettingsError

if TYPE_CHECKING:
    from engine.agents.agent import RealtimeAgent
    from engine.agents.tool import FunctionTool


F = TypeVar("F")
G = TypeVar("G")
V = TypeVar("V")


@attrs.frozen
class GuardrailFunctionOutput:
    """The verdict on what an agent said."""

    output_info: object = None
    """Anything that explains it; it is repeated in the `guardrail_tripped` event."""
    tripwire_triggered: bool = False


@attrs.frozen
class ToolGuardrailFunctionOutput:
    """The verdict on a tool's input or output."""

    rejected: bool = False
    message: str = ""
    """What the model is told instead of the result, if it is rejected."""
    output_info: object = None

    @classmethod
    def allow(cls, output_info: object = None) -> ToolGuardrailFunctionOutput:
        """All is well."""
        return cls(output_info=output_info)

    @classmethod
    def reject_content(cls, message: str, output_info: object = None) -> ToolGuardrailFunctionOutput:
        """The function is not called, or its result not shown: the model is given the message instead."""
        if not isinstance(message, str) or not message:
            raise SettingsError(f"reject_content: expected a message for the model, got {message!r}")
        return cls(True, message, output_info)


@attrs.frozen(kw_only=True)
class ToolInputGuardrailData(Generic[T]):
    """A call that is about to be made."""

    context: ToolContext[T]
    """Has the name of the tool, and the arguments as the model wrote them."""
    agent: RealtimeAgent[T]
    tool: FunctionTool

    @property
    def args(self) -> Mapping[str, object]:
        """The arguments, checked and converted."""
        return self.tool.parse(self.context.arguments)


@attrs.frozen(kw_only=True)
class ToolOutputGuardrailData(ToolInputGuardrailData[T]):
    """A call that has been made, and what it returned."""

    output: str
    """The result as the model would read it."""


# `Any`: guardrails are shared between agents with different kinds of context object.
OutputCheck = Callable[
    [RunContext[Any], "RealtimeAgent[Any]", str], GuardrailFunctionOutput | Awaitable[GuardrailFunctionOutput]
]
ToolInputCheck = Callable[
    [ToolInputGuardrailData[Any]], ToolGuardrailFunctionOutput | Awaitable[ToolGuardrailFunctionOutput]
]
ToolOutputCheck = Callable[
    [ToolOutputGuardrailData[Any]], ToolGuardrailFunctionOutput | Awaitable[ToolGuardrailFunctionOutput]
]


@attrs.frozen(eq=False)
class Guardrail(Generic[F]):
    """A sync or async function that checks something, and its name in messages and events."""

    kind: ClassVar[str]
    parameters: ClassVar[tuple[str, ...]]
    """Names of the arguments that the function is given."""
    guardrail_function: F
    name: str = attrs.field()

    @name.default
    def _own_name(self) -> str:
        return function_name(self.guardrail_function)

    def __attrs_post_init__(self) -> None:
        check_callable(self.guardrail_function, f"the {self.kind} {self.name!r}", self.parameters)


@attrs.frozen(eq=False)
class OutputGuardrail(Guardrail[OutputCheck]):
    """A check of the text of a response, run while it grows and once more at its end.

    The text is all of the response so far, so a check that is run again sees what it has seen before.
    """

    kind = "output guardrail"
    parameters = ("ctx", "agent", "text")

    async def run(
        self, ctx: RunContext[Any], agent: RealtimeAgent[Any], text: str, run_sync: RunSync
    ) -> GuardrailFunctionOutput:
        """The verdict on a text. Raises what the function raises, and `SettingsError` if it gives no verdict."""
        verdict = await call_either(self.guardrail_function, run_sync, ctx, agent, text)
        return _verdict(verdict, GuardrailFunctionOutput, self.name)


@attrs.frozen(eq=False)
class ToolInputGuardrail(Guardrail[ToolInputCheck]):
    """A check of a tool's arguments, before the function is called."""

    kind = "tool input guardrail"
    parameters = ("data",)

    async def run(
        self, ctx: ToolContext[Any], agent: RealtimeAgent[Any], tool: FunctionTool, run_sync: RunSync
    ) -> ToolGuardrailFunctionOutput:
        """The verdict on a call. Raises what the function raises, and `SettingsError` if it gives no verdict."""
        data = ToolInputGuardrailData(context=ctx, agent=agent, tool=tool)
        verdict = await call_either(self.guardrail_function, run_sync, data)
        return _verdict(verdict, ToolGuardrailFunctionOutput, self.name)


@attrs.frozen(eq=False)
class ToolOutputGuardrail(Guardrail[ToolOutputCheck]):
    """A check of what a tool returned, before the model sees it."""

    kind = "tool output guardrail"
    parameters = ("data",)

    async def run(
        self, ctx: ToolContext[Any], agent: RealtimeAgent[Any], tool: FunctionTool, output: str, run_sync: RunSync
    ) -> ToolGuardrailFunctionOutput:
        """The verdict on a result. Raises what the function raises, and `SettingsError` if it gives no verdict."""
        data = ToolOutputGuardrailData(context=ctx, agent=agent, tool=tool, output=output)
        verdict = await call_either(self.guardrail_function, run_sync, data)
        return _verdict(verdict, ToolGuardrailFunctionOutput, self.name)


@overload
def output_guardrail(function: OutputCheck, /, *, name: str | None = None) -> OutputGuardrail: ...
@overload
def output_guardrail(*, name: str | None = None) -> Callable[[OutputCheck], OutputGuardrail]: ...
def output_guardrail(
    function: OutputCheck | None = None, /, *, name: str | None = None
) -> OutputGuardrail | Callable[[OutputCheck], OutputGuardrail]:
    """Make a guardrail of a sync or async function of context, agent and text. `name` is the function's otherwise."""
    return _decorate(OutputGuardrail, function, name)


@overload
def tool_input_guardrail(function: ToolInputCheck, /, *, name: str | None = None) -> ToolInputGuardrail: ...
@overload
def tool_input_guardrail(*, name: str | None = None) -> Callable[[ToolInputCheck], ToolInputGuardrail]: ...
def tool_input_guardrail(
    function: ToolInputCheck | None = None, /, *, name: str | None = None
) -> ToolInputGuardrail | Callable[[ToolInputCheck], ToolInputGuardrail]:
    """Make a guardrail of a sync or async function of `ToolInputGuardrailData`."""
    return _decorate(ToolInputGuardrail, function, name)


@overload
def tool_output_guardrail(function: ToolOutputCheck, /, *, name: str | None = None) -> ToolOutputGuardrail: ...
@overload
def tool_output_guardrail(*, name: str | None = None) -> Callable[[ToolOutputCheck], ToolOutputGuardrail]: ...
def tool_output_guardrail(
    function: ToolOutputCheck | None = None, /, *, name: str | None = None
) -> ToolOutputGuardrail | Callable[[ToolOutputCheck], ToolOutputGuardrail]:
    """Make a guardrail of a sync or async function of `ToolOutputGuardrailData`."""
    return _decorate(ToolOutputGuardrail, function, name)


def _decorate(kind: Callable[..., G], function: F | None, name: str | None) -> G | Callable[[F], G]:
    def make(function: F) -> G:
        return kind(function) if name is None else kind(function, name)

    return make if function is None else make(function)


def _verdict(given: object, kind: type[V], name: str) -> V:
    if not isinstance(given, kind):
        raise SettingsError(f"the guardrail {name!r} has to return {kind.__name__}, not {type_name(given)}")
    return given

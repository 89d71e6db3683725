"""A function as a tool: which of its parameters the model fills in, and how it is called then."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping
from typing import Any, get_origin

import attrs

from engine.agents.schema import docstring
from engine.agents.schema.compiler import parameters_record
from engine.agents.schema.hints import peel, resolve_hints
from engine.agents.schema.records import NO_DEFAULT, RawField, Record
from engine.errors import SettingsError

_STARS: dict[object, str] = {
    inspect.Parameter.VAR_POSITIONAL: "*",
    inspect.Parameter.VAR_KEYWORD: "**",
}


@attrs.frozen(eq=False)
class Signature:
    """A function, and the parameters that a model gives."""

    function: Callable[..., object]
    parameters: Record
    context_name: str | None
    """The parameter that takes the context, if there is one."""
    _all: tuple[inspect.Parameter, ...]

    def bind(self, ctx: object, args: Mapping[str, object]) -> tuple[list[object], dict[str, object]]:
        """The positional and the named arguments of the call."""
        positional: list[object] = []
        named: dict[str, object] = {}
        for parameter in self._all:
            name = parameter.name
            if name == self.context_name:
                value: object = ctx
            elif name in args:
                value = args[name]
            elif parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
                value = parameter.default  # a later one may be given, and then this place has to be filled
            else:
                continue
            if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
                positional.append(value)
            else:
                named[name] = value
        return positional, named


def read_signature(
    function: Callable[..., object], name: str, texts: Mapping[str, str], context_class: type
) -> Signature:
    """Read a function's parameters. Raises `SettingsError` for those that a model could not fill in.

    A first parameter annotated as `context_class` or a subclass takes the context and is not shown to the model.
    Every other one needs a type. Positional-only and keyword-only ones are fine: a model names its arguments
    anyway. `*args` and `**kwargs` are refused, since the schema could not say what they are: take a list, or a
    dict.
    """
    owner = f"`{name}`"
    try:
        parameters = tuple(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{owner}: its parameters cannot be read: {error}") from None
    hints = _parameter_hints(function, owner)
    context_name: str | None = None
    fields: list[tuple[RawField, str]] = []
    for index, parameter in enumerate(parameters):
        hint = hints.get(parameter.name)
        if _is_context(hint, context_class):
            if index:
                raise SettingsError(f"parameter `{parameter.name}` of {owner}: the context must be the first parameter")
            context_name = parameter.name
            continue
        _check_kind(parameter, owner)
        if hint is None and index == 0:
            _explain_missing_type(parameter.name, owner)
        required = parameter.default is inspect.Parameter.empty
        default = NO_DEFAULT if required else parameter.default
        fields.append((RawField(parameter.name, hint, required, default), texts.get(parameter.name, "")))
    return Signature(function, parameters_record(name, fields, owner), context_name, parameters)


def function_docstring(function: Callable[..., object], style: docstring.DocstringStyle | None) -> docstring.DocText:
    """Read the docstring of a function: of a partial, that of the function it calls."""
    return docstring.read(getattr(_plain_function(function), "__doc__", None), style)


def _plain_function(function: Any) -> Any:
    """The function that has the annotations: behind partials, or the `__call__` of an object."""
    while hasattr(function, "func") and hasattr(function, "keywords"):
        function = function.func
    if inspect.isroutine(function):
        return function
    return type(function).__call__


def _parameter_hints(function: Callable[..., object], owner: str) -> dict[str, Any]:
    """The annotations of the parameters. What a function returns may be annotated with anything: it is left alone."""
    plain = inspect.unwrap(_plain_function(function))
    annotations = {name: hint for name, hint in getattr(plain, "__annotations__", {}).items() if name != "return"}
    carrier = types.SimpleNamespace(__annotations__=annotations)
    return resolve_hints(carrier, owner, getattr(plain, "__globals__", {}))


def _is_context(hint: object, context_class: type) -> bool:
    hint = peel(hint)[0]
    plain = get_origin(hint) or hint
    return isinstance(plain, type) and issubclass(plain, context_class)


def _check_kind(parameter: inspect.Parameter, owner: str) -> None:
    if stars := _STARS.get(parameter.kind):
        instead = "a list" if stars == "*" else "a dict, or a class with fields,"
        raise SettingsError(
            f"parameter `{stars}{parameter.name}` of {owner}: a model cannot be told of it; take {instead} instead"
        )


def _explain_missing_type(name: str, owner: str) -> None:
    if name == "self":
        raise SettingsError(f"{owner} is not bound to an object: make the tool of a bound method, x.{owner.strip('`')}")
    if name in ("ctx", "context", "run_context", "tool_context", "wrapper"):
        raise SettingsError(
            f"parameter `{name}` of {owner} has no type: write `{name}: ToolContext` if it takes the context"
        )

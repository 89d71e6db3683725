"""What tools, guardrails, handoff callbacks, hooks and instructions are told about the conversation they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic

import attrs

from engine.wire.response import Usage

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from engine.agents.agent import RealtimeAgent

    T = TypeVar("T", default=Any)
    """The application's own context object. Without one, a type checker takes `Any`."""
else:
    from typing import TypeVar

    T = TypeVar("T")


@attrs.frozen(kw_only=True)
class RunContext(Generic[T]):
    """The conversation as an application's function sees it."""

    context: T
    """The object that the application gave to `runner.run(context=...)`: the same one for the whole session."""
    agent: RealtimeAgent[T]
    """The agent on whose behalf the function is called."""
    usage: Usage = attrs.field(factory=Usage)
    """Tokens used by the session so far."""


@attrs.frozen(kw_only=True)
class ToolContext(RunContext[T]):
    """A `RunContext` with the tool call that is being answered."""

    tool_name: str
    call_id: str
    arguments: str
    """The arguments as the model wrote them: JSON text, unchecked."""

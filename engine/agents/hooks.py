"""Lifecycle hooks: methods that are called as an agent's part in the conversation begins, acts and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from engine.agents.context import RunContext, T

if TYPE_CHECKING:
    from engine.agents.agent import RealtimeAgent
    from engine.agents.tool import FunctionTool


class RealtimeAgentHooks(Generic[T]):
    """Derive from it and write the methods you need; here they do nothing.

    They run beside the conversation, one after the other, and do not hold it up: no response and no tool waits for one.
    One that raises gives an `error` event.
    """

    async def on_start(self, ctx: RunContext[T], agent: RealtimeAgent[T]) -> None:
        """The agent begins a response."""

    async def on_end(self, ctx: RunContext[T], agent: RealtimeAgent[T], output: str) -> None:
        """The agent's response has ended. `output` is its text: the transcript of what it said."""

    async def on_handoff(self, ctx: RunContext[T], agent: RealtimeAgent[T], source: RealtimeAgent[T]) -> None:
        """The agent was handed the conversation by `source`."""

    async def on_tool_start(self, ctx: RunContext[T], agent: RealtimeAgent[T], tool: FunctionTool) -> None:
        """The agent's tool has been called. `ctx` is a `ToolContext`."""

    async def on_tool_end(
        self, ctx: RunContext[T], agent: RealtimeAgent[T], tool: FunctionTool, result: object
    ) -> None:
        """The agent's tool has returned. `ctx` is a `ToolContext`, `result` the text that the model is given."""

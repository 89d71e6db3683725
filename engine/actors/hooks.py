"""The hook runner, a part of the tool executor.

owns    the agents' hooks, which run one after another and hold up nobody
reads   `hooks`
writes  what fails to `inbox`
ends    with the session
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import trio

from engine.actors.isolation import callback_failed, interruptible, isolate_errors
from engine.agents.agent import RealtimeAgent
from engine.agents.callbacks import await_if_needed
from engine.agents.context import RunContext, ToolContext
from engine.agents.hooks import RealtimeAgentHooks
from engine.agents.tool import FunctionTool
from engine.core.agent_spec import AgentSpec
from engine.core.effects import HookEnd, HookHandoff, HookStart
from engine.core.inputs import CallbackFailed, Input
from engine.errors import EngineError
from engine.mailboxes import Inbox, Mailbox
from engine.wire.response import Usage


@attrs.frozen
class HookToolStart:
    """A tool of the agent's begins to run."""

    agent: AgentSpec
    context: ToolContext[Any]
    tool: FunctionTool


@attrs.frozen
class HookToolEnd:
    """A tool of the agent's has returned."""

    agent: AgentSpec
    context: ToolContext[Any]
    tool: FunctionTool
    output: str


Hook = HookStart | HookEnd | HookHandoff | HookToolStart | HookToolEnd


def hooks_of(spec: AgentSpec) -> RealtimeAgentHooks[Any] | None:
    """Return the hooks that an agent declares."""
    return spec.agent.hooks if isinstance(spec.agent, RealtimeAgent) else None


async def _called(hook: Callable[..., object], *about: object) -> None:
    await await_if_needed(hook(*about))


@attrs.define
class HookRunner:
    """Runs the hooks of all agents in the order in which they are queued."""

    hooks: Mailbox[Hook]
    inbox: Inbox[Input]
    context: object
    usage: Callable[[], Usage]

    async def queue(self, hook: Hook) -> None:
        """Have a hook run behind those that wait; leave it out, with an `error` event, if too many do."""
        if hooks_of(hook.agent) is None:
            return
        try:
            self.hooks.put_nowait([hook])
        except trio.WouldBlock:
            left_out = EngineError(f"{self.hooks.capacity} hooks wait for a slow one; another was left out")
            await self.inbox.report(CallbackFailed(left_out))

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Run hooks until cancelled."""
        while True:
            for hook in await self.hooks.take():
                await self._run(hook)

    async def _run(self, hook: Hook) -> None:
        own, agent = hooks_of(hook.agent), hook.agent.agent
        if own is None or not isinstance(agent, RealtimeAgent):
            return
        context = RunContext(context=self.context, agent=agent, usage=self.usage())
        match hook:
            case HookStart():
                await self._call(own.on_start, context, agent)
            case HookEnd():
                await self._call(own.on_end, context, agent, hook.output)
            case HookHandoff():
                await self._call(own.on_handoff, context, agent, hook.source.agent)
            case HookToolStart():
                await self._call(own.on_tool_start, hook.context, agent, hook.tool)
            case HookToolEnd():
                await self._call(own.on_tool_end, hook.context, agent, hook.tool, hook.output)

    async def _call(self, hook: Callable[..., object], *about: object) -> None:
        try:
            with isolate_errors():
                await interruptible(partial(_called, hook, *about))
        except Exception as error:  # the application's own code must not end the session
            await self.inbox.report(callback_failed("a hook failed", error))

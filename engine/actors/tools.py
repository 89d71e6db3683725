"""The tool executor.

owns    running tool calls, one cancel scope each; calls that wait for approval
reads   `tools`
writes  what becomes of each call to `inbox`; hooks that are to run to `hooks`
ends    with the session: async tools are cancelled, threads are left to finish by themselves
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import attrs
import trio

from engine._messages import error_name, error_text, wire_text
from engine.actors.hooks import HookRunner, HookToolEnd, HookToolStart
from engine.actors.isolation import callback_failed, interruptible, isolate_errors
from engine.agents.agent import Handoff, RealtimeAgent
from engine.agents.callbacks import RunSync, call_either
from engine.agents.context import ToolContext
from engine.agents.tool import FunctionTool
from engine.agents.tool_output import render
from engine.core.agent_spec import AgentSpec
from engine.core.effects import (
    AnswerApproval,
    CancelCall,
    StartCall,
    ToolWork,
)
from engine.core.inputs import ApprovalNeeded, Input, ToolDone, ToolRunning
from engine.errors import BadArguments, ToolFailed, ToolTimeout, UnserialisableResult
from engine.mailboxes import Inbox, Mailbox
from engine.wire.response import Usage

NOT_APPROVED = "The user did not approve this call."


@attrs.define
class ToolExecutor:
    """Runs what the model calls, and nothing twice."""

    work: Mailbox[ToolWork]
    inbox: Inbox[Input]
    context: object
    usage: Callable[[], Usage]
    resolve: Callable[[RealtimeAgent[Any]], Awaitable[AgentSpec]]
    """Makes an agent ready for the session: evaluates its instructions and what is enabled."""
    format_error: Callable[..., object] | None
    run_sync: RunSync
    hooks: HookRunner
    _scopes: dict[str, trio.CancelScope] = attrs.field(factory=dict, init=False)
    _answers: dict[str, trio.MemorySendChannel[AnswerApproval]] = attrs.field(factory=dict, init=False)

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Execute until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.hooks.run)
            while True:
                for work in await self.work.take():
                    match work:
                        case StartCall():
                            scope = self._scopes[work.call_id] = trio.CancelScope()
                            nursery.start_soon(self._call, work, scope, name=f"tool {work.name}")
                        case CancelCall():
                            if found := self._scopes.get(work.call_id):
                                found.cancel()
                        case AnswerApproval():
                            if waiting := self._answers.get(work.call_id):
                                waiting.send_nowait(work)
                        case _:
                            await self.hooks.queue(work)

    # --- calls

    @trio.lowlevel.enable_ki_protection
    async def _call(self, work: StartCall, scope: trio.CancelScope) -> None:
        try:
            with scope:
                await self.inbox.report(await self._outcome(work))
        finally:
            del self._scopes[work.call_id]

    async def _outcome(self, work: StartCall) -> ToolDone:
        declared = work.tool.declared if work.tool else None
        context = self._tool_context(work)
        try:
            with isolate_errors():
                if isinstance(declared, Handoff):
                    return await interruptible(partial(self._hand_off, work, declared, context))
                if isinstance(declared, FunctionTool):
                    return await interruptible(partial(self._run_function, work, declared, context))
        except BadArguments as error:
            return ToolDone(work.call_id, "error", str(error))
        except ToolTimeout as error:
            return ToolDone(work.call_id, "timeout", str(error), error=error)
        except UnserialisableResult as error:
            return ToolDone(work.call_id, "error", str(error), error=error)
        except Exception as error:  # the application's own code must not end the session
            return await self._failed(work, declared, context, error)
        known = ", ".join(sorted(work.agent.tools)) or "none"
        return ToolDone(work.call_id, "error", f"There is no tool named {work.name!r}. The tools are: {known}.")

    async def _run_function(self, work: StartCall, tool: FunctionTool, context: ToolContext[Any]) -> ToolDone:
        arguments = tool.parse(work.arguments)
        rejection = await self._rejection(work, tool, context, arguments)
        if rejection is not None:
            return ToolDone(work.call_id, "rejected", rejection)
        await self.inbox.report(ToolRunning(work.call_id))
        await self.hooks.queue(HookToolStart(work.agent, context, tool))
        with trio.CancelScope() as limit:
            if tool.timeout is not None:
                limit.deadline = trio.current_time() + tool.timeout
            output = render(await tool.call(context, arguments, self.run_sync), tool.name)
        if limit.cancelled_caught:
            raise ToolTimeout(f"{tool.name} took longer than {tool.timeout:g} seconds and was stopped.")
        for guardrail in tool.tool_output_guardrails:
            said = await guardrail.run(context, context.agent, tool, output, self.run_sync)
            if said.rejected:
                output = wire_text(said.message)
        await self.hooks.queue(HookToolEnd(work.agent, context, tool, output))
        return ToolDone(work.call_id, "result", output)

    async def _rejection(
        self, work: StartCall, tool: FunctionTool, context: ToolContext[Any], arguments: Mapping[str, object]
    ) -> str | None:
        """Why the call must not run, in words for the model; None if it may."""
        needed: object = tool.needs_approval
        if callable(needed):
            needed = await call_either(needed, self.run_sync, context, dict(arguments), work.call_id)
        if needed:
            answer = await self._ask(work.call_id)
            if not answer.approved:
                return wire_text(answer.message or NOT_APPROVED)
        for guardrail in tool.tool_input_guardrails:
            said = await guardrail.run(context, context.agent, tool, self.run_sync)
            if said.rejected:
                return wire_text(said.message)
        return None

    async def _ask(self, call_id: str) -> AnswerApproval:
        send, receive = trio.open_memory_channel[AnswerApproval](1)
        self._answers[call_id] = send
        try:
            await self.inbox.report(ApprovalNeeded(call_id))
            return await receive.receive()
        finally:
            del self._answers[call_id]

    async def _hand_off(self, work: StartCall, handoff: Handoff[Any], context: ToolContext[Any]) -> ToolDone:
        arguments = handoff.parse(work.arguments)
        await self.inbox.report(ToolRunning(work.call_id))
        agent = await handoff.invoke(context, arguments, self.run_sync)
        spec = await self.resolve(agent)
        return ToolDone(work.call_id, "result", render({"assistant": agent.name}), next_agent=spec)

    async def _failed(self, work: StartCall, declared: object, context: ToolContext[Any], error: Exception) -> ToolDone:
        failure = ToolFailed(f"{work.name} failed: {error_name(error)}")
        failure.__cause__ = error
        words = f"An error occurred while running {work.name}: {error_text(error)}"
        own = declared.failure_error_function if isinstance(declared, FunctionTool) else None
        if (formatter := own or self.format_error) is not None:
            try:
                with isolate_errors():
                    words = await interruptible(partial(self._formatted, formatter, context, error))
            except Exception as second:  # a formatter is the application's own code, too
                await self.inbox.report(callback_failed(f"the error formatter of {work.name} failed", second))
        return ToolDone(work.call_id, "error", wire_text(words), error=failure)

    async def _formatted(self, formatter: Callable[..., object], context: ToolContext[Any], error: Exception) -> str:
        return str(await call_either(formatter, self.run_sync, context, error))

    def _tool_context(self, work: StartCall) -> ToolContext[Any]:
        agent = work.agent.agent
        assert isinstance(agent, RealtimeAgent)
        return ToolContext(
            context=self.context,
            agent=agent,
            usage=self.usage(),
            tool_name=work.name,
            call_id=work.call_id,
            arguments=work.arguments,
        )

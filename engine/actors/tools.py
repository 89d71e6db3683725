"""The tool executor.

owns    running tool calls, one cancel scope each; calls that wait for approval; the agents' hooks, in order
reads   `tools`
writes  what becomes of each call to `inbox`
ends    with the session: async tools are cancelled, threads are left to finish by themselves
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs
import trio

from engine.actors.isolation import contained
from engine.agents.agent import RealtimeAgent
from engine.agents.callbacks import RunSync, call_either, settle
from engine.agents.context import RunContext, ToolContext
from engine.agents.handoff import Handoff
from engine.agents.hooks import RealtimeAgentHooks
from engine.agents.results import render
from engine.agents.tool import FunctionTool
from engine.agents.wording import error_name, error_text, wire_text
from engine.core.agent_spec import AgentSpec
from engine.core.effects import (
    AnswerApproval,
    CancelCall,
    HookEnd,
    HookHandoff,
    HookStart,
    StartCall,
    ToolWork,
)
from engine.core.inputs import ApprovalNeeded, Fault, Input, Report, ToolDone, ToolRunning
from engine.errors import BadArguments, EngineError, SessionClosed, ToolFailed, ToolTimeout, UnserialisableResult
from engine.mailboxes import Mailbox
from engine.wire.response import Usage

WAITING_HOOKS = 256
NOT_APPROVED = "The user did not approve this call."


@attrs.frozen
class _HookToolStart:
    agent: AgentSpec
    context: ToolContext[Any]
    tool: FunctionTool


@attrs.frozen
class _HookToolEnd:
    agent: AgentSpec
    context: ToolContext[Any]
    tool: FunctionTool
    output: str


Hook = HookStart | HookEnd | HookHandoff | _HookToolStart | _HookToolEnd


def hooks_of(spec: AgentSpec) -> RealtimeAgentHooks[Any] | None:
    """What the agent wants to be told."""
    return spec.agent.hooks if isinstance(spec.agent, RealtimeAgent) else None


@attrs.define
class ToolExecutor:
    """Runs what the model calls, and nothing twice."""

    work: Mailbox[ToolWork]
    inbox: Mailbox[Input]
    context: object
    usage: Callable[[], Usage]
    resolve: Callable[[RealtimeAgent[Any]], Awaitable[AgentSpec]]
    """Makes an agent ready for the session: evaluates its instructions and what is enabled."""
    format_error: Callable[..., object] | None
    run_sync: RunSync
    _scopes: dict[str, trio.CancelScope] = attrs.field(factory=dict, init=False)
    _answers: dict[str, trio.MemorySendChannel[AnswerApproval]] = attrs.field(factory=dict, init=False)
    _hook_queue: Mailbox[Hook] = attrs.field(factory=lambda: Mailbox("hooks", WAITING_HOOKS), init=False)

    async def run(self) -> None:
        """Execute until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._run_hooks)
            while True:
                for work in await self.work.take():
                    match work:
                        case StartCall():
                            scope = self._scopes[work.call_id] = trio.CancelScope()
                            nursery.start_soon(self._call, work, scope)
                        case CancelCall():
                            if found := self._scopes.get(work.call_id):
                                found.cancel()
                        case AnswerApproval():
                            if waiting := self._answers.get(work.call_id):
                                waiting.send_nowait(work)
                        case _:
                            await self._queue_hook(work)

    # --- calls

    async def _call(self, work: StartCall, scope: trio.CancelScope) -> None:
        try:
            with scope:
                await self._report(await self._outcome(work))
        finally:
            del self._scopes[work.call_id]

    async def _outcome(self, work: StartCall) -> ToolDone:
        declared = work.tool.declared if work.tool else None
        context = self._tool_context(work)
        try:
            with contained():
                if isinstance(declared, Handoff):
                    return await self._hand_off(work, declared, context)
                if isinstance(declared, FunctionTool):
                    return await self._run_function(work, declared, context)
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
        await self._report(ToolRunning(work.call_id))
        await self._queue_hook(_HookToolStart(work.agent, context, tool))
        with trio.CancelScope() as patience:
            if tool.timeout is not None:
                patience.deadline = trio.current_time() + tool.timeout
            output = render(await tool.call(context, arguments, self.run_sync), tool.name)
        if patience.cancelled_caught:
            raise ToolTimeout(f"{tool.name} took longer than {tool.timeout:g} seconds and was stopped.")
        for guardrail in tool.tool_output_guardrails:
            said = await guardrail.run(context, context.agent, tool, output, self.run_sync)
            if said.rejected:
                output = wire_text(said.message)
        await self._queue_hook(_HookToolEnd(work.agent, context, tool, output))
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
            await self._report(ApprovalNeeded(call_id))
            return await receive.receive()
        finally:
            del self._answers[call_id]

    async def _hand_off(self, work: StartCall, handoff: Handoff[Any], context: ToolContext[Any]) -> ToolDone:
        arguments = handoff.parse(work.arguments)
        await self._report(ToolRunning(work.call_id))
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
                with contained():
                    words = str(await call_either(formatter, self.run_sync, context, error))
            except Exception as second:  # a formatter is the application's own code, too
                fault = EngineError(f"the error formatter of {work.name} failed: {error_name(second)}")
                fault.__cause__ = second
                await self._report(Fault(fault))
        return ToolDone(work.call_id, "error", wire_text(words), error=failure)

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

    # --- hooks

    async def _queue_hook(self, hook: Hook) -> None:
        if hooks_of(hook.agent) is None:
            return
        try:
            self._hook_queue.put_nowait([hook])
        except trio.WouldBlock:
            await self._report(Fault(EngineError(f"{WAITING_HOOKS} hooks wait for a slow one; another was left out")))

    async def _run_hooks(self) -> None:
        while True:
            for hook in await self._hook_queue.take():
                await self._run_hook(hook)

    async def _run_hook(self, hook: Hook) -> None:
        own, agent = hooks_of(hook.agent), hook.agent.agent
        if own is None or not isinstance(agent, RealtimeAgent):
            return
        context = RunContext(context=self.context, agent=agent, usage=self.usage())
        match hook:
            case HookStart():
                await self._guarded(own.on_start, context, agent)
            case HookEnd():
                await self._guarded(own.on_end, context, agent, hook.output)
            case HookHandoff():
                await self._guarded(own.on_handoff, context, agent, hook.source.agent)
            case _HookToolStart():
                await self._guarded(own.on_tool_start, hook.context, agent, hook.tool)
            case _HookToolEnd():
                await self._guarded(own.on_tool_end, hook.context, agent, hook.tool, hook.output)

    async def _guarded(self, hook: Callable[..., object], *about: object) -> None:
        try:
            with contained():
                await settle(hook(*about))
        except Exception as error:  # the application's own code must not end the session
            fault = EngineError(f"a hook failed: {error_name(error)}")
            fault.__cause__ = error
            await self._report(Fault(fault))

    async def _report(self, report: Report) -> None:
        try:
            await self.inbox.put([report])
        except SessionClosed:
            return

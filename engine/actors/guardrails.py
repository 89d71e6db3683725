"""The guardrail debouncer.

    owns    the text of each response that waits to be checked, and one cancel scope for each check that runs
    reads   `checks`
    writes  verdicts to `inbox`
    ends    with the session

The stream never waits for a check. While one runs, newer text of its response replaces older text that waits; the
last text of a response cancels a check that is still busy with less. An interrupted response is not checked further.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import attrs
import trio

from engine.actors.isolation import callback_failed, interruptible, isolate_errors
from engine.agents.agent import RealtimeAgent
from engine.agents.callbacks import RunSync
from engine.agents.context import RunContext
from engine.agents.guardrail import OutputGuardrail
from engine.core.agent_spec import AgentSpec
from engine.core.effects import CheckText, CheckWork
from engine.core.inputs import GuardrailVerdict, Input
from engine.events import GuardrailResult
from engine.mailboxes import Inbox, Mailbox


@attrs.define
class _Pending:
    scope: trio.CancelScope
    latest: CheckText | None


def guardrails_of(spec: AgentSpec, of_the_run: Sequence[OutputGuardrail]) -> list[OutputGuardrail]:
    """The guardrails that an agent's words have to pass."""
    own = spec.agent.output_guardrails if isinstance(spec.agent, RealtimeAgent) else ()
    return [*own, *of_the_run]


@attrs.define
class GuardrailDebouncer:
    """Runs the output guardrails of the agent that speaks, and those of the whole run."""

    checks: Mailbox[CheckWork]
    inbox: Inbox[Input]
    guardrails: Sequence[OutputGuardrail]
    context: object
    run_sync: RunSync
    _pending: dict[str, _Pending] = attrs.field(factory=dict, init=False)

    @trio.lowlevel.enable_ki_protection
    async def run(self) -> None:
        """Check until cancelled."""
        async with trio.open_nursery() as nursery:
            while True:
                for work in await self.checks.take():
                    if isinstance(work, CheckText):
                        self._take(work, nursery)
                    elif pending := self._pending.pop(work.response_id, None):
                        pending.scope.cancel()

    def _take(self, check: CheckText, nursery: trio.Nursery) -> None:
        pending = self._pending.get(check.response_id)
        if pending is not None and not check.final:
            pending.latest = check
            return
        if pending is not None:
            pending.scope.cancel()
        pending = self._pending[check.response_id] = _Pending(trio.CancelScope(), check)
        nursery.start_soon(self._check, check.response_id, pending, name=f"guardrails of {check.response_id}")

    @trio.lowlevel.enable_ki_protection
    async def _check(self, response_id: str, pending: _Pending) -> None:
        with pending.scope:
            while (check := pending.latest) is not None:
                pending.latest = None
                tripped = await self._tripped(check)
                await self.inbox.report(GuardrailVerdict(response_id, check.text, tripped))
                if tripped:
                    break
        if self._pending.get(response_id) is pending:
            del self._pending[response_id]

    async def _tripped(self, check: CheckText) -> tuple[GuardrailResult, ...]:
        agent = check.agent.agent
        assert isinstance(agent, RealtimeAgent)
        context = RunContext(context=self.context, agent=agent)
        tripped = []
        for guardrail in guardrails_of(check.agent, self.guardrails):
            try:
                with isolate_errors():
                    said = await interruptible(partial(guardrail.run, context, agent, check.text, self.run_sync))
            except Exception as error:  # the application's own code must not end the session
                passed_over = f"guardrail {guardrail.name!r} failed and was passed over"
                await self.inbox.report(callback_failed(passed_over, error))
                continue
            if said.tripwire_triggered:
                tripped.append(GuardrailResult(guardrail=guardrail, name=guardrail.name, output_info=said.output_info))
        return tuple(tripped)

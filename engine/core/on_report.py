"""What the tool executor and the guardrail debouncer have to say."""

from __future__ import annotations

from engine.core.effects import AnswerApproval, CancelCall
from engine.core.inputs import ApprovalNeeded, Fault, ToolDone, ToolRunning, Verdict
from engine.core.interruption import finish_call, stop_response, stop_speaking
from engine.core.on_command import change_agent
from engine.core.state import State
from engine.events import GuardrailTripped, ToolApprovalRequired, ToolStart
from engine.wire.client_events import ConversationItemCreate
from engine.wire.items import InputText, Message

MOST_TRIPS_IN_A_ROW = 3
"""How often the model is asked to try again before the conversation waits for the user."""

SECOND_HANDOFF = "The conversation has already been handed over by another call of the same reply."


def approval_needed(s: State, report: ApprovalNeeded) -> None:
    """A call may not run unasked."""
    if (call := s.tool_calls.approval_needed(report.call_id)) is None:
        s.effects.tools.append(CancelCall(report.call_id))
        return
    if (answer := s.tool_calls.standing_answer(call.name)) is not None:
        approved, message = answer
        s.tool_calls.decide(call.call_id, approved=approved, always=False, message=message)
        s.effects.tools.append(AnswerApproval(call.call_id, approved, message))
        return
    s.emit(
        ToolApprovalRequired, agent=call.agent.agent, tool=call.declared, name=call.name,
        call_id=call.call_id, arguments=call.arguments,
    )  # fmt: skip


def tool_running(s: State, report: ToolRunning) -> None:
    """A function begins to run."""
    call = s.tool_calls.get(report.call_id)
    if call is not None and not call.announced:
        call.announced = True
        s.emit(
            ToolStart, agent=call.agent.agent, tool=call.declared, name=call.name,
            call_id=call.call_id, arguments=call.arguments,
        )  # fmt: skip


def tool_done(s: State, report: ToolDone) -> None:
    """A call has its output. A handoff changes the settings first, so that the next response is the new agent's."""
    if (call := s.tool_calls.get(report.call_id)) is None:
        return
    outcome, output = report.outcome, report.output
    if report.next_agent is not None:
        if s.tool_calls.claim_handoff(call.response_id):
            change_agent(s, report.next_agent)
        else:
            outcome, output = "rejected", SECOND_HANDOFF
    if report.error is not None:
        s.error(report.error)
    finish_call(s, report.call_id, outcome, output)


def verdict(s: State, report: Verdict) -> None:
    """The guardrails have read a response."""
    response = s.responses.get(report.response_id)
    if response is None or response.tripped or response.interrupted or not report.tripped:
        return
    response.tripped = True
    s.emit(
        GuardrailTripped, response_id=report.response_id,
        guardrail_results=report.tripped, message=report.text,
    )  # fmt: skip
    if response.out_of_band:
        stop_response(s, response)
        return
    s.arbiter.interrupted()
    stop_speaking(s, tell_far_end=True)
    names = ", ".join(repr(result.name) for result in report.tripped)
    note = f"Your last reply was stopped by the guardrail {names}. Do not repeat it: answer again within the rules."
    s.effects.wire.append(ConversationItemCreate(item=Message(s.fresh_id("note"), "system", (InputText(note),))))
    s.trips_in_a_row += 1
    if s.trips_in_a_row <= MOST_TRIPS_IN_A_ROW:
        s.arbiter.follow_up()


def fault(s: State, report: Fault) -> None:
    """A function of the application's failed outside of a tool call."""
    s.error(report.error)

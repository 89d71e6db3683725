"""The steps of a tool call, whoever asks for them: it starts, waits for approval, runs, and is answered or stopped.

The table of `tool_calls` says which steps are possible and when the model is asked to go on. Here stands what each step
does to the conversation, and what the executor and the application are told of it.

A call of an out-of-band response takes the same steps, but the conversation has nothing of them: no output is written,
no response is asked for, no agent takes over. Whoever holds the response's handle is told of its calls.
"""

from __future__ import annotations

import attrs

from engine.core.effects import AnswerApproval, CancelCall, HandleDone, StartCall
from engine.core.item_steps import send_event
from engine.core.state import LiveResponse, State
from engine.core.tool_calls import ToolCall
from engine.errors import ToolRoundsExceeded
from engine.events import ToolApprovalRequired, ToolEnd, ToolOutcome, ToolStart
from engine.wire.client_events import ConversationItemCreate
from engine.wire.items import FunctionCall, FunctionCallOutput, Item
from engine.wire.struct import UNSET

CANCELLED_OUTPUT = "The call was cancelled because the user interrupted."
STOPPED_OUTPUT = "The call was cancelled together with the response that made it."
OUT_OF_BAND_HANDOFF = "An out-of-band response cannot hand the conversation over to another agent."
SESSION_OVER = "The session ended before the call did."

# --- starting


def start_call(s: State, live: LiveResponse, name: str, call_id: str, arguments: str) -> None:
    """Have the executor run a call of a response, unless a call of that id was started before.

    A call in the conversation is answered even if its response was cut off; out of band nobody waits for it then.
    """
    if live.out_of_band and live.interrupted:
        return
    tool = live.agent.tools.get(name)
    call = ToolCall(call_id, name, arguments, live.response_id, live.agent, tool, live.out_of_band)
    if not s.tool_calls.start(call):
        return
    if live.out_of_band and tool is not None and tool.kind == "handoff":
        finish_call(s, call_id, "rejected", OUT_OF_BAND_HANDOFF)
        return
    s.effects.tools.append(StartCall(call_id, name, arguments, tool, live.agent))


def start_call_of(s: State, live: LiveResponse, item: Item) -> None:
    """Start the call that a finished item makes. Other items are left alone, and so is every call that the server does
    not say is complete; servers that say nothing of an item's status tell items that are."""
    if isinstance(item, FunctionCall) and item.status in ("completed", None):
        start_call(s, live, item.name, item.call_id, item.arguments)


def announce_call(s: State, call: ToolCall) -> None:
    """Tell the application, once, that a call's function begins to run."""
    if not call.announced:
        call.announced = True
        s.emit(
            ToolStart, agent=call.agent.agent, tool=call.declared, name=call.name,
            call_id=call.call_id, arguments=call.arguments,
        )  # fmt: skip


# --- approval


def request_approval(s: State, call_id: str) -> None:
    """Ask the application about a call, or give its standing answer. A call that is over is cancelled."""
    if (call := s.tool_calls.approval_needed(call_id)) is None:
        s.effects.tools.append(CancelCall(call_id))
        return
    if (answer := s.tool_calls.standing_answer(call)) is not None:
        approved, message = answer
        answer_approval(s, call_id, approved=approved, always=False, message=message)
        return
    s.arbiter.release(call.response_id)  # somebody may take long to decide
    s.emit(
        ToolApprovalRequired, agent=call.agent.agent, tool=call.declared, name=call.name,
        call_id=call.call_id, arguments=call.arguments,
    )  # fmt: skip


def answer_approval(s: State, call_id: str, *, approved: bool, always: bool, message: str | None) -> None:
    """Pass the application's answer for a call to the executor, if the call waits for one."""
    if s.tool_calls.decide(call_id, approved=approved, always=always, message=message) is not None:
        s.effects.tools.append(AnswerApproval(call_id, approved, message))


# --- ending


def finish_call(s: State, call_id: str, outcome: ToolOutcome, output: str) -> None:
    """Write a call's one output, and have the model go on if it was the last of its response. A call that has its
    output already is left alone."""
    if (call := s.tool_calls.done(call_id)) is None:
        return
    call.output, call.outcome = output, outcome
    item_id = None if call.out_of_band else _write_output(s, call, output)
    s.emit(
        ToolEnd, agent=call.agent.agent, tool=call.declared, name=call.name, call_id=call_id,
        arguments=call.arguments, output=output, outcome=outcome,
    )  # fmt: skip
    if item_id is not None:
        s.history_updated(item_id)
    continue_if_answered(s, call.response_id)


def _write_output(s: State, call: ToolCall, output: str) -> str | None:
    """Put a call's output into the conversation. Returns the id of the item that made the call, if it is known."""
    item = FunctionCallOutput(id=UNSET, call_id=call.call_id, output=output)
    send_event(s, ConversationItemCreate(item=item))
    if not s.tool_calls.waiting_for(call.response_id):
        s.unseen.add(call.call_id)
    return s.conversation.output(call.call_id, output)


def continue_if_answered(s: State, response_id: str) -> None:
    """Have the model go on once a response has ended and its calls have their outputs, though not for ever. A message
    that came during the response is answered together with them; a handle that waited for the calls is told."""
    if s.tool_calls.waiting_for(response_id):
        s.arbiter.hold_for_outputs(response_id)
    else:
        s.arbiter.release(response_id)
    if (end := s.tool_calls.handle_due(response_id)) is not None:
        s.effects.handles.append(end)
    calls = s.tool_calls.made_by(response_id)
    if not s.tool_calls.answer_due(response_id):
        return
    most = s.rules.max_tool_rounds
    if s.tool_rounds.once_more(most):
        s.arbiter.follow_up()
        return
    # Nor is it asked for because another response has not read them.
    s.unseen.discard(*(call.call_id for call in calls))
    if s.tool_rounds.just_exceeded(most):
        words = (
            f"the model has called tools in more than {most} replies in a row without the user: the outputs are "
            "written, but no further reply is asked for. Ask for one with `session.respond()`, or raise "
            "`max_tool_rounds` in the run's configuration"
        )
        s.error(ToolRoundsExceeded(words), code="tool_rounds_exceeded")


def end_handle(s: State, live: LiveResponse, end: HandleDone) -> None:
    """Tell a handle how its response ended, and the calls that it made. The handle of an out-of-band response waits for
    them, because nobody else is told; that of a response of the conversation does not."""
    if live.out_of_band and s.tool_calls.waiting_for(live.response_id):
        s.tool_calls.hold(live.response_id, end)
    else:
        s.effects.handles.append(attrs.evolve(end, calls=s.tool_calls.made_by(live.response_id)))


def stop_tools(s: State, *, for_user: bool = False) -> None:
    """Stop the calls whose tools declare that an interruption stops them; they are answered at once.

    Args:
        s: the session.
        for_user: the user speaks: the replies to all calls are held. Otherwise they are given up.
    """
    if not for_user:
        s.tool_calls.interrupted()
    for call in s.tool_calls.stopped_by_interruption():
        _stop_call(s, call, CANCELLED_OUTPUT)


def stop_tools_of(s: State, response_id: str) -> None:
    """Stop calls of an out-of-band response that is not wanted any more."""
    for call in s.tool_calls.response_stopped(response_id):
        _stop_call(s, call, STOPPED_OUTPUT)


def _stop_call(s: State, call: ToolCall, words: str) -> None:
    s.effects.tools.append(CancelCall(call.call_id))
    finish_call(s, call.call_id, "cancelled", words)


def cancel_open_calls(s: State) -> None:
    """Answer every call that is not over, because the session is."""
    for call in s.tool_calls.open():
        finish_call(s, call.call_id, "cancelled", SESSION_OVER)

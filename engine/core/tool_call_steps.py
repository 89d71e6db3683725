"""The steps of a tool call, whoever asks for them: it starts, waits for approval, runs, and is answered or stopped.

The table of `tool_calls` says which steps are possible and when the model is asked to go on. Here stands what each step
does to the conversation, and what the executor and the application are told of it.
"""

from __future__ import annotations

from engine.core.effects import AnswerApproval, CancelCall, StartCall
from engine.core.state import LiveResponse, State
from engine.core.tool_calls import ToolCall
from engine.events import ToolApprovalRequired, ToolEnd, ToolStart
from engine.wire.client_events import ConversationItemCreate
from engine.wire.items import FunctionCall, FunctionCallOutput, Item
from engine.wire.struct import UNSET

CANCELLED_OUTPUT = "The call was cancelled because the user interrupted."
SESSION_OVER = "The session ended before the call did."

# --- starting


def start_call(s: State, live: LiveResponse, name: str, call_id: str, arguments: str) -> None:
    """Have the executor run a call of a response, unless a call of that id was started before."""
    tool = live.agent.tools.get(name)
    call = ToolCall(call_id, name, arguments, live.response_id, live.agent, tool)
    if s.tool_calls.start(call):
        s.effects.tools.append(StartCall(call_id, name, arguments, tool, live.agent))


def start_call_of(s: State, live: LiveResponse, item: Item) -> None:
    """Start the call that a finished item makes. Other items, and calls that were cut off, are left alone."""
    if isinstance(item, FunctionCall) and item.status != "incomplete":
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
    if (answer := s.tool_calls.standing_answer(call.name)) is not None:
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


def finish_call(s: State, call_id: str, outcome: str, output: str) -> None:
    """Write a call's one output, and have the model go on if it was the last of its response. A call that has its
    output already is left alone."""
    if (call := s.tool_calls.done(call_id)) is None:
        return
    item = FunctionCallOutput(id=UNSET, call_id=call_id, output=output)
    s.effects.wire.append(ConversationItemCreate(item=item))
    if not s.tool_calls.waiting_for(call.response_id):
        s.unseen.add(call_id)
    item_id = s.conversation.output(call_id, output)
    s.emit(
        ToolEnd, agent=call.agent.agent, tool=call.declared, name=call.name, call_id=call_id,
        arguments=call.arguments, output=output, outcome=outcome,
    )  # fmt: skip
    if item_id is not None:
        s.history_updated(item_id)
    continue_if_answered(s, call.response_id)


def continue_if_answered(s: State, response_id: str) -> None:
    """Have the model go on once a response has ended and its calls have their outputs. A message that came during the
    response is answered together with them."""
    if s.tool_calls.waiting_for(response_id):
        s.arbiter.hold_for_outputs(response_id)
        return
    s.arbiter.release(response_id)
    if s.tool_calls.answer_due(response_id):
        s.arbiter.follow_up()


def stop_tools(s: State, *, for_user: bool = False) -> None:
    """Stop the calls whose tools declare that an interruption stops them; they are answered at once.

    Args:
        s: the session.
        for_user: the user speaks: the replies to all calls are held. Otherwise they are given up.
    """
    if not for_user:
        s.tool_calls.interrupted()
    for call in s.tool_calls.stopped_by_interruption():
        s.effects.tools.append(CancelCall(call.call_id))
        finish_call(s, call.call_id, "cancelled", CANCELLED_OUTPUT)


def cancel_open_calls(s: State) -> None:
    """Answer every call that is not over, because the session is."""
    for call in s.tool_calls.open():
        finish_call(s, call.call_id, "cancelled", SESSION_OVER)

"""A guardrail trips: the response is stopped, the model is told why, and asked again, though not for ever."""

from __future__ import annotations

from engine.core.interruption import stop_response, stop_speaking
from engine.core.state import LiveResponse, State
from engine.core.tool_call_steps import stop_tools_of
from engine.events import GuardrailResult, GuardrailTripped
from engine.wire.client_events import ConversationItemCreate
from engine.wire.items import InputText, Message

MOST_TRIPS_IN_A_ROW = 3
"""How often the model is asked to try again before the conversation waits for the user."""


def trip(s: State, response: LiveResponse, tripped: tuple[GuardrailResult, ...], text: str) -> None:
    """Stop a response whose `text` guardrails object to. A response trips once, and not after it was interrupted."""
    if response.tripped or response.interrupted:
        return
    response.tripped = True
    s.emit(GuardrailTripped, response_id=response.response_id, guardrail_results=tripped, message=text)
    if response.out_of_band:
        stop_response(s, response)
        stop_tools_of(s, response.response_id)
        return
    s.arbiter.interrupted()
    stop_speaking(s, tell_server=True)
    names = ", ".join(repr(result.name) for result in tripped)
    note = f"Your last reply was stopped by the guardrail {names}. Do not repeat it: answer again within the rules."
    s.effects.wire.append(ConversationItemCreate(item=Message(s.fresh_id("note"), "system", (InputText(note),))))
    if s.trips.once_more(MOST_TRIPS_IN_A_ROW):
        s.arbiter.follow_up()

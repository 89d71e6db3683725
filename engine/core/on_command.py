"""What the application asks for, passed to the operation that does it."""

from __future__ import annotations

from engine.core.agent_change import change_agent
from engine.core.inputs import (
    AudioSent,
    CancelHandle,
    DecideCall,
    Interrupt,
    Respond,
    SendMessage,
    SendRaw,
    UpdateAgent,
    UpdateSettings,
)
from engine.core.interruption import stop_response, stop_speaking
from engine.core.item_steps import send_event
from engine.core.settings_update import change_settings, note_update
from engine.core.state import State
from engine.core.tool_call_steps import answer_approval, stop_tools, stop_tools_of
from engine.wire.client_events import ConversationItemCreate, RawClientEvent, ResponseCreate
from engine.wire.struct import UnsetType, evolve

# --- saying something


def send_message(s: State, command: SendMessage) -> None:
    """A message of the user's, typed or with images."""
    message = command.message
    if isinstance(message.id, UnsetType):
        message = evolve(message, id=s.fresh_id("msg"))
    s.trips.end()
    send_event(s, ConversationItemCreate(item=message))
    if command.respond:
        s.tool_rounds.end()
        s.unseen.add(str(message.id))
        s.arbiter.follow_up(after=s.arbiter.running)


def respond(s: State, command: Respond) -> None:
    """The application wants a response and holds a handle for it."""
    if isinstance(command.params, UnsetType) or command.params.conversation != "none":
        s.tool_rounds.end()
    s.arbiter.ask(command.params, command.handle_id, command.tools)


def cancel_handle(s: State, command: CancelHandle) -> None:
    """The application no longer wants a response it asked for."""
    if s.arbiter.withdraw(command.handle_id):
        return
    for live in s.running():
        if live.request is not None and live.request.handle_id == command.handle_id:
            if live.out_of_band:
                stop_response(s, live)
                stop_tools_of(s, live.response_id)
            else:
                stop_speaking(s, tell_server=True)
    if (response_id := s.tool_calls.held_for(command.handle_id)) is not None:
        stop_tools_of(s, response_id)


def interrupt(s: State, command: Interrupt) -> None:
    """Stop whatever the agent is saying."""
    s.arbiter.interrupted()
    stop_speaking(s, tell_server=True)
    stop_tools(s)


def send_raw(s: State, command: SendRaw) -> None:
    """A client event of the application's own."""
    event = command.event
    if isinstance(event, ResponseCreate) or (isinstance(event, RawClientEvent) and event.type == ResponseCreate.type):
        s.tool_rounds.end()
    send_event(s, note_update(s, event))


def audio_sent(s: State, command: AudioSent) -> None:
    """The application ended the user's turn itself: the next commit is no sign of the server's own doing."""
    s.turn.application_ends_turn()


# --- agents


def update_agent(s: State, command: UpdateAgent) -> None:
    """Another agent takes over because the application says so."""
    s.tool_rounds.end()
    change_agent(s, command.spec)


# --- settings


def update_settings(s: State, command: UpdateSettings) -> None:
    """Change settings in mid-call, as the application asks."""
    change_settings(s, command.settings)


# --- tools


def decide_call(s: State, command: DecideCall) -> None:
    """The application's answer for a call that waits."""
    answer_approval(s, command.call_id, approved=command.approved, always=command.always, message=command.message)

"""What the application asks for."""

from __future__ import annotations

import attrs

from engine.core.agent_spec import AgentSpec
from engine.core.effects import AnswerApproval, HookHandoff
from engine.core.inputs import (
    AudioSent,
    CancelHandle,
    DecideCall,
    Ended,
    Interrupt,
    Opened,
    Played,
    Respond,
    SendMessage,
    SendRaw,
    Taken,
    Tick,
    UpdateAgent,
)
from engine.core.interruption import finish_call, stop_response, stop_speaking, stop_tools
from engine.core.on_server_response import end
from engine.core.state import PendingUpdate, State
from engine.errors import SettingsError
from engine.events import Handoff
from engine.wire.client_events import ConversationItemCreate, SessionUpdate
from engine.wire.session import Audio, AudioOutput
from engine.wire.struct import evolve
from engine.wire.unset import UNSET, Unset

SESSION_OVER = "The session ended before the call did."


# --- saying something


def send_message(s: State, command: SendMessage) -> None:
    """A message of the user's, typed or with images."""
    message = command.message
    if isinstance(message.id, Unset):
        message = evolve(message, id=s.fresh_id("msg"))
    s.trips_in_a_row = 0
    s.effects.wire.append(ConversationItemCreate(item=message))
    if command.respond:
        s.unseen.add(str(message.id))
        s.arbiter.follow_up()


def respond(s: State, command: Respond) -> None:
    """The application wants a response and holds a handle for it."""
    s.arbiter.ask(command.params, command.handle_id, command.tools)


def cancel_handle(s: State, command: CancelHandle) -> None:
    """The application no longer wants a response it asked for."""
    if s.arbiter.withdraw(command.handle_id):
        return
    for live in s.running():
        if live.request is not None and live.request.handle_id == command.handle_id:
            if live.out_of_band:
                stop_response(s, live)
            else:
                stop_speaking(s, tell_far_end=True)


def interrupt(s: State, command: Interrupt) -> None:
    """Stop whatever the agent is saying."""
    s.arbiter.interrupted()
    stop_speaking(s, tell_far_end=True)
    stop_tools(s)


def send_raw(s: State, command: SendRaw) -> None:
    """A client event of the application's own."""
    s.effects.wire.append(command.event)


def audio_sent(s: State, command: AudioSent) -> None:
    """The application ended the user's turn itself: the next commit is no sign of the far end's own doing."""
    s.turn.application_ends_turn()


# --- agents


def opened(s: State, command: Opened) -> None:
    """The connection stands."""
    _announce(s, command.spec)


def update_agent(s: State, command: UpdateAgent) -> None:
    """Another agent takes over because the application says so."""
    change_agent(s, command.spec)


def change_agent(s: State, spec: AgentSpec) -> None:
    """Another agent takes over: its settings go out now, before anything that may trigger a response."""
    before, s.agent = s.agent, spec
    if before.session.prompt and spec.session.prompt is UNSET:
        spec = attrs.evolve(spec, session=evolve(spec.session, prompt=None))
    _announce(s, spec)
    s.emit(Handoff, from_agent=before.agent, to_agent=spec.agent)
    s.effects.tools.append(HookHandoff(spec, before))


def _announce(s: State, spec: AgentSpec) -> None:
    event_id = s.fresh_id("settings")
    session = evolve(spec.session, model=UNSET)
    audio = session.audio
    if s.has_spoken and isinstance(audio, Audio) and isinstance(audio.output, AudioOutput):
        wanted = audio.output.voice
        if wanted not in (UNSET, None, s.voice):
            s.error(
                SettingsError(
                    f"agent {spec.name!r} has voice {wanted!r}, but a voice cannot change once the session has spoken: "
                    f"it goes on with {s.voice!r}. Give all agents of a session one voice"
                )
            )
        session = evolve(session, audio=evolve(audio, output=evolve(audio.output, voice=UNSET)))
    elif isinstance(audio, Audio) and isinstance(audio.output, AudioOutput) and audio.output.voice is not UNSET:
        s.voice = audio.output.voice
    s.turn_rules = s.turn_rules.updated(session)
    s.updates.append(PendingUpdate(event_id, spec))
    s.effects.wire.append(SessionUpdate(session, event_id=event_id))


# --- tools


def decide_call(s: State, command: DecideCall) -> None:
    """The application's answer for a call that waits."""
    call = s.tool_calls.decide(
        command.call_id, approved=command.approved, always=command.always, message=command.message
    )
    if call is not None:
        s.effects.tools.append(AnswerApproval(command.call_id, command.approved, command.message))


# --- playback and time


def taken(s: State, report: Taken) -> None:
    """The application took audio."""
    s.ledger.taken(report.item_id, report.content_index, report.nbytes, report.at_ns)


def played(s: State, report: Played) -> None:
    """The application says what it has played."""
    s.ledger.played(report.item_id, report.content_index, report.ms)


def tick(s: State, _: Tick) -> None:
    """Nothing but the time has changed; what is due is sent by the machine itself."""


# --- the end


def ended(s: State, report: Ended) -> None:
    """There is no connection any more: everything that began gets its end."""
    if s.ended:
        return
    reason = "session_closed" if report.error is None else "connection_lost"
    for call in s.tool_calls.open():
        finish_call(s, call.call_id, "cancelled", SESSION_OVER)
    for live in s.running():
        live.interrupted = True
        live.audio_open.clear()
        live.delete_when_done.clear()
        end(s, live, "cancelled", reason, lost=report.error)
    for request in s.arbiter.close():
        s.settle(request, "superseded" if report.error is None else "failed", reason=reason, error=report.error)
    s.effects.wire.clear()
    s.ended = True

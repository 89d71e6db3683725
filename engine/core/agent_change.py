"""Another agent takes over: by a handoff, or because the application says so.

The new settings go out at once, before anything that may trigger a response. The application sees the new agent from
then on; responses that the server begins by itself are the old agent's until the server has confirmed the settings.
Settings that it refuses never become anybody's.
"""

from __future__ import annotations

import attrs

from engine.core.agent_spec import AgentSpec
from engine.core.effects import HookHandoff
from engine.core.state import PendingUpdate, State
from engine.errors import SettingsError
from engine.events import Handoff
from engine.wire.client_events import SessionUpdate
from engine.wire.extra import without
from engine.wire.session import Audio, AudioOutput
from engine.wire.struct import UNSET, evolve

SECOND_HANDOFF = "The conversation has already been handed over by another call of the same reply."


def hand_off(s: State, response_id: str, spec: AgentSpec) -> bool:
    """Change to the agent that a call of a response hands over to. Returns whether it was the response's first handoff:
    later ones change nothing."""
    first = s.tool_calls.claim_handoff(response_id)
    if first:
        change_agent(s, spec)
    return first


def change_agent(s: State, spec: AgentSpec) -> None:
    """Make another agent the current one: send its settings, tell the application and the agent's hooks."""
    before, s.agent = s.agent, spec
    if before.session.prompt and spec.session.prompt is UNSET:
        spec = attrs.evolve(spec, session=evolve(spec.session, prompt=None))
    send_settings(s, spec)
    s.emit(Handoff, from_agent=before.agent, to_agent=spec.agent)
    s.effects.tools.append(HookHandoff(spec, before))


def send_settings(s: State, spec: AgentSpec) -> None:
    """Send an agent's settings, without what cannot change any more: the model, and the voice once it has spoken."""
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
    if s.has_spoken and session.extra:
        session = evolve(session, extra=without(session.extra, ("audio", "output", "voice")))
    s.turn_rules = s.turn_rules.updated(session)
    s.updates.append(PendingUpdate(event_id, spec))
    s.effects.wire.append(SessionUpdate(session, event_id=event_id))


def confirm_settings(s: State) -> None:
    """Count the oldest settings that were sent as the server's own: what it begins from now on is their agent's."""
    if s.updates:
        s.confirmed_agent = s.updates.pop(0).spec


def drop_refused_settings(s: State, event_id: str | None) -> None:
    """Forget the settings that went out in a client event which the server refused."""
    s.updates = [update for update in s.updates if update.event_id != event_id]

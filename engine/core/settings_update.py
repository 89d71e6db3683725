"""Settings go to the server, and its answers come back: whoever asks for them, and whatever it answers.

sent        waits in `updates`, in order: the agent's settings, and each `session.update` of the application's own
confirmed   the oldest that waits is the server's own now. What it says counts: turn rules, formats, voice. Where it
            says otherwise than was asked, one `error` event tells all that differs, once
refused     it never becomes anybody's, and is forgotten: later settings do not repeat a change that was refused
"""

from __future__ import annotations

from engine.core.agent_spec import AgentSpec
from engine.core.effects import FormatsInUse
from engine.core.setting_differences import same_voice
from engine.core.settings_in_force import PendingUpdate
from engine.core.state import State
from engine.core.waits import SETTINGS
from engine.errors import SettingsDiffer, SettingsError
from engine.events import SettingsUpdated
from engine.wire.asked_settings import settings_asked
from engine.wire.client_events import ClientEvent, RawClientEvent, SessionUpdate
from engine.wire.extra import without
from engine.wire.server_session import ErrorDetail
from engine.wire.session import Audio, AudioOutput, Session, TranscriptionSession, UnknownSetting, VoiceId, format_of
from engine.wire.struct import UNSET, UnsetType, evolve

# --- sent


def open_with(s: State, spec: AgentSpec) -> None:
    """Send the first agent's settings. They count at once: of the server's own nothing is known."""
    send_settings(s, spec)
    s.settings.opening = s.updates[-1]
    _take_effect(s)


def send_settings(s: State, spec: AgentSpec) -> None:
    """Send an agent's settings, without what cannot change any more: the model, and the voice once it has spoken."""
    session = evolve(s.settings.for_agent(spec.session, s.updates), model=UNSET)
    _send(s, _without_other_voice(s, session, f"agent {spec.name!r} has"), spec)


def change_settings(s: State, changes: Session) -> None:
    """Send settings that the application changes in mid-call."""
    changes = _without_other_voice(s, changes, "the settings have")
    if changes.audio == Audio(output=AudioOutput()):
        changes = evolve(changes, audio=UNSET)
    if changes != Session():
        _send(s, changes, None)


def note_update(s: State, event: ClientEvent) -> ClientEvent:
    """Wait for the answer to a client event of the application's own, if it changes settings.

    Returns the event to send: a `session.update` needs an id by which the server can say that it refuses it.
    """
    if (asked := settings_asked(event)) is None:
        return event
    if isinstance(event, RawClientEvent):
        if (event_id := event.payload.get("event_id")) is None:
            event_id = s.fresh_id("settings")
            event = RawClientEvent({**event.payload, "event_id": event_id})
    elif isinstance(event_id := event.event_id, UnsetType | None):
        event_id = s.fresh_id("settings")
        event = evolve(event, event_id=event_id)
    known_id = event_id if isinstance(event_id, str) else None
    _await(s, PendingUpdate(known_id, _speech(asked), s.now))
    return event


def _send(s: State, session: Session, spec: AgentSpec | None) -> None:
    event_id = s.fresh_id("settings")
    _await(s, PendingUpdate(event_id, session, s.now, spec))
    s.effects.wire.append(SessionUpdate(session, event_id=event_id))


def _await(s: State, update: PendingUpdate) -> None:
    s.updates.append(update)
    if len(s.updates) == 1:
        s.waits.begin(SETTINGS, "", s.now)


def _answered(s: State) -> None:
    """Wait for the answer to the next update, if there is one."""
    if s.updates:
        s.waits.begin(SETTINGS, "", s.now)
    else:
        s.waits.end(SETTINGS, "")


def _without_other_voice(s: State, session: Session, whose: str) -> Session:
    """Take the voice out if the session has spoken. It is told that this cannot change, unless the server was asked for
    that voice before: then it is known already that it uses another one."""
    audio = session.audio
    if s.has_spoken and session.extra:
        session = evolve(session, extra=without(session.extra, ("audio", "output", "voice")))
    if not s.has_spoken or not isinstance(audio, Audio) or not isinstance(audio.output, AudioOutput):
        return session
    wanted, asked = audio.output.voice, s.settings.asked_voice(s.updates)
    if wanted not in (UNSET, None, asked, s.voice) and not (same_voice(wanted, s.voice) and _is_known(s.voice)):
        s.error(
            SettingsError(
                f"{whose} voice {_voice_text(wanted)}, but a voice cannot change once the session has spoken: "
                f"it goes on with {_voice_text(s.voice)}. Give all agents of a session one voice"
            ),
            "voice_fixed",
        )
    return evolve(session, audio=evolve(audio, output=evolve(audio.output, voice=UNSET)))


def _is_known(voice: object) -> bool:
    return isinstance(voice, str | VoiceId)


def _voice_text(voice: object) -> str:
    if isinstance(voice, UnknownSetting):
        return repr(voice.raw)
    if isinstance(voice, VoiceId):
        return repr(voice.id)
    return repr(voice) if isinstance(voice, str) else "the one that it has"


# --- answered


def confirm_settings(s: State, said: Session | TranscriptionSession) -> None:
    """Count the oldest settings that wait as the server's own: what it begins from now on is their agent's.

    `said` is the server's word for all of its settings; one that says nothing confirms what was asked.
    """
    update = s.updates.pop(0) if s.updates else None
    _answered(s)
    _confirm(s, update, said)
    if update is not None and update.spec is not None:
        s.confirmed_agent = update.spec


def learn_settings(s: State, said: Session | TranscriptionSession) -> None:
    """Take what the server says of its settings without having been asked."""
    _confirm(s, None, said)


def refused_update(s: State, said: ErrorDetail) -> PendingUpdate | None:
    """Return the update that an error refuses. Servers answer in order: one that names no client event, but a setting,
    means the oldest."""
    if said.event_id:
        return next((update for update in s.updates if update.event_id == said.event_id), None)
    return s.updates[0] if s.updates and _names_settings(said) else None


def refuse_settings(s: State, update: PendingUpdate) -> None:
    """Forget settings that the server refused."""
    s.updates.remove(update)
    _answered(s)
    s.settings.answered(update)
    _take_effect(s)


def _names_settings(said: ErrorDetail) -> bool:
    place, code = said.param or "", said.code or said.type
    return place.split(".")[0] == "session" or code in REFUSALS


REFUSALS = frozenset({"cannot_update_voice", "session_update_error", "invalid_session_type"})
"""Codes with which servers refuse settings without naming one."""


def _confirm(s: State, update: PendingUpdate | None, said: Session | TranscriptionSession) -> None:
    new = s.settings.confirm(update, _speech(said))
    if new:
        s.error(SettingsDiffer(new), "settings_differ")
    _take_effect(s, tell=update is not None and update.spec is None)


def _take_effect(s: State, *, tell: bool = False) -> None:
    """Follow the settings in force: turn rules and formats. The application is told of other formats, and of what it
    changed itself (`tell`)."""
    in_force = s.settings.in_force
    s.turn_rules = s.turn_rules.confirmed(s.settings.wanted, in_force)
    formats = FormatsInUse(format_of(in_force.audio_input), format_of(in_force.audio_output))
    if formats != s.formats:
        s.formats = formats
        s.ledger.use_format(formats.output)
        s.effects.formats.append(formats)
        tell = True
    if tell:
        s.emit(SettingsUpdated, settings=in_force, input_format=formats.input, output_format=formats.output)


def _speech(settings: Session | TranscriptionSession) -> Session:
    """Return settings of a speech session; one that only listens says nothing of what is used here."""
    return settings if isinstance(settings, Session) else Session()

"""SettingsInForce: what was asked of the server, what it has confirmed, and so what holds.

Every `session.update` waits, in the order in which they were sent, until the server confirms or refuses it (`pending`).
What the server confirmed holds from then on, over what was asked. Only what the session is opened with counts before it
is confirmed: nothing else is known then.

What the application changed in mid-call stays changed whichever agent speaks (`changed`), except for what belongs to
agents: instructions, tools and prompts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import attrs

from engine.core.agent_spec import AgentSpec
from engine.core.setting_differences import detection_is_off, differences, said_format
from engine.errors import SettingDifference
from engine.wire.formats import AudioFormat
from engine.wire.merge import merge
from engine.wire.session import (
    Audio,
    AudioInput,
    AudioOutput,
    SemanticVad,
    ServerVad,
    Session,
    TurnDetection,
    UnknownSetting,
    Voice,
)
from engine.wire.struct import UNSET, FrozenStruct, UnsetType, evolve

S = TypeVar("S", bound=FrozenStruct)

_NEVER_NULL = frozenset(
    {"model", "output_modalities", "instructions", "tools", "tool_choice", "format", "voice", "speed"}
)
"""Settings that have no null: a server that writes null for them does not say what they are."""


@attrs.define
class PendingUpdate:
    """A `session.update` that the server has neither confirmed nor refused."""

    event_id: str | None
    session: Session
    """What it asks for, as far as that is understood."""
    sent_ns: int
    spec: AgentSpec | None = None
    """The agent whose settings these are; None for a change of the application's own."""


class SettingsInForce:
    """The settings of one session."""

    def __init__(self) -> None:
        self.asked = Session()
        """All that was asked for and confirmed, in the client's words."""
        self.confirmed = Session()
        """The same in the server's, as far as it has said them."""
        self.changed = Session()
        """What the application changed in mid-call, as far as it is confirmed."""
        self.opening: PendingUpdate | None = None
        """What the session was opened with, until that is answered."""
        self._told: set[SettingDifference] = set()

    @property
    def in_force(self) -> Session:
        """What holds now."""
        return self.confirmed if self.opening is None else merge(self.confirmed, self.opening.session)

    @property
    def wanted(self) -> Session:
        """What was asked for, of what holds now."""
        return self.asked if self.opening is None else merge(self.asked, self.opening.session)

    def voice(self, pending: Sequence[PendingUpdate]) -> Voice | UnsetType | None:
        """Return the voice that the server has once it has taken what is under way."""
        return _with(self.in_force, pending).audio_output.voice

    def asked_voice(self, pending: Sequence[PendingUpdate]) -> Voice | UnsetType | None:
        """Return the voice that was last asked for."""
        return _with(self.wanted, pending).audio_output.voice

    def for_agent(self, session: Session, pending: Sequence[PendingUpdate]) -> Session:
        """Return an agent's settings with what the application has changed.

        What it has changed and the server has not answered is left out: the server knows it already, or refuses it.
        """
        session = merge(session, self.changed)
        for update in pending:
            if update.spec is None:
                session = _without(session, lasting(update.session))
        return session

    def confirm(self, update: PendingUpdate | None, said: Session) -> tuple[SettingDifference, ...]:
        """Take what a confirmation says of an update; of none, where the server tells its settings unasked.

        Returns what differs from what was asked and has not been returned before.
        """
        if update is not None:
            self.asked = merge(self.asked, update.session)
            self.confirmed = merge(self.confirmed, update.session)
            if update.spec is None:
                self.changed = merge(self.changed, lasting(update.session))
            self.answered(update)
        self.confirmed = merge(self.confirmed, _understood(self.confirmed, said))
        new = tuple(each for each in differences(self.asked, said) if each not in self._told)
        self._told.update(new)
        return new

    def answered(self, update: PendingUpdate) -> None:
        """Note that an update is confirmed or refused."""
        if update is self.opening:
            self.opening = None


def lasting(session: Session) -> Session:
    """Return those settings of the application's own that outlast the agent that speaks."""
    return evolve(
        session, object=UNSET, id=UNSET, expires_at=UNSET, model=UNSET, instructions=UNSET, tools=UNSET, prompt=UNSET
    )


def _with(session: Session, pending: Sequence[PendingUpdate]) -> Session:
    for update in pending:
        session = merge(session, update.session)
    return session


def _understood(known: Session, said: Session) -> Session:
    """Return what a confirmation says, without what it leaves open."""
    said = _without_nulls(said)
    if not isinstance(said.audio, Audio):
        return evolve(said, audio=UNSET)
    user, agent = said.audio_input, said.audio_output
    detection = _detection(known.audio_input.turn_detection, user.turn_detection)
    user = evolve(user, format=_format(known.audio_input, user), turn_detection=detection)
    agent = evolve(agent, format=_format(known.audio_output, agent))
    return evolve(said, audio=Audio(_without_nulls(user), _without_nulls(agent)))


def _without_nulls(settings: S) -> S:
    nulls = [field for field in _NEVER_NULL if getattr(settings, field, UNSET) is None]
    return evolve(settings, **dict.fromkeys(nulls, UNSET))


def _format(known: AudioInput | AudioOutput, said: AudioInput | AudioOutput) -> AudioFormat | UnsetType:
    return said_format(known.format, said.format) if isinstance(said.format, AudioFormat) else UNSET


def _detection(
    known: TurnDetection | UnsetType | None, said: TurnDetection | UnsetType | None
) -> TurnDetection | UnsetType | None:
    """Return the turn detection with the keys of both, where the server says no other kind than is known."""
    if detection_is_off(said):
        return None
    if isinstance(said, UnsetType | UnknownSetting) or type(known) is not type(said):
        return said
    assert isinstance(said, ServerVad | SemanticVad)
    named = {
        field.name: value for field in attrs.fields(type(said)) if (value := getattr(said, field.name)) is not UNSET
    }
    assert isinstance(known, ServerVad | SemanticVad)
    return evolve(known, **named)


def _without(settings: S, changes: S) -> S:
    """Return the settings without those that `changes` names."""
    left = {}
    for field in attrs.fields(type(changes)):
        mine, named = getattr(settings, field.name), getattr(changes, field.name)
        if mine is not UNSET and named is not UNSET:
            by_key = isinstance(named, Audio | AudioInput | AudioOutput) and type(mine) is type(named)
            left[field.name] = _without(mine, named) if by_key else UNSET
    return evolve(settings, **left)

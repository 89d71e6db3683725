"""The user's turn, as the server's voice detection tells it.

    state      started    stopped    committed  cleared    answered
    QUIET      SPEAKING   QUIET      QUIET      QUIET      QUIET
    SPEAKING   SPEAKING   STOPPED    QUIET      QUIET      QUIET
    STOPPED    SPEAKING   STOPPED    QUIET      QUIET      QUIET

STOPPED is the short time between the end of speech and the commit that makes it an item of the conversation. A turn is
answered when the server begins a response by itself; a turn whose end was not told in time counts as cleared.
A commit while SPEAKING is one that the application sent itself. Servers differ in what they leave out, so every
input is accepted in every state.
"""

from __future__ import annotations

from enum import Enum
from typing import Literal

import attrs

from engine.core.setting_differences import detection_is_off
from engine.wire.session import SemanticVad, ServerVad, Session
from engine.wire.struct import UNSET

TurnInput = Literal["started", "stopped", "committed", "cleared", "answered"]


class TurnState(Enum):
    """Whether the user holds the floor."""

    QUIET = "quiet"
    SPEAKING = "speaking"
    STOPPED = "stopped"


_Q, _S, _E = TurnState.QUIET, TurnState.SPEAKING, TurnState.STOPPED
TABLE: dict[tuple[TurnState, TurnInput], TurnState] = {
    (_Q, "started"): _S, (_Q, "stopped"): _Q, (_Q, "committed"): _Q, (_Q, "cleared"): _Q, (_Q, "answered"): _Q,
    (_S, "started"): _S, (_S, "stopped"): _E, (_S, "committed"): _Q, (_S, "cleared"): _Q, (_S, "answered"): _Q,
    (_E, "started"): _S, (_E, "stopped"): _E, (_E, "committed"): _Q, (_E, "cleared"): _Q, (_E, "answered"): _Q,
}  # fmt: skip


@attrs.frozen
class TurnRules:
    """What the server does by itself when it hears the user."""

    creates_response: bool = True
    interrupts: bool = True
    if_heard: TurnRules | None = None
    """What holds once the server tells of speech or of an idle user, where it says that it detects neither and nobody
    asked for that."""
    proven: bool = False
    """It has told of them: it is not believed when it says that it detects neither."""

    def confirmed(self, wanted: Session, in_force: Session) -> TurnRules:
        """Return the rules that the settings in force make. `wanted` is what the application asked for: only its null
        switches barge-in off for good."""
        asked = TurnRules().updated(wanted)
        rules = asked.updated(in_force)
        if detection_is_off(in_force.audio_input.turn_detection) and not detection_is_off(
            wanted.audio_input.turn_detection
        ):
            rules = asked if self.proven else attrs.evolve(rules, if_heard=asked)
        return attrs.evolve(rules, proven=self.proven)

    def heard(self) -> TurnRules:
        """Return the rules once the server tells of the user's speech, which proves its voice detection."""
        return self if self.proven else attrs.evolve(self.if_heard or self, proven=True)

    def updated(self, session: Session) -> TurnRules:
        """The rules after a session update or echo; what it does not mention stays."""
        detection = session.audio_input.turn_detection
        if detection_is_off(detection):
            return TurnRules(creates_response=False, interrupts=False)
        if not isinstance(detection, ServerVad | SemanticVad):
            return self
        return TurnRules(
            creates_response=detection.create_response in (UNSET, None, True),
            interrupts=detection.interrupt_response in (UNSET, None, True),
        )


class UserTurn:
    """Whether the user is speaking now, and who ends the turn."""

    def __init__(self) -> None:
        self.state = TurnState.QUIET
        self._ended_by_application = False
        self._commit_expected = False
        self._announced = ""
        """The item that the last speech was announced to become; empty where the server announces none."""

    def on(self, happened: TurnInput) -> None:
        """Take a step of the table."""
        self.state = TABLE[self.state, happened]
        if happened in ("committed", "cleared", "answered"):
            self._ended_by_application = self._commit_expected = False

    def application_ends_turn(self) -> None:
        """The application sent a commit or a clear of its own; its effect is yet to come."""
        self._ended_by_application = True

    def announced(self, item_id: str) -> None:
        """Note which item the speech is to become."""
        self._announced = item_id

    def expect_commit(self) -> None:
        """Take a commit that comes as the server's own: it is about to commit silence, or has not told the end."""
        self._commit_expected = True

    def commits_itself(self, item_id: str) -> bool:
        """Return whether a commit that arrives now is the server's own: always where one is expected, and otherwise
        after speech (servers may leave its end out). If the application has just sent a commit as well, only that of
        the announced item is, and none in mid-speech."""
        if self._commit_expected or self.state is TurnState.QUIET:
            return self._commit_expected
        if not self._ended_by_application:
            return True
        return self.state is TurnState.STOPPED and self._announced in ("", item_id)

    @property
    def speaking(self) -> bool:
        """The user has begun to speak and not stopped."""
        return self.state is TurnState.SPEAKING

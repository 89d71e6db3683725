"""The user's turn, begun and ended in one place: its state, and the wait for its end."""

from __future__ import annotations

from typing import Literal

from engine.core.state import State
from engine.core.waits import LINE_TURN_END, TURN_END


def begin_turn(s: State) -> None:
    """Note that the user has begun to speak, and wait for the end of it."""
    s.turn.on("started")
    s.waits.begin(LINE_TURN_END if s.rules.server_plays else TURN_END, "", s.now)


def end_turn(s: State, how: Literal["stopped", "committed", "cleared", "answered"]) -> None:
    """Note that the user has ended, whoever says so."""
    s.turn.on(how)
    s.waits.end(TURN_END, "")
    s.waits.end(LINE_TURN_END, "")

"""When a voice detector would say that the user fell silent: what frameworks count from."""

from __future__ import annotations

from collections.abc import Mapping

from engine.latency.log import LogHeader
from engine.latency.turns import TurnRecord
from engine.wire.units import NS_PER_S

DEFAULT_SILENCE_S = 0.5
"""What `server_vad` waits for if it is told nothing."""


def silence_of(header: LogHeader) -> float:
    """How much silence the server's detector waits for, in seconds, as the session was set."""
    at: object = header.settings
    for name in ("audio", "input", "turn_detection"):
        at = at.get(name) if isinstance(at, Mapping) else None
    silence = at.get("silence_duration_ms") if isinstance(at, Mapping) else None
    return silence / 1000 if isinstance(silence, int | float) else DEFAULT_SILENCE_S


def back_dated_end(turn: TurnRecord, silence_s: float) -> float | None:
    """The last sound of the user by the detector: its decision, less the silence that it waited for, in seconds."""
    return None if turn.speech_stopped is None else turn.speech_stopped / NS_PER_S - silence_s

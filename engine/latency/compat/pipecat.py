"""pipecat's latencies (1.14: `UserBotLatencyObserver`), from our logs.

Both are of answered turns only; pipecat takes them from a wall clock, we from a monotonic one.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.latency.compat.endpointing import back_dated_end
from engine.latency.compat.figures import Mean, mean_of
from engine.latency.turns import TurnRecord
from engine.wire.units import NS_PER_S


def user_bot_latency(turn: TurnRecord, stop_secs: float) -> float | None:
    """`on_latency_measured`: from the user's last sound, by the detector, to the bot's first audio, in seconds.

    Start: the detector's decision, back-dated by the silence that it waits for (`stop_secs`). Stop: the first audio
    frame goes out, audible or not. None if the bot began before the decision: the observer has no start yet then, so
    a bot that is too early is left out and not negative.

    Departures: the server's detector stands for pipecat's own; its decision is taken when its message was read, so
    the way of that message is included.
    """
    start = back_dated_end(turn, stop_secs)
    if start is None or turn.speech_stopped is None or turn.playout_start is None:
        return None
    return turn.playout_start / NS_PER_S - start if turn.playout_start >= turn.speech_stopped else None


def user_bot_latencies(turns: Sequence[TurnRecord], stop_secs: float) -> Mean:
    """The mean of `user_bot_latency` over the turns that have one."""
    return mean_of([value for turn in turns if (value := user_bot_latency(turn, stop_secs)) is not None])


def first_bot_speech_latency(turns: Sequence[TurnRecord]) -> float | None:
    """`on_first_bot_speech_latency`: from the client's connection to the bot's first audio, in seconds; None if the
    user speaks first.

    Departure: counted from the beginning of the session, which includes opening it.
    """
    for turn in sorted(turns, key=lambda turn: turn.index):
        if turn.opened_by in ("speech", "text"):
            return None
        if turn.playout_start is not None:
            return turn.playout_start / NS_PER_S
    return None

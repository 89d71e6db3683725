"""LiveKit Agents' latencies (1.8: per-turn metrics and `RealtimeModelMetrics`), from our logs.

Quirks that are kept: a transcript without a known end of speech has a delay of 0.0, and a response without audio a
time to first token of -1.0. Neither is a measurement; both spoil a mean. Times in seconds.
"""

from __future__ import annotations

from engine.latency.compat.endpointing import back_dated_end
from engine.latency.turns import TurnRecord
from engine.wire.units import NS_PER_S

NO_TOKEN = -1.0


def e2e_latency(turn: TurnRecord, silence_s: float) -> float | None:
    """`e2e_latency`: from `stopped_speaking_at`, the last time at which the detector heard speech, to the agent's
    `started_speaking_at`, the first frame at the output. Of answered turns only.

    Departure: the server's detector stands for LiveKit's own, its decision back-dated by the silence it waits for.
    """
    start = back_dated_end(turn, silence_s)
    return None if start is None or turn.playout_start is None else turn.playout_start / NS_PER_S - start


def transcription_delay(turn: TurnRecord, silence_s: float) -> float | None:
    """`transcription_delay`: from the end of speech by the detector to the final transcript; 0.0 if the detector
    noticed no end. None if there is no transcript."""
    if turn.transcript_final is None:
        return None
    end = back_dated_end(turn, silence_s)
    return 0.0 if end is None else max(0.0, turn.transcript_final / NS_PER_S - end)


def end_of_turn_delay(turn: TurnRecord, silence_s: float) -> float | None:
    """`end_of_turn_delay` (once `end_of_utterance_delay`): from the end of speech by the detector to the decision that
    the turn is over, the transcript's delay included.

    Departure: the server decides; its making an item of the turn is taken for the decision.
    """
    end = back_dated_end(turn, silence_s)
    return None if end is None or turn.committed is None else turn.committed / NS_PER_S - end


def realtime_ttft(turn: TurnRecord) -> float | None:
    """`RealtimeModelMetrics.ttft`: from `response.created` to the first audio; -1.0 if there was none. None without a
    response."""
    if turn.response_created is None:
        return None
    if turn.audio_first_received is None:
        return NO_TOKEN
    return (turn.audio_first_received - turn.response_created) / NS_PER_S


def realtime_duration(turn: TurnRecord) -> float | None:
    """`RealtimeModelMetrics.duration`: from `response.created` to `response.done`, which is long before the last sound
    is heard: a server sends audio faster than it plays."""
    if turn.response_created is None or turn.response_done is None:
        return None
    return (turn.response_done - turn.response_created) / NS_PER_S


def playback_latency(turn: TurnRecord) -> float | None:
    """`playback_latency`: from the first frame handed to the output to the output's word that it plays.

    Departure: the application's taking of the audio stands for handing it over.
    """
    if turn.audio_first_taken is None or turn.playout_start is None:
        return None
    return (turn.playout_start - turn.audio_first_taken) / NS_PER_S

"""Full-Duplex-Bench 1.0 (arXiv 2503.04721) and 1.5 (arXiv 2507.23159), from our logs.

Their figures come from recordings: version 1.0 runs a recogniser over the model's audio, 1.5 a voice detector over
both tracks. Here the line's truth of the user and the playback of the agent take the place of both, so there is no
error of recognition and none of detection (theirs is some 60 ms late at the end of speech). Neither has a figure for a
model that says nothing: see `response_rate` beside them.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from engine.latency.compat.figures import Mean, Ratio, mean_of
from engine.latency.compat.tracks import Heard, Tracks, merged
from engine.latency.turns import Purpose, TurnRecord
from engine.wire.units import NS_PER_S

TAKEOVER_S = 1.0
"""Shorter answers are backchannels and no takeover."""
USER_GAP_S, MODEL_GAP_S = 0.6, 0.5
"""Version 1.5 joins what is no further apart. (The comments beside its constants say 300 and 50 ms.)"""


@attrs.frozen
class Version1:
    """One task of version 1.0."""

    takeover_rate: Ratio
    """TOR: how many of the user's turns the model took over after."""
    latency: Mean
    """Seconds, of those alone."""
    clamped: int
    """How many of them were below zero and count as zero."""


@attrs.frozen
class Version15:
    """Version 1.5: overlaps and gaps of the two tracks."""

    stop_latencies: tuple[float, ...]
    """Seconds that both were heard at once."""
    response_latencies: tuple[float, ...]
    """Seconds from the end of what the user said to the next thing that the model said."""

    @property
    def stop_latency(self) -> Mean:
        """Mean of the overlaps."""
        return mean_of(self.stop_latencies)

    @property
    def response_latency(self) -> Mean:
        """Mean of the gaps."""
        return mean_of(self.response_latencies)


def smooth_turn_taking(turns: Sequence[TurnRecord]) -> Version1:
    """TOR and latency of ordinary turns ("Smooth Turn Taking", section 3.3 of the paper and its
    `eval_smooth_turn_taking.py`).

    Latency: from the annotated end of the user's turn to the first word of the model; only where the model took over;
    below zero it is set to zero, which makes a model that cuts people off look fast. Departures: the first audible
    sample stands for the first word; a takeover is an answer of at least one second, where the original also accepts
    a shorter one of more than three words.
    """
    return _version_1(turns, ("turn", None))


def user_interruption(turns: Sequence[TurnRecord]) -> Version1:
    """TOR and latency of turns that interrupt the agent ("User Interruption", `eval_user_interruption.py`): as
    `smooth_turn_taking`, from the end of the interrupting words. The relevance score is a language model's and is not
    computed here."""
    return _version_1(turns, ("barge_in",))


def overlaps_and_gaps(tracks: Tracks) -> Version15:
    """Stop and response latencies of one session (version 1.5, `get_timing.py`).

    Stretches of the user at most 0.6 s apart are joined, of the model 0.5 s. Stop latency is the length of every
    overlap, the shortest of those that end in the same millisecond. Response latency is the gap from the end of each
    of the user's stretches to the next beginning of the model's, and of several that lead to one beginning the
    shortest. A stretch after which the model never speaks has none and is left out. Departure: truth instead of
    Silero's opinion.
    """
    user, model = merged(tracks.user, USER_GAP_S), merged(tracks.agent, MODEL_GAP_S)
    return Version15(_overlaps(user, model), _gaps(user, model))


def _version_1(turns: Sequence[TurnRecord], purposes: tuple[Purpose | None, ...]) -> Version1:
    asked = [
        turn
        for turn in turns
        if turn.opened_by == "speech" and turn.user_speech_end_truth is not None and turn.purpose in purposes
    ]
    taken = [turn for turn in asked if _takes_over(turn)]
    gaps = [
        (turn.playout_audible - turn.user_speech_end_truth) / NS_PER_S
        for turn in taken
        if turn.playout_audible is not None and turn.user_speech_end_truth is not None
    ]
    clamped = sum(gap < 0 for gap in gaps)
    return Version1(Ratio(len(taken), len(asked)), mean_of([max(0.0, gap) for gap in gaps]), clamped)


def _takes_over(turn: TurnRecord) -> bool:
    if turn.playout_audible is None or turn.playout_stop is None:
        return False
    return (turn.playout_stop - turn.playout_audible) / NS_PER_S >= TAKEOVER_S


def _overlaps(user: Sequence[Heard], model: Sequence[Heard]) -> tuple[float, ...]:
    shortest: dict[int, float] = {}
    for said in user:
        for answer in model:
            start, stop = max(said.start, answer.start), min(said.stop, answer.stop)
            if stop > start:
                key = round(stop * 1000)
                shortest[key] = min(stop - start, shortest.get(key, stop - start))
    return tuple(shortest[key] for key in sorted(shortest))


def _gaps(user: Sequence[Heard], model: Sequence[Heard]) -> tuple[float, ...]:
    shortest: dict[int, float] = {}
    for said in user:
        begins = next((answer.start for answer in model if answer.start > said.stop), None)
        if begins is not None:
            key = round(begins * 1000)
            shortest[key] = min(begins - said.stop, shortest.get(key, begins - said.stop))
    return tuple(shortest[key] for key in sorted(shortest))

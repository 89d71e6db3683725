"""The turns that one wants to hear: the worst of a run, and their sound."""

from __future__ import annotations

import base64
import wave
from array import array
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import attrs

from engine.audio.resample import resample
from engine.audio.samples import pcm_of, samples_of
from engine.audio.wav import MAX_BYTES
from engine.lab.simulate.results import SESSIONS
from engine.latency.metrics import METRICS
from engine.latency.turns import TurnRecord
from engine.outside.files import inside, is_file_name, read_file
from engine.wire.formats import G711_ULAW
from engine.wire.units import NS_PER_S

MOST = 10
MOST_UNANSWERED = 5
"""At most so many of the worst are unanswered ones: silences sound alike."""
RATE = G711_ULAW.rate
BEFORE_S, USUALLY_S, MOST_S = 0.5, 10.0, 20.0
"""How much is heard before the turn, and how much in all: ten turns are 4.3 MB of page, and 8.6 MB if every one of them
has so long a gap that it takes more to hear both of its ends."""
_OF_EACH_END_S = 1.5
_CROSSINGS = 4
_MOST_CHANNELS = 2


@attrs.frozen
class WorstTurn:
    """One of the worst."""

    place: int
    """In the turns that were given."""
    turn: TurnRecord
    gap_s: float | None
    """None: nobody answered."""


def worst_of(turns: Sequence[TurnRecord]) -> tuple[WorstTurn, ...]:
    """The unanswered ones, then the longest gaps, at most `MOST` in all. Of turns that want an answer."""
    unanswered = [
        WorstTurn(place, turn, None)
        for place, turn in enumerate(turns)
        if turn.opened_by in ("speech", "text") and turn.wants_answer and not turn.answered
    ]
    slow = [
        WorstTurn(place, turn, gap)
        for place, turn in enumerate(turns)
        if turn.answered and turn.wants_answer and (gap := gap_of(turn)) is not None
    ]
    slow.sort(key=lambda worst: -(worst.gap_s or 0.0))
    first = unanswered[: max(MOST_UNANSWERED, MOST - len(slow))]
    return (*first, *slow)[:MOST]


def gap_of(turn: TurnRecord) -> float | None:
    """The turn's gap by the truth, or, where nobody knows that, by what the server heard."""
    gap = METRICS["turn_gap"].of(turn)
    return gap if gap is not None else METRICS["turn_gap_heard"].of(turn)


def excerpt_of(turn: TurnRecord) -> tuple[float, float]:
    """From when, and for how long, a turn is to be heard, in seconds: the whole of it, or else the end of what the user
    said, the gap, and how the answer begins."""
    starts = max(0.0, turn.began / NS_PER_S - BEFORE_S)
    stop = turn.playout_stop if turn.playout_stop is not None else turn.over
    ends = max(stop / NS_PER_S + BEFORE_S, starts + 1.0)
    audible = turn.playout_audible
    if ends - starts > USUALLY_S and audible is not None:
        ends = min(ends, max(starts + USUALLY_S, audible / NS_PER_S + _OF_EACH_END_S))
        said = turn.user_end if turn.user_end is not None else turn.speech_stopped
        if said is not None:
            starts = max(starts, min(ends - USUALLY_S, said / NS_PER_S - _OF_EACH_END_S))
    return starts, min(ends - starts, USUALLY_S if audible is None else MOST_S)


def sound_of(turn: TurnRecord, folder: Path) -> str | None:
    """The sound around a turn as a data URI: WAV, 8 kHz, caller left, agent right. None if it was not kept."""
    if not is_file_name(turn.session):
        return None
    started, lasts = excerpt_of(turn)
    try:
        held = read_file(inside(folder / SESSIONS, f"{turn.session}.wav"), most=MAX_BYTES)
        with wave.open(BytesIO(held), "rb") as file:
            rate, channels = file.getframerate(), file.getnchannels()
            if file.getsampwidth() != 2 or channels > _MOST_CHANNELS:
                return None
            file.setpos(min(round(started * rate), file.getnframes()))
            pcm = file.readframes(round(lasts * rate))
        return _data_uri(pcm, rate, channels) if pcm else None
    except (wave.Error, EOFError, OSError, ValueError, OverflowError):  # no sound, or none that this program wrote
        return None


def _data_uri(pcm: bytes, rate: int, channels: int) -> str:
    samples = samples_of(pcm[: len(pcm) - len(pcm) % (2 * channels)])
    sides = [samples_of(resample(pcm_of(samples[side::channels]), rate, RATE, crossings=_CROSSINGS))
             for side in range(channels)]  # fmt: skip
    mixed = array("h", bytes(2 * channels * len(sides[0])))
    for side, heard in enumerate(sides):
        mixed[side::channels] = heard
    written = BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(pcm_of(mixed))
    return f"data:audio/wav;base64,{base64.b64encode(written.getvalue()).decode()}"

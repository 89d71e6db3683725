"""Rates: shares of turns, beside the metrics, which only turns with an answer have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import cleandoc
from types import MappingProxyType
from typing import Final

import attrs

from engine.latency.metrics import span_s
from engine.latency.turns import TurnRecord

YIELD_WITHIN_S: Final = 2.0
"""How soon an agent has to fall silent for the user to count as let through: the window of tau-voice (yield rate,
arXiv 2603.13686)."""


@attrs.frozen
class Rate:
    """A share of turns."""

    name: str
    meaning: str
    of: Callable[[TurnRecord], bool]
    """Whether a turn counts at all."""
    hits: Callable[[TurnRecord], bool]
    """Whether it is one of those that are counted; asked only if it counts."""


_RATES: dict[str, Rate] = {}


def _rate(of: Callable[[TurnRecord], bool]) -> Callable[[Callable[[TurnRecord], bool]], Callable[[TurnRecord], bool]]:
    def register(hits: Callable[[TurnRecord], bool]) -> Callable[[TurnRecord], bool]:
        _RATES[hits.__name__] = Rate(hits.__name__, cleandoc(hits.__doc__ or ""), of, hits)
        return hits

    return register


def _by_user(turn: TurnRecord) -> bool:
    return turn.opened_by in ("speech", "text") and turn.wants_answer


def _barged_in(turn: TurnRecord) -> bool:
    at = turn.barge_in_truth if turn.barge_in_truth is not None else turn.barge_in_heard
    return at is not None and turn.barge_in_purpose not in ("backchannel", "noise")


@_rate(_by_user)
def response_rate(turn: TurnRecord) -> bool:
    """Share of the user's turns that were answered: something was heard of the agent, or, where it has no voice, read.

    Of: turns of speech or text, but for backchannels, noises, and what the application took back. A turn in which the
    log ends counts as unanswered: who hung up had been waiting.
    """
    return turn.answered


@_rate(_barged_in)
def yield_rate(turn: TurnRecord) -> bool:
    """Share of barge-ins that the agent made way for: it fell silent within two seconds of the user's first sound,
    or of the server's word where the line knows nothing, because it was interrupted.

    Of: turns during whose answer the user began to speak, but for backchannels and noises.
    """
    onset = turn.barge_in_truth if turn.barge_in_truth is not None else turn.barge_in_heard
    yielded = span_s(onset, turn.playout_stop)
    return turn.interruption is not None and yielded is not None and yielded <= YIELD_WITHIN_S


@_rate(lambda turn: turn.false_takeover is not None and turn.wants_answer)
def false_takeover_rate(turn: TurnRecord) -> bool:
    """Share of the user's spoken turns in which the agent began to be heard before the user had finished.

    Of: turns of which the line knows the end, but for backchannels and noises.
    """
    return turn.false_takeover is True


@_rate(lambda turn: turn.answered)
def interruption_rate(turn: TurnRecord) -> bool:
    """Share of answers that were cut short, by whomever.

    Of: answered turns.
    """
    return turn.interruption is not None


RATES: Final[Mapping[str, Rate]] = MappingProxyType(_RATES)

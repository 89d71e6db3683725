"""How well the word of a sentence that fits worst does fit: for words that the grammar does not know.

"My heart is broken" is "my charger is broken" to whoever knows a charger and no heart, with the grammar and without,
and the sentence as a whole fits well. Free phones in the time of that one word are still those of "heart".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from engine.local.speech.grammar import Grammar
from engine.local.speech.phones import distance
from engine.local.speech.searches import Path

LEAST_WORD_FIT = -1.8
"""Of 136 sentences said in three voices none has a word that fits worse (the worst: "service", -1.78); of 25 with a
foreign word that nothing else refused 11 have, "charger" for "heart" (-2.5) and "technical" for "political" (-2.0)
among them."""
_LONG, _LONG_IN_SLOTS = 6, 4
"""Phones of a word that can be judged: of short ones the free phones make anything. Foreign words come in slots."""
_DISTANCE_WEIGHT = 1.5


def judged_words(grammar: Grammar, pronounced: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The words that are long enough to be judged one by one; not digits, which run into each other."""
    in_slots = {word for values in grammar.slots.values() for value in values for word in value.split()}
    in_a_row = {word for slot, values in grammar.slots.items() if _repeated(grammar, slot) for word in values}
    return frozenset(
        word
        for word, phones in pronounced.items()
        if word not in in_a_row and len(phones) >= (_LONG_IN_SLOTS if word in in_slots else _LONG)
    )


def _repeated(grammar: Grammar, slot: str) -> bool:
    return any(f"{{{slot}}} {{{slot}}}" in template for template in grammar.templates)


def word_fit(sentence: Path, babble: Path, pronounced: Mapping[str, Sequence[str]]) -> float:
    """The more the better, for the worst of the words that are `pronounced`; infinity if the sentence has none."""
    spans = zip(sentence.spoken, sentence.starts, sentence.lengths, strict=True)
    return min(
        (
            _fit(sentence, babble, start, start + length, pronounced[word])
            for word, start, length in spans
            if word in pronounced
        ),
        default=math.inf,
    )


def _fit(sentence: Path, babble: Path, start: int, end: int, expected: Sequence[str]) -> float:
    better = sum(babble.scores[start:end]) - sum(sentence.scores[start:end])
    unlike = min(distance(heard, expected) for heard in _heard(babble, start, end))
    return -better / (end - start) - _DISTANCE_WEIGHT * unlike


def _heard(babble: Path, start: int, end: int) -> list[list[str]]:
    """The phones between two frames; those that reach across either may belong to the word or to its neighbour."""
    spans = [
        (phone, first, first + length)
        for phone, first, length in zip(babble.spoken, babble.starts, babble.lengths, strict=True)
        if first < end and first + length > start
    ]
    phones = [phone for phone, _, _ in spans]
    firsts = {0, int(bool(spans) and spans[0][1] < start)}
    lasts = {len(phones), len(phones) - int(bool(spans) and spans[-1][2] > end)}
    return [phones[first:last] for first in firsts for last in lasts]

"""Recognition: the sentences of a grammar, and nothing else presented as one. Runs in the hearing process.

Three searches hear every utterance. One can only say sentences of the grammar, so it always finds some. That this one
was really said is believed if

- the second, which may say the grammar's words in almost any order, has heard the same. A word that the grammar does
  not know, and a digit that might as well have been another, make the two fall apart;
- no word, long enough to tell, is unlike the phones that the third search has in the word's place. See `word_fit`;
- no value of a slot was said faster than anybody says it: three digits taken for four give themselves away by that;
- that third search, which may say any phones in any order and so always fits better, does not fit much better. See
  `trust`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from functools import partial
from itertools import pairwise

import attrs

from engine.local.speech.conditioning import conditioned
from engine.local.speech.copies import in_a_copy
from engine.local.speech.grammar import Grammar, sentence_pattern
from engine.local.speech.searches import RATE, Path, packed, searches, unpacked
from engine.local.speech.trust import LEAST_TRUST, trust
from engine.local.speech.word_fit import LEAST_WORD_FIT, judged_words, word_fit

_LEAST_FRAMES, _AROUND = 4.3, 2.5
"""Frames of 10 ms that each phone of a slot's value takes, and phones that beginning and ending take the time of."""
_LIGHT_PHONES = 2


@attrs.frozen
class Recognition:
    """What was heard."""

    text: str | None
    """The sentence; None if it was none of the grammar's."""
    guess: str | None = None
    """What it would have been, had it been one."""
    rival: str | None = None
    """What the words may have been, had there been no grammar."""
    unhurried: float = math.inf
    """Frames for each phone of the slot's value that was said fastest."""
    trust: float = -math.inf
    """How well the guess fits the sound."""
    word_fit: float = -math.inf
    """How well the word of the guess does that fits worst."""


class GrammarRecognizer:
    """Hears sentences of one grammar.

    Raises:
        SettingsError: a word of the grammar has no pronunciation.
    """

    def __init__(self, grammar: Grammar) -> None:
        self._pattern = sentence_pattern(grammar)
        self._searches = searches(grammar)
        self._values = grammar.values()
        pronounced = self._searches.pronounced
        self._light = light_words(pronounced, self._values)
        self._judged = {word: pronounced[word] for word in judged_words(grammar, pronounced)}

    def hear(self, pcm: bytes) -> Recognition:
        """Recognise one utterance of mono 16-bit PCM at RATE (24 kHz). Nothing of it is remembered."""
        utterance = conditioned(pcm, RATE)
        if utterance is None:
            return Recognition(None)
        sound, mean = utterance.searched, self._searches.mean(utterance.measured)
        # The search through the words takes as long as the two others: they run side by side.
        rival_search = in_a_copy(partial(self._rival, sound, mean))
        try:
            sentence = self._searches.sentences(sound, mean)
            babble = self._searches.phones(sound, mean)
        finally:
            found = rival_search()
        rival = unpacked(found)
        guess = sentence.text
        if guess is None or not self._pattern.fullmatch(guess):
            return Recognition(None, guess, rival.text)
        expected = self._phones_of(sentence)
        unhurried, trusted = self._unhurried(sentence), trust(sentence, babble, expected)
        worst = word_fit(sentence, babble, self._judged)
        agreed = self._weighty(rival) == self._weighty(sentence)
        believed = agreed and unhurried >= _LEAST_FRAMES and trusted >= LEAST_TRUST and worst >= LEAST_WORD_FIT
        return Recognition(guess if believed else None, guess, rival.text, unhurried, trusted, worst)

    def _rival(self, sound: bytes, mean: str) -> bytes:
        return packed(self._searches.words(sound, mean))

    def _phones_of(self, path: Path) -> list[str]:
        return [phone for word in path.spoken for phone in self._searches.pronounced[word]]

    def _weighty(self, path: Path) -> list[str]:
        """The phones that both must have heard. By sound, since a rival without grammar cannot tell "two" from "to"."""
        return [phone for word in path.spoken if word not in self._light for phone in self._searches.pronounced[word]]

    def _unhurried(self, sentence: Path) -> float:
        """Of values in a row two are judged together: where one ends and the next begins is a guess."""
        told = [
            (frames, len(self._searches.pronounced[word]) + _AROUND) if word in self._values else None
            for word, frames in zip(sentence.spoken, sentence.lengths, strict=True)
        ]
        pairs = list(pairwise([None, *told, None]))
        rates = [(a[0] + b[0]) / (a[1] + b[1]) for a, b in pairs if a and b]
        alone = [b[0] / b[1] for (a, b), (_, c) in pairwise(pairs) if b and not a and not c]
        return min(rates + alone, default=math.inf)


def light_words(pronounced: Mapping[str, Sequence[str]], values: Set[str]) -> frozenset[str]:
    """Words like "it" and "the", so short that they are heard or not by chance; none that sounds like a value."""
    weighty = {tuple(pronounced[value]) for value in values}
    return frozenset(
        word for word, phones in pronounced.items() if len(phones) <= _LIGHT_PHONES and tuple(phones) not in weighty
    )

"""What makes a sentence believed or not, on made-up paths: the whole of it, and its worst word."""

from __future__ import annotations

import math

import attrs

from engine.local.speech.grammar import Grammar
from engine.local.speech.phones import distance
from engine.local.speech.searches import Path
from engine.local.speech.trust import LEAST_TRUST, trust
from engine.local.speech.word_fit import LEAST_WORD_FIT, judged_words, word_fit

PRONOUNCED = {
    "my": ["M", "AY"],
    "charger": ["CH", "AA", "R", "JH", "ER"],
    "seven": ["S", "EH", "V", "AH", "N"],
    "order": ["AO", "R", "D", "ER"],
    "number": ["N", "AH", "M", "B", "ER"],
    "delivery": ["D", "IH", "L", "IH", "V", "ER", "IY"],
}
GRAMMAR = Grammar(
    ("my {product}", "my order number is {digit} {digit}", "my delivery"),
    {"product": ("charger",), "digit": ("seven",)},
)
EACH = 10


def path(*parts: str, score: float = -1.0, each: int = EACH) -> Path:
    """Parts of equal length, one after the other; "-" is silence."""
    said = [at for at, part in enumerate(parts) if part != "-"]
    return Path(
        text=" ".join(parts[at] for at in said) or None,
        scores=[score] * (each * len(parts)),
        silent=[part == "-" for part in parts for _ in range(each)],
        spoken=[parts[at] for at in said],
        starts=[at * each for at in said],
        lengths=[each] * len(said),
    )


def test_a_sentence_that_fits_like_free_phones_is_trusted() -> None:
    phones = PRONOUNCED["my"] + PRONOUNCED["order"]
    sentence, babble = path("-", "my", "order", "-", each=30), path("-", "-", "-", *phones, "-", "-", "-")
    assert trust(sentence, babble, phones) > LEAST_TRUST


def test_the_worst_stretch_counts_and_not_the_whole() -> None:
    phones = PRONOUNCED["delivery"] * 3
    sentence, babble = path("delivery", "delivery", "delivery", each=70), path(*phones)
    even = trust(sentence, babble, phones)
    sentence.scores[80:130] = [-5.0] * 50
    assert trust(sentence, babble, phones) == even - 4


def test_other_phones_are_trusted_less_and_silence_not_at_all() -> None:
    expected = PRONOUNCED["charger"]
    same, other = path(*expected), path("M", "IY", "L", "OW", "Z")
    sentence = path("charger", each=50)
    assert trust(sentence, other, expected) < trust(sentence, same, expected)
    assert trust(path("-", "-"), path("-", "-"), []) == -math.inf


def test_speech_that_the_sentence_leaves_to_silence_costs_trust() -> None:
    phones = PRONOUNCED["order"]
    covered, left = path("order", each=40), path("-", "order", each=20)
    assert trust(left, path(*phones), phones) < trust(covered, path(*phones), phones)


def test_long_words_are_judged_and_shorter_ones_in_slots_and_no_digits() -> None:
    assert judged_words(GRAMMAR, PRONOUNCED) == {"charger", "delivery"}


def test_a_foreign_word_between_known_ones_is_found() -> None:
    judged = {word: PRONOUNCED[word] for word in judged_words(GRAMMAR, PRONOUNCED)}
    sentence = path("delivery", "charger", "delivery", each=50)
    sentence.scores[50:100] = [-2.0] * 50
    around = PRONOUNCED["delivery"][:5]
    right = path(*around, *PRONOUNCED["charger"], *around)
    wrong = path(*around, "HH", "AA", "ER", "T", "IH", *around)
    assert word_fit(sentence, wrong, judged) < word_fit(sentence, right, judged)
    unlike = distance(["HH", "AA", "ER", "T", "IH"], PRONOUNCED["charger"])
    assert word_fit(sentence, wrong, judged) == -1 - 1.5 * unlike


def test_a_phone_across_the_edge_of_a_word_is_nobodys_fault() -> None:
    judged = {"charger": PRONOUNCED["charger"]}
    sentence = path("my", "charger", each=50)
    babble = path("M", "AY", "AY", "AY", "AY", *PRONOUNCED["charger"])
    assert word_fit(sentence, babble, judged) == 0
    late = attrs.evolve(babble, starts=[start + 4 for start in babble.starts])
    assert word_fit(sentence, late, judged) == 0


def test_a_sentence_of_short_words_has_no_word_to_judge() -> None:
    assert word_fit(path("my", "order"), path("M", "AY"), {}) == math.inf
    nothing_heard = word_fit(path("charger"), path("-"), {"charger": PRONOUNCED["charger"]})
    assert 0 > nothing_heard > LEAST_WORD_FIT

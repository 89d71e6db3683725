"""A grammar: its words, its network, and which sentences are whole ones."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import SettingsError
from engine.local.dialogue.description import customer_service
from engine.local.speech.grammar import END, START, Grammar, sentence_pattern
from engine.local.speech.pronunciation import pronunciations
from engine.local.speech.word_pairs import word_pairs

WORDS = st.sampled_from(["yes", "no", "order", "number", "please"])
SLOTS = {"digit": ("one", "two"), "city": ("rome", "new york")}
TOKENS = st.one_of(WORDS, st.sampled_from(["{digit}", "{city}"]))
TEMPLATES = st.lists(st.lists(TOKENS, min_size=1, max_size=4).map(" ".join), min_size=1, max_size=6, unique=True)


def sentences(grammar: Grammar) -> set[str]:
    """Every sentence, written out from the templates."""
    out: set[str] = set()
    for template in grammar.templates:
        partial = [""]
        for token in template.split():
            values = grammar.slots[token[1:-1]] if token.startswith("{") else (token,)
            partial = [f"{before} {value}".strip() for before in partial for value in values]
        out.update(partial)
    return out


def paths(grammar: Grammar) -> dict[str, float]:
    """Every sentence and its probability, read off the network."""
    arcs, states = grammar.network()
    following = defaultdict(list)
    for source, target, probability, word in arcs:
        assert max(source, target) < states
        following[source].append((target, probability, word))
    found: dict[str, float] = defaultdict(float)

    def walk(state: int, said: tuple[str, ...], probability: float) -> None:
        if state == END:
            found[" ".join(said)] += probability
        for target, likely, word in following[state]:
            walk(target, (*said, word) if word else said, probability * likely)

    walk(START, (), 1.0)
    return dict(found)


@given(TEMPLATES)
def test_the_network_says_exactly_the_sentences_of_the_grammar(templates: list[str]) -> None:
    grammar = Grammar(tuple(templates), SLOTS)
    said = paths(grammar)
    assert set(said) == sentences(grammar)
    assert sum(said.values()) == pytest.approx(1.0)


@given(TEMPLATES, st.lists(WORDS, max_size=4).map(" ".join))
def test_the_pattern_knows_whole_sentences(templates: list[str], text: str) -> None:
    grammar = Grammar(tuple(templates), SLOTS)
    pattern = sentence_pattern(grammar)
    everything = sentences(grammar)
    assert all(pattern.fullmatch(sentence) for sentence in everything)
    assert bool(pattern.fullmatch(text)) == (text in everything)


def test_words() -> None:
    assert Grammar(("from {city}",), SLOTS).words() == {"from", "rome", "new", "york"}


def test_pronunciations_with_variants_and_nothing_else(tmp_path: object) -> None:
    from pathlib import Path

    dictionary = Path(str(tmp_path)) / "dict"
    dictionary.write_text("the DH AH\nthe(2) DH IY\nthere DH EH R\n")
    assert pronunciations({"the"}, dictionary) == "the DH AH\nthe(2) DH IY\n"
    with pytest.raises(SettingsError, match="florp"):
        pronunciations({"the", "florp"}, dictionary)


def test_the_recogniser_can_pronounce_everything_that_the_demonstration_knows() -> None:
    pocketsphinx = pytest.importorskip("pocketsphinx", reason="the speech extra is not installed")
    from pathlib import Path

    dialogue = customer_service()
    grammar = Grammar(dialogue.templates, dialogue.slots)
    pronunciations(grammar.words(), Path(pocketsphinx.get_model_path()) / "en-us" / "cmudict-en-us.dict")


def test_word_pairs_may_follow_each_other_in_the_grammar() -> None:
    model = word_pairs(Grammar(("from {city}", "from home please"), SLOTS))
    pairs = model.split("\\2-grams:\n")[1].split("\n\n")[0].splitlines()
    assert [tuple(pair.split()[1:]) for pair in pairs] == [
        ("<s>", "from"),
        ("from", "home"),
        ("from", "new"),
        ("from", "rome"),
        ("home", "please"),
        ("new", "york"),
        ("please", "</s>"),
        ("rome", "</s>"),
        ("york", "</s>"),
    ]
    assert "ngram 1=8\nngram 2=9\n" in model


@given(TEMPLATES)
def test_every_sentence_of_the_grammar_is_made_of_word_pairs(templates: list[str]) -> None:
    grammar = Grammar(tuple(templates), SLOTS)
    pairs = {
        tuple(line.split()[1:]) for line in word_pairs(grammar).split("\\2-grams:\n")[1].split("\n\n")[0].splitlines()
    }
    for sentence in sentences(grammar):
        words = ["<s>", *sentence.split(), "</s>"]
        assert set(pairwise(words)) <= pairs

"""Word pairs: which word of a grammar may follow which, as a language model in the ARPA format.

It knows the same words as the grammar's network and is far less strict about their order: whoever listens with it hears
a sentence of the grammar only if that is what was said, and otherwise a salad of words that fits better.
"""

from __future__ import annotations

import math
from collections import defaultdict

from engine.local.speech.grammar import END, START, Grammar

_ANY_WORD = 0.1
"""How likely the next word is one that never follows in the grammar."""


def word_pairs(grammar: Grammar) -> str:
    """The model: after each word, those that may follow it are equally likely, and so are all others together."""
    following = _following(grammar)
    words = sorted(grammar.words())
    any_one = _log(1 / (len(words) + 1))
    pairs = [(word, after, len(nexts)) for word, nexts in sorted(following.items()) for after in sorted(nexts)]
    return "\n".join(
        [
            "\\data\\",
            f"ngram 1={len(words) + 2}",
            f"ngram 2={len(pairs)}",
            "\n\\1-grams:",
            f"-99 <s> {_log(_ANY_WORD)}",
            f"{any_one} </s> 0",
            *(f"{any_one} {word} {_log(_ANY_WORD)}" for word in words),
            "\n\\2-grams:",
            *(f"{_log((1 - _ANY_WORD) / count)} {word} {after}" for word, after, count in pairs),
            "\n\\end\\\n",
        ]
    )


def _following(grammar: Grammar) -> dict[str, set[str]]:
    arcs, _ = grammar.network()
    leaving: defaultdict[int, set[str]] = defaultdict(set)
    entering: defaultdict[int, set[str]] = defaultdict(set)
    entering[START].add("<s>")
    for source, target, _, word in arcs:
        leaving[source].add(word or "</s>")
        if word:
            entering[target].add(word)
            if target == END:
                leaving[END].add("</s>")
    following: defaultdict[str, set[str]] = defaultdict(set)
    for state, words in entering.items():
        for word in words:
            following[word] |= leaving[state]
    return following


def _log(probability: float) -> str:
    return f"{math.log10(probability):.4f}"

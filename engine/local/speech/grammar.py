"""Grammar: everything a caller may say, as sentence templates with slots, and as the network a recognizer searches."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import attrs

Arc = tuple[int, int, float, str]
"""From state, to state, probability, word; the empty word is a step that says nothing."""

START, END = 0, 1

_Tree = dict[str, "_Tree"]
_STOP = ""


@attrs.frozen
class Grammar:
    """Sentences in lower case, words apart by spaces; ``{slot}`` stands for any of the slot's values."""

    templates: tuple[str, ...]
    slots: Mapping[str, tuple[str, ...]]

    def words(self) -> set[str]:
        """Every word that can be said."""
        spoken = [text for template in self.templates for text in self._alternatives(template)]
        return {word for text in spoken for word in text.split()}

    def _alternatives(self, template: str) -> Iterator[str]:
        for token in template.split():
            yield from self.slots[token[1:-1]] if token.startswith("{") else (token,)

    def values(self) -> set[str]:
        """The words that are a slot's value by themselves: digits, cities of one word."""
        return {value for values in self.slots.values() for value in values if " " not in value}

    def network(self) -> tuple[list[Arc], int]:
        """Arcs from START to END, with common beginnings merged, and the number of states.

        Every sentence that begins in the same way is equally likely; so are the values of a slot.
        """
        tree: _Tree = {}
        for template in self.templates:
            at = tree
            for token in template.split():
                at = at.setdefault(token, {})
            at[_STOP] = {}
        return _Network(self.slots).of(tree)


class _Network:
    def __init__(self, slots: Mapping[str, tuple[str, ...]]) -> None:
        self._slots = slots
        self._arcs: list[Arc] = []
        self._states = END + 1

    def of(self, tree: _Tree) -> tuple[list[Arc], int]:
        self._grow(tree, START)
        return self._arcs, self._states

    def _new(self) -> int:
        self._states += 1
        return self._states - 1

    def _grow(self, tree: _Tree, state: int) -> None:
        total = _sentences(tree)
        for token, below in tree.items():
            if token == _STOP:
                self._arcs.append((state, END, 1 / total, ""))
                continue
            after = self._new()
            values = self._slots[token[1:-1]] if token.startswith("{") else (token,)
            for value in values:
                self._say(value.split(), state, after, _sentences(below) / total / len(values))
            self._grow(below, after)

    def _say(self, words: list[str], state: int, after: int, probability: float) -> None:
        for index, word in enumerate(words):
            target = after if index == len(words) - 1 else self._new()
            self._arcs.append((state, target, probability if index == 0 else 1.0, word))
            state = target


def _sentences(tree: _Tree) -> int:
    return sum(1 if token == _STOP else _sentences(below) for token, below in tree.items())


def sentence_pattern(grammar: Grammar) -> re.Pattern[str]:
    """Matches a whole sentence of the grammar."""
    slots = {name: "(?:" + "|".join(map(re.escape, values)) + ")" for name, values in grammar.slots.items()}
    sentences = (
        " ".join(slots[token[1:-1]] if token.startswith("{") else re.escape(token) for token in template.split())
        for template in grammar.templates
    )
    return re.compile("|".join(f"(?:{sentence})" for sentence in sentences))

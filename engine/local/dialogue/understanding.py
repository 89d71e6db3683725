"""From words to an intent and its slots.

Texts are compared as a recognizer writes them: lower case, no punctuation, digits as words. An intent's
templates are looked for in the text, the longest one that occurs wins; typed text that fits none is tried by
its words. Slot values are looked for anywhere in the text, and a place name that is on no list is taken from
typed text after "in".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

import attrs

from engine.local.dialogue.description import Dialogue, Intent

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_DIGIT_OF = {word: str(value) for value, word in enumerate(_DIGITS)} | {"oh": "0"}
_SLOT = re.compile(r"\{(\w+)\}")
_TYPED_PLACE = re.compile(r"\b(?:in|for|at|near) ([A-Z][\w'-]*(?: [A-Z][\w'-]*)*)")
_EXPANSIONS = {"what's": "what is", "where's": "where is", "how's": "how is", "i'd": "i would", "i'm": "i am",
               "it's": "it is", "that's": "that is", "don't": "do not", "doesn't": "does not", "can't": "cannot",
               "won't": "will not", "let's": "let us", "hasn't": "has not"}  # fmt: skip
NUMBER = "number"
"""The slot that runs of digits fill."""
_LEAST_DIGITS, _MOST_DIGITS = 3, 18
READ_CHARACTERS = 600
"""What is read of a text, in characters of `normalised`: what callers say is shorter, and each costs a search."""
_REMEMBERED = 1024


@attrs.frozen
class Understood:
    """What a text means. `values` has every slot value found, in the order of the text."""

    text: str
    intent: Intent | None
    values: Mapping[str, tuple[str, ...]]

    def value(self, slot: str) -> str | None:
        """The first value of a slot, or None."""
        found = self.values.get(slot)
        return found[0] if found else None


class Understanding:
    """Knows the phrases of one dialogue."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self._patterns = [
            (re.compile(rf"(?:^| ){_pattern(template, dialogue.slots)}(?:$| )"), intent)
            for intent in dialogue.intents
            for template in intent.templates
        ]
        self._values = {
            slot: re.compile(rf"(?:^|(?<= ))(?:{_alternatives(values)})(?=$| )")
            for slot, values in dialogue.slots.items()
        }

        self._known = lru_cache(maxsize=_REMEMBERED)(self._understood)

    def understand(self, text: str, *, typed: bool) -> Understood:
        """The meaning of `text`. Without an intent it was not understood.

        Remembered, because every response looks back on the conversation; and so that it costs no more for a long
        text, only its beginning is read, and remembered.
        """
        known = self._known(text[:READ_CHARACTERS], typed)
        return known if len(text) <= READ_CHARACTERS else attrs.evolve(known, text=text)

    def _understood(self, text: str, typed: bool) -> Understood:
        plain = normalised(text)[:READ_CHARACTERS]
        intent = self._by_template(plain)
        if intent is None and typed:
            intent = self._by_words(set(plain.split()))
        return Understood(text, intent, self._found(plain, text if typed else ""))

    def _by_template(self, plain: str) -> Intent | None:
        best: tuple[int, Intent] | None = None
        for pattern, intent in self._patterns:
            match = pattern.search(plain)
            if match is not None and (best is None or len(match.group().strip()) > best[0]):
                best = len(match.group().strip()), intent
        return best[1] if best is not None else None

    def _by_words(self, words: set[str]) -> Intent | None:
        best: tuple[int, Intent] | None = None
        for intent in self._dialogue.intents:
            for needed in intent.words:
                if words.issuperset(needed) and (best is None or len(needed) > best[0]):
                    best = len(needed), intent
        return best[1] if best is not None else None

    def _found(self, plain: str, typed: str) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for slot, pattern in self._values.items():
            values = tuple(dict.fromkeys(pattern.findall(plain)))
            if values and slot != "digit":
                found[slot] = values
        numbers = tuple(_numbers(plain.split()))
        if numbers:
            found[NUMBER] = numbers
        if typed and "city" in self._dialogue.slots and "city" not in found:
            places = tuple(dict.fromkeys(_TYPED_PLACE.findall(typed)))
            if places:
                found["city"] = places
        return found


def normalised(text: str) -> str:
    """Lower case, without punctuation, contractions written out, digits as words."""
    words = []
    for word in re.findall(r"[\w']+", text.lower().replace("’", "'")):
        if word in _EXPANSIONS:
            words.append(_EXPANSIONS[word])
        elif word.isascii() and word.isdigit():
            words.extend(_DIGITS[int(digit)] for digit in word)
        else:
            words.append(word.removesuffix("'s").replace("'", ""))
    return " ".join(words)


def _numbers(words: Iterable[str]) -> Iterable[str]:
    run = ""
    for word in (*words, ""):
        if word in _DIGIT_OF:
            run += _DIGIT_OF[word]
        elif run:
            if _LEAST_DIGITS <= len(run) <= _MOST_DIGITS:
                yield run
            run = ""


def _pattern(template: str, slots: Mapping[str, tuple[str, ...]]) -> str:
    parts = _SLOT.split(template)
    return "".join(
        f"(?:{_alternatives(slots[part])})" if index % 2 else re.escape(part) for index, part in enumerate(parts)
    )


def _alternatives(values: Iterable[str]) -> str:
    return "|".join(re.escape(value) for value in sorted(values, key=len, reverse=True))

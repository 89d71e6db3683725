"""How far what was babbled is from what a sentence sounds like: edit distance over phones.

Phones of one kind are half alike, because an unguided phone search confuses those first.
"""

from __future__ import annotations

from collections.abc import Sequence

_VOWELS = frozenset(["AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"])
_KINDS = (
    _VOWELS,
    frozenset(["P", "B", "T", "D", "K", "G"]),
    frozenset(["F", "V", "TH", "DH", "S", "Z", "SH", "ZH", "HH", "CH", "JH"]),
    frozenset(["M", "N", "NG"]),
    frozenset(["L", "R", "W", "Y", "ER"]),
)
_SAME_KIND, _OTHER_KIND, _GAP = 0.5, 1.0, 0.7


def distance(heard: Sequence[str], expected: Sequence[str]) -> float:
    """0 for the same phones, about 1 for phones that have nothing in common."""
    before = [_GAP * column for column in range(len(expected) + 1)]
    for row, phone in enumerate(heard, 1):
        line = [_GAP * row]
        for column, wanted in enumerate(expected, 1):
            changed = before[column - 1] + _unlike(phone, wanted)
            line.append(min(before[column] + _GAP, line[-1] + _GAP, changed))
        before = line
    return before[-1] / max(1, len(heard), len(expected))


def _unlike(a: str, b: str) -> float:
    if a == b:
        return 0.0
    return _SAME_KIND if any(a in kind and b in kind for kind in _KINDS) else _OTHER_KIND


def pronounced(dictionary: str) -> dict[str, list[str]]:
    """The first pronunciation of each word in a dictionary's lines."""
    return {word: phones for word, *phones in map(str.split, dictionary.splitlines()) if "(" not in word}

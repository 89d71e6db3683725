"""Sentences: where a text can be cut so that each part can be said by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.local.conversation.replies import CallTool, Reply, SayText

_SENTENCE = re.compile(r".+?(?:[.!?]+(?=\s|$)\s*|$)", re.DOTALL)


def sentences(text: str) -> list[str]:
    """The sentences of `text`, each with the space behind it; they join to the text again."""
    return _SENTENCE.findall(text)


def spoken_parts(text: str, longest: int) -> Iterator[str]:
    """Yield the sentences of `text`, those longer than `longest` characters in pieces, between words where they can."""
    for sentence in sentences(text):
        at = 0
        while len(sentence) - at > longest:
            space = sentence.rfind(" ", at, at + longest)
            end = space + 1 if space > at else at + longest
            yield sentence[at:end]
            at = end
        yield sentence[at:]


def by_sentence(reply: Reply) -> Reply:
    """The same reply with a message for each sentence."""
    parts: list[SayText | CallTool] = []
    for part in reply:
        if isinstance(part, SayText):
            parts.extend(SayText(sentence.strip()) for sentence in sentences(part.text))
        else:
            parts.append(part)
    return tuple(parts)

"""Text as rich prints it: whatever comes from outside becomes a `Text` here."""

from __future__ import annotations

from rich.text import Text

from engine.outside.printable import printable


def shown(text: str, style: str = "") -> Text:
    """Return a text in a style. Nothing in it is taken for markup, and a terminal obeys nothing in it."""
    return Text(printable(text), style)


def joined(*parts: tuple[str, str]) -> Text:
    """Return texts in their styles, one behind the other."""
    return Text().join(shown(text, style) for text, style in parts)

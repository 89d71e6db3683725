"""What docstrings say: a description, and a text for each parameter (Google, NumPy and Sphinx style).

`docstring_parser` reads them. It is imported when a docstring of more than one line has to be read, not before.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Literal, get_args

import attrs

from engine._messages import suggest
from engine.errors import SettingsError

DocstringStyle = Literal["google", "numpy", "sphinx"]


@attrs.frozen
class DocText:
    """A docstring, read."""

    description: str = ""
    parameters: Mapping[str, str] = attrs.field(factory=dict)


def check_style(style: object) -> None:
    """Raises `SettingsError` for a style that is not known. None means: find out."""
    if style is not None and style not in get_args(DocstringStyle):
        raise SettingsError(f"docstring_style: {style!r} is not a style{suggest(style, get_args(DocstringStyle))}")


def read(doc: str | None, style: DocstringStyle | None = None) -> DocText:
    """Read a docstring. Without a style, the one that understands most of it is taken."""
    text = inspect.cleandoc(doc or "").strip()
    if "\n" not in text:
        return DocText(text)
    from docstring_parser import ParseError, Style, parse

    styles = {None: Style.AUTO, "google": Style.GOOGLE, "numpy": Style.NUMPYDOC, "sphinx": Style.REST}
    try:
        parsed = parse(text, styles[style])
    except ParseError:
        return DocText(text)
    parts = (parsed.short_description, parsed.long_description)
    texts = {entry.arg_name.lstrip("*"): " ".join((entry.description or "").split()) for entry in parsed.params}
    return DocText("\n\n".join(part.strip() for part in parts if part), texts)


def read_class(cls: type) -> DocText:
    """Read a class's own docstring, unless a decorator wrote it."""
    doc = cls.__dict__.get("__doc__")
    return DocText() if not isinstance(doc, str) or doc.startswith(f"{cls.__name__}(") else read(doc)

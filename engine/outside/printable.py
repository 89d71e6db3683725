"""Text that somebody else wrote, as it may be shown: on a terminal, in a transcript, in a log, in a message.

What a terminal obeys or hides is taken out: escape sequences, control characters, overrides of the writing direction,
characters without a width. Letters, accents, emoji and right-to-left scripts stay as they are.
"""

from __future__ import annotations

import re

_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, movements, erasing
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]"  # the others
)
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]")
_JOINS = "\u0600-\u08ff\u0900-\u0dff\u2190-\u2bff\ufb50-\ufdff\ufe0f\ufe70-\ufefe\U0001f000-\U0001faff"
"""Letters and emoji after which a joiner or a non-joiner is part of the spelling."""
_HIDDEN = re.compile(
    "[\0-\x08\x0e-\x1f\x7f-\x9f"  # C0 but for tab and line feed, DEL, C1
    "\xad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    f"|(?<![{_JOINS}])[\u200c\u200d]"
    "|[\ufe00-\ufe0f](?=[\ufe00-\ufe0f])"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_TABS = re.compile("\t")
_BREAKS = re.compile(r"\n+")
_ESCAPED_IN_JSON = re.compile(
    "[\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U000e0000-\U000e0fff]"
)
_CUT = "…"


def printable(text: str) -> str:
    """Return the text without what a terminal would obey or hide. Line ends of every kind are `\\n`, tabs are spaces,
    lone surrogates `?`."""
    if text.isascii() and text.isprintable():
        return text
    text = _SEQUENCES.sub("", text)
    text = _LINE_ENDS.sub("\n", text)
    text = _HIDDEN.sub("", text)
    text = _TABS.sub(" ", text)
    return _SURROGATES.sub("?", text)


def one_line(text: str, longest: int | None = None) -> str:
    """Return the text as `printable` has it, on one line: line breaks become spaces. Of a text that is longer than
    `longest` characters the beginning is kept, and `…` says so."""
    if longest is not None and len(text) > longest:
        text = text[:longest] + _CUT
    if text.isascii() and text.isprintable():
        return text
    return _BREAKS.sub(" ", printable(text))


def excerpt(text: str, longest: int) -> str:
    """Return the text as `printable` has it, cut after `longest` characters with `…` if it is longer."""
    return printable(text if len(text) <= longest else text[:longest] + _CUT)


def escape_json(data: bytes) -> bytes:
    """Return the same JSON, in UTF-8, with what a terminal would obey or hide written as escapes of JSON.

    JSON itself escapes only the controls below a space.
    """
    if data.isascii() and b"\x7f" not in data:
        return data
    return _ESCAPED_IN_JSON.sub(_escape, data.decode("utf-8")).encode("utf-8")


def _escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))

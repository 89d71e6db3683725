"""A dialogue as it is written down: intents, what callers say, which tools serve them, and what is answered.

Written in TOML; `customer_service.toml` beside this file is the one that ships and explains every key. A
mistake in a description is a `SettingsError` that names the place; `cattrs` lists all of them at once, where
`engine.wire.check` stops at the first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import attrs
from cattrs import BaseValidationError, Converter, transform_error

from engine.errors import SettingsError
from engine.outside.files import read_file
from engine.outside.toml_text import MAX_CHARACTERS, NotToml, parse_toml

_SHIPPED = "customer_service.toml"
_SLOT = re.compile(r"\{(\w+)\}")


@attrs.frozen
class SlotNeed:
    """A slot that an intent's tool needs.

    `parameters` is a regular expression for the names of tool parameters that the slot may fill; `ask` is the
    question for a value that nobody gave; `recall` looks for one in what the user said before.
    """

    slot: str
    parameters: str
    ask: str
    recall: bool = False


@attrs.frozen
class ResultPhrase:
    """An answer from a tool's output: used if all its fields are there."""

    text: str


@attrs.frozen
class Intent:
    """Something a caller may want."""

    name: str
    say: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    words: tuple[tuple[str, ...], ...] = ()
    tools: tuple[str, ...] = ()
    slots: tuple[SlotNeed, ...] = ()
    results: tuple[ResultPhrase, ...] = ()
    department: str | None = None
    each: str | None = None
    """The slot of which several values mean several calls."""
    transfer: bool = False
    """The caller names a department to be handed over to."""
    completes: bool = False
    """A bare value: it answers the question that was asked last."""
    repeat: bool = False
    """The assistant's last words again."""


@attrs.frozen
class Dialogue:
    """A whole description."""

    name: str
    intents: tuple[Intent, ...]
    slots: Mapping[str, tuple[str, ...]]
    departments: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    not_understood: tuple[str, ...] = ("Sorry, I did not catch that.",)
    echo: str = "You said: {text}"
    unavailable: str = "I am sorry, I cannot do that from here."
    transferred: str = "Hello, you are through to {assistant}. How can I help you?"
    continued: str = "Hello, you are through to {assistant}."
    no_department: str = "I am sorry, I cannot transfer you there."
    failed: str = "I am sorry, that did not work."
    picture: str = "Thank you for the picture."

    @property
    def templates(self) -> tuple[str, ...]:
        """Everything a caller may say, with slots in braces: what a recognizer has to know."""
        return tuple(dict.fromkeys(template for intent in self.intents for template in intent.templates))

    def intent(self, name: str) -> Intent | None:
        """The intent of this name, or None."""
        return next((intent for intent in self.intents if intent.name == name), None)


def customer_service() -> Dialogue:
    """The dialogue that ships."""
    text = resources.files(__package__).joinpath(_SHIPPED).read_text(encoding="utf-8")
    return parse_dialogue(text, _SHIPPED)


def load_dialogue(path: Path) -> Dialogue:
    """Read a description from a file.

    Raises:
        SettingsError: the file cannot be read, or is not a description.
    """
    try:
        text = read_file(path, most=4 * MAX_CHARACTERS).decode("utf-8")
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{path}, line {line}: it is not UTF-8: {error.reason}") from error
    return parse_dialogue(text, str(path))


def parse_dialogue(text: str, place: str) -> Dialogue:
    """Read a description; `place` names it in errors.

    Raises:
        SettingsError: it is not TOML, or not a description.
    """
    try:
        dialogue = _CONVERTER.structure(parse_toml(text), Dialogue)
    except NotToml as error:
        at = "" if error.line is None else f" (at line {error.line}, column {error.column or 1})"
        raise SettingsError(f"{place} is not TOML: {error}{at}") from error
    except BaseValidationError as error:
        raise SettingsError(f"{place}: {'; '.join(transform_error(error, path='dialogue'))}") from error
    _check(dialogue, place)
    return dialogue


def _check(dialogue: Dialogue, place: str) -> None:
    for intent in dialogue.intents:
        used = {slot for template in intent.templates for slot in _SLOT.findall(template)}
        unknown = sorted(used - dialogue.slots.keys())
        if unknown:
            raise SettingsError(f"{place}: intent '{intent.name}' uses the unknown slot '{unknown[0]}'")
        if intent.department is not None and intent.department not in dialogue.departments:
            raise SettingsError(f"{place}: intent '{intent.name}' names the unknown department '{intent.department}'")
        for pattern in (*intent.tools, *(need.parameters for need in intent.slots)):
            try:
                re.compile(pattern)
            except (re.error, OverflowError, RecursionError) as error:
                raise SettingsError(f"{place}: intent '{intent.name}': '{pattern}': {error}") from error


_CONVERTER = Converter(forbid_extra_keys=True)

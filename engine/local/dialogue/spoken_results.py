"""What is said when a tool has answered: a phrase of the dialogue filled from the output, or the output in
words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import islice

from engine.local.conversation.replies import Called
from engine.local.dialogue.description import Dialogue, Intent
from engine.outside.json_text import NotJson, parse_json

_FIELD = re.compile(r"\{(\w+)(?::(digits))?\}")
_LONGEST_SPOKEN = 600
"""Characters: nobody listens to more of a raw output."""
_MOST_SPOKEN = 50
"""Members of an object or a list: nobody remembers more."""
_DEEPEST_SPOKEN = 8
_NOTHING_TO_TELL = "Done."
_NOT_JSON = object()


def spoken_result(dialogue: Dialogue, intent: Intent | None, call: Called | None, output: str) -> str:
    """The answer in words."""
    parsed = _json(output)
    if isinstance(parsed, Mapping):
        problem = parsed.get("error")
        if problem:
            return f"{dialogue.failed} {_sentence(_in_words(problem))}"
        fields = {**_arguments(call), **_aliases(intent, call), **parsed}
        for result in intent.results if intent is not None else ():
            filled = fill(result.text, fields)
            if filled is not None:
                return filled
        named = islice(parsed.items(), _MOST_SPOKEN)
        told = " ".join(_sentence(f"{_words(name)} is {_in_words(value)}") for name, value in named)
        return told or _NOTHING_TO_TELL
    said = output.strip() if parsed is _NOT_JSON else "" if parsed is None else _in_words(parsed)
    return _sentence(said[:_LONGEST_SPOKEN]) if said else _NOTHING_TO_TELL


def fill(text: str, fields: Mapping[str, object]) -> str | None:
    """`text` with its fields filled, or None if one is missing. `{order:digits}` is read out digit by
    digit."""
    missing = False

    def value_of(match: re.Match[str]) -> str:
        nonlocal missing
        value = fields.get(match[1])
        if value is None:
            missing = True
            return ""
        said = _in_words(value)
        return " ".join(said) if match[2] and said.isdigit() else said

    filled = _FIELD.sub(value_of, text)
    return None if missing else filled


def _json(output: str) -> object:
    """What the output holds if it is JSON, or `_NOT_JSON`."""
    try:
        parsed: object = parse_json(output)
    except NotJson:
        return _NOT_JSON
    return parsed


def _arguments(call: Called | None) -> dict[str, object]:
    parsed = _json(call.arguments) if call is not None else _NOT_JSON
    return dict(parsed) if isinstance(parsed, Mapping) else {}


def _aliases(intent: Intent | None, call: Called | None) -> dict[str, object]:
    """The arguments under the names of the slots that they were filled from."""
    aliases: dict[str, object] = {}
    for name, value in _arguments(call).items():
        for need in intent.slots if intent is not None else ():
            if re.fullmatch(need.parameters, name.lower()):
                aliases.setdefault(need.slot, value)
    return aliases


def _in_words(value: object, depth: int = 0) -> str:
    if depth > _DEEPEST_SPOKEN:
        return "more"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        named = islice(value.items(), _MOST_SPOKEN)
        return _brief(f"{_words(str(name))} {_in_words(each, depth + 1)}" for name, each in named)
    if isinstance(value, list):
        return _brief(_in_words(each, depth + 1) for each in value[:_MOST_SPOKEN]) or "nothing"
    return "nothing" if value is None else str(value)[:_LONGEST_SPOKEN]


def _brief(parts: Iterable[str]) -> str:
    """Join parts, as many as anybody listens to."""
    taken: list[str] = []
    length = 0
    for part in parts:
        taken.append(part)
        length += len(part)
        if length > _LONGEST_SPOKEN:
            break
    return ", ".join(taken)


def _words(name: str) -> str:
    return re.sub(r"[_\s]+", " ", name).strip()


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."

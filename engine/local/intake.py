"""What a client sent, held against its quotas before it is taken apart: a message may cost no more than it may hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import orjson

from engine.local.conversation.errors import INVALID_REQUEST
from engine.local.settings.quotas import Quotas
from engine.wire.client_decoding import BINARY_FRAME, ClientError, decode_client
from engine.wire.client_events import ClientEvent, InputAudioBufferAppend

_SURELY_FITS = 2_000
"""Characters of a message that cannot exceed any quota. Audio of 20 ms has 1,300."""
_APPEND = f'"{InputAudioBufferAppend.type}"'
_ENDS = 200
"""Characters at both ends of a message within which its type stands, as programs write it."""
_NO_TEXTS = frozenset(("audio", "image_url"))
"""Members whose strings are no texts."""

_Json: TypeAlias = "str | int | float | bool | list[_Json] | dict[str, _Json] | None"


def read_client(message: str | bytes, quotas: Quotas) -> ClientEvent | ClientError:
    """Return the event in one message, or the error for what is wrong with it, or too much. Never raises."""
    if not isinstance(message, str):
        return BINARY_FRAME
    if len(message) > _SURELY_FITS:
        refusal = _too_much(message, quotas)
        if refusal is not None:
            return refusal
    return decode_client(message)


def _too_much(message: str, quotas: Quotas) -> ClientError | None:
    values = message.count(",") + message.count("[") + message.count("{")
    if values > quotas.event_values:
        text = f"Invalid event: it holds more than {quotas.event_values} values."
        return ClientError(INVALID_REQUEST, "event_above_max_values", text)
    if values < 8 and (_APPEND in message[:_ENDS] or _APPEND in message[-_ENDS:]):
        return None  # audio, whose length is checked where it is read
    try:
        payload: _Json = orjson.loads(message)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(payload, dict):
        return None
    event_id = payload.get("event_id")
    named = event_id if isinstance(event_id, str) else None
    for param, count, most in _lists(payload, quotas):
        if count > most:
            text = f"Invalid '{param}': array too long. Expected at most {most} elements, but got {count} instead."
            return ClientError(INVALID_REQUEST, "array_above_max_length", text, param, named)
    texts, others = _characters(payload)
    most_audio = quotas.item_audio_bytes * 4 // 3 + 4
    for kind, length, most in (("texts", texts, quotas.text_characters), ("audio and images", others, most_audio)):
        if length > most:
            text = (
                f"Invalid event: its {kind} are too long. Expected at most {most} characters, but got {length} instead."
            )
            return ClientError(INVALID_REQUEST, "string_above_max_length", text, None, named)
    return None


def _lists(payload: dict[str, _Json], quotas: Quotas) -> Iterator[tuple[str, int, int]]:
    """Yield the path, the length and the greatest length of each list of an event that has one."""
    for param, most in (
        (("session", "tools"), quotas.tools),
        (("response", "tools"), quotas.tools),
        (("response", "input"), quotas.input_items),
        (("item", "content"), quotas.content_parts),
    ):
        inside = payload.get(param[0])
        found = inside.get(param[1]) if isinstance(inside, dict) else None
        if isinstance(found, list):
            yield ".".join(param), len(found), most
            if param[1] == "input":
                for index, item in enumerate(found[:most]):
                    content = item.get("content") if isinstance(item, dict) else None
                    if isinstance(content, list):
                        yield f"response.input[{index}].content", len(content), quotas.content_parts


def _characters(payload: dict[str, _Json]) -> tuple[int, int]:
    """Return how many characters the texts of an event have, and its other strings."""
    texts = others = 0
    waiting: list[_Json] = [payload]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            texts += len(value)
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            for name, inner in value.items():
                if name in _NO_TEXTS and isinstance(inner, str):
                    others += len(inner)
                else:
                    texts += len(name)
                    waiting.append(inner)
    return texts, others

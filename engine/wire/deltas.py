"""Deltas, read by hand: audio, which is most of the bytes, and text as it grows, which is most of the events.

Only as OpenAI writes them. Whatever is unusual about one is left to the converter, which gives the same for the rest.
"""

from collections.abc import Callable
from operator import itemgetter
from typing import Any, TypeVar

import orjson
import pybase64

from engine.wire.beta import EVENT_NAMES
from engine.wire.server_response import (
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputTextDelta,
)
from engine.wire.struct import UNSET

Payload = dict[str, Any]
T = TypeVar("T")
TextDelta = ResponseOutputAudioTranscriptDelta | ResponseOutputTextDelta

_AUDIO_DELTA = (
    ResponseOutputAudioDelta.type,
    *(beta for beta, name in EVENT_NAMES.items() if name == ResponseOutputAudioDelta.type),
)
AUDIO = 'audio.delta"'
"""How the type of an audio delta ends, and no other."""

_KEY = '"delta":"'
_CUT = "*"
"""Stands where base64 was cut out; base64 has no such character."""

TYPE_WITHIN, _KEY_WITHIN = 128, 1024
"""Characters, from the beginning: the type comes first, and ids have at most a few dozen characters."""


_FIELDS = ("delta", "response_id", "item_id", "output_index", "content_index", "event_id")
_audio_fields = itemgetter("type", *_FIELDS)
_text_fields = itemgetter(*_FIELDS)


def audio_delta_in(text: str) -> ResponseOutputAudioDelta | None:
    """The audio delta that `text`, which has `AUDIO` in its beginning, probably is.

    The base64 is cut out before JSON is parsed: its 16,000 characters would be scanned and copied for nothing. That is
    safe: in valid JSON the last quote of the key opens a string, and in base64 there are no quotes and no escapes.
    """
    begin = text.find(_KEY, 0, _KEY_WITHIN) + len(_KEY)
    end = text.find('"', begin)
    if begin < len(_KEY) or end < 0:
        return None
    try:
        payload = orjson.loads(f"{text[:begin]}{_CUT}{text[end:]}")
        audio = pybase64.b64decode(text[begin:end], validate=True)
        name, delta, response_id, item_id, output_index, content_index, event_id = _audio_fields(payload)
    except (ValueError, TypeError, KeyError):
        return None
    if (
        delta == _CUT
        and name in _AUDIO_DELTA
        and type(response_id) is str
        and type(item_id) is str
        and type(output_index) is int
        and type(content_index) is int
        and type(event_id) is str
    ):
        return ResponseOutputAudioDelta(response_id, item_id, output_index, content_index, audio, event_id=event_id)
    return None


def text_delta(cls: type[TextDelta], unusual: Callable[[Payload], T]) -> Callable[[Payload], TextDelta | T]:
    """How the payload of a `cls` is read: by hand, or by `unusual` if that is what it is."""

    def read(payload: Payload) -> TextDelta | T:
        try:
            delta, response_id, item_id, output_index, content_index, event_id = _text_fields(payload)
        except KeyError:
            return unusual(payload)
        obfuscation = payload.get("obfuscation", UNSET)
        if (
            type(delta) is str
            and type(response_id) is str
            and type(item_id) is str
            and type(output_index) is int
            and type(content_index) is int
            and type(event_id) is str
            and (type(obfuscation) is str or obfuscation is UNSET)
        ):
            return cls(
                response_id, item_id, output_index, content_index, delta, obfuscation=obfuscation, event_id=event_id
            )
        return unusual(payload)

    return read

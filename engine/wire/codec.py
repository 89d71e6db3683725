"""Wire text to events and back: `decode_server` and `encode_client` for a client, the other two for a server.

Deltas are read by hand (see `deltas`), and audio is written by hand; everything else goes through the converter.
Decoding never raises. Encoding raises TypeError for what JSON cannot hold (a lone surrogate, an integer beyond 64
bits, more than 254 levels), which only text and raw payloads of an application can bring in.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

import orjson
import pybase64
from cattrs import BaseValidationError, transform_error

from engine._messages import json_type
from engine.secret.value import Secret
from engine.wire import beta
from engine.wire.client_decoding import BINARY_FRAME, ClientError, decode_client
from engine.wire.client_events import ClientEvent, InputAudioBufferAppend, RawClientEvent
from engine.wire.converter import converter
from engine.wire.deltas import AUDIO, TYPE_WITHIN, audio_delta_in, text_delta
from engine.wire.server_events import (
    SERVER_EVENTS,
    ConversationItemInputAudioTranscriptionCompleted,
    KnownServerEvent,
    MalformedEvent,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputTextDelta,
    ServerEvent,
    UnknownEvent,
)
from engine.wire.struct import UNSET

__all__ = ["BINARY_FRAME", "ClientError", "decode_client", "decode_server", "encode_client", "encode_server"]

_Payload = dict[str, Any]
_Builder = Callable[[_Payload], KnownServerEvent]


# ------------------------------------------------------------------------------------------------ reading
def decode_server(text: str | bytes) -> ServerEvent:
    """The event in one message: an `UnknownEvent` if we do not know its type, a `MalformedEvent` if it is broken."""
    if type(text) is str and text.find(AUDIO, 0, TYPE_WITHIN) >= 0 and (audio := audio_delta_in(text)) is not None:
        return audio
    try:
        payload = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return MalformedEvent(f"not JSON: {error}", text)
    if type(payload) is not dict:
        return MalformedEvent(f"not a JSON object but {json_type(payload)}", text)
    name = payload.get("type")
    if type(name) is not str:
        return MalformedEvent("no type", text)
    build = _BUILDERS.get(name)
    if build is None:
        return UnknownEvent(name, payload)
    try:
        return build(payload)
    except (BaseValidationError, TypeError, ValueError) as error:
        event_id, response_id = _text_at(payload, "event_id"), _response_id(payload)
        reason = f"{name}: {_reason(error)}"
        return MalformedEvent(reason, text, type=name, event_id=event_id, response_id=response_id)


def _response_id(payload: _Payload) -> str:
    response = payload.get("response")
    return _text_at(response, "id") if isinstance(response, dict) else _text_at(payload, "response_id")


def _text_at(payload: _Payload, key: str) -> str:
    value = payload.get(key)
    return value if type(value) is str else ""


def _reason(error: Exception) -> str:
    if isinstance(error, BaseValidationError):
        return "; ".join(transform_error(error, path="event", format_exception=_reason_at_field))
    return str(error)


def _reason_at_field(error: BaseException, _: object) -> str:
    return f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)


def _generic(cls: Any) -> _Builder:
    # Made when it is first needed: to make all of them takes longer than to import everything else.
    reader = lru_cache(maxsize=1)(partial(converter.get_structure_hook, cls))

    def build(payload: _Payload) -> KnownServerEvent:
        if payload.get("event_id") is None:
            payload["event_id"] = ""
        built: KnownServerEvent = reader()(payload, cls)
        return built

    return build


_BUILDERS: dict[str, _Builder] = {cls.type: _generic(cls) for cls in SERVER_EVENTS}
_BUILDERS |= {
    cls.type: text_delta(cls, _generic(cls)) for cls in (ResponseOutputAudioTranscriptDelta, ResponseOutputTextDelta)
}
_BUILDERS |= {old: _BUILDERS[new] for old, new in beta.EVENT_NAMES.items()}


def _growing(build: _Builder) -> _Builder:
    return lambda payload: build({**payload, "status": "in_progress"})


_BUILDERS["conversation.item.input_audio_transcription.updated"] = _growing(
    _BUILDERS[ConversationItemInputAudioTranscriptionCompleted.type]
)
"""xAI tells the whole of what the user has said so far under a name of its own."""


# ------------------------------------------------------------------------------------------------ writing
_APPEND_HEAD = b'{"type":"input_audio_buffer.append","audio":"'


def encode_client(event: ClientEvent, opened: Callable[[Secret], str] = Secret.reveal) -> bytes:
    """One client event as JSON text in UTF-8. `opened` gives what is written for a secret: its text, for the wire."""
    if type(event) is InputAudioBufferAppend and event.event_id is UNSET:
        return _APPEND_HEAD + pybase64.b64encode(event.audio) + b'"}'
    default = partial(_plain, opened)
    if isinstance(event, RawClientEvent):
        return orjson.dumps(event.payload, default=default)
    return orjson.dumps(converter.unstructure(event), default=default)


def encode_server(event: ServerEvent, opened: Callable[[Secret], str] = Secret.reveal) -> bytes:
    """One server event as the service would write it, in UTF-8. What was not understood is written as it came.
    `opened`: see `encode_client`."""
    if type(event) is ResponseOutputAudioDelta:
        return _encode_audio_delta(event)
    if isinstance(event, MalformedEvent):
        return event.raw.encode() if isinstance(event.raw, str) else event.raw
    default = partial(_plain, opened)
    if isinstance(event, UnknownEvent):
        return orjson.dumps(event.raw, default=default)
    return orjson.dumps(converter.unstructure(event), default=default)


def _encode_audio_delta(event: ResponseOutputAudioDelta) -> bytes:
    head = orjson.dumps(
        {
            "type": event.type,
            "event_id": event.event_id,
            "response_id": event.response_id,
            "item_id": event.item_id,
            "output_index": event.output_index,
            "content_index": event.content_index,
        }
    )
    return head[:-1] + b',"delta":"' + pybase64.b64encode(event.delta) + b'"}'


def _plain(opened: Callable[[Secret], str], value: object) -> object:
    """Return JSON values for mappings that are not dicts, which an application may put into raw payloads and schemas,
    and for secrets what `opened` gives."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Secret):
        return opened(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")

"""Wire text to events and back. `decode_server` and `encode_client` are what a client needs; the other two make a server.

The events that a conversation consists of by number (audio both ways, text-like deltas) are built by hand; everything else
goes through the converter. Decoding never raises.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pybase64
from cattrs import BaseValidationError, transform_error

from engine.wire import beta
from engine.wire.client_events import ClientEvent, InputAudioBufferAppend, RawClientEvent
from engine.wire.converter import converter
from engine.wire.server_events import (
    SERVER_EVENTS,
    ConversationItemInputAudioTranscriptionDelta,
    KnownServerEvent,
    MalformedEvent,
    ResponseFunctionCallArgumentsDelta,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputTextDelta,
    ServerEvent,
    UnknownEvent,
)
from engine.wire.unset import UNSET

_Payload = dict[str, Any]
_Builder = Callable[[_Payload], KnownServerEvent]


# ------------------------------------------------------------------------------------------------ server to client
def decode_server(text: str | bytes) -> ServerEvent:
    """The event in one message. What we do not know is an `UnknownEvent`, what is broken a `MalformedEvent`; never raises."""
    try:
        payload = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return MalformedEvent(f"not JSON: {error}", text)
    if type(payload) is not dict:
        return MalformedEvent(f"not an object but {type(payload).__name__}", text)
    name = payload.get("type")
    if type(name) is not str:
        return MalformedEvent("no type", text)
    builder = _BUILDERS.get(name)
    if builder is None:
        return UnknownEvent(name, payload)
    try:
        return builder(payload)
    except (BaseValidationError, TypeError, ValueError, KeyError) as error:
        event_id = payload.get("event_id")
        return MalformedEvent(
            f"{name}: {_reason(error)}",
            text,
            type=name,
            event_id=event_id if type(event_id) is str else "",
        )


def _reason(error: Exception) -> str:
    if isinstance(error, BaseValidationError):
        return "; ".join(transform_error(error, path="", format_exception=_reason_at))
    if isinstance(error, KeyError):
        return f"{error.args[0]} is missing"
    return str(error)


def _reason_at(error: BaseException, _: object) -> str:
    return f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)


def _id_of(payload: _Payload) -> str:
    event_id = payload.get("event_id")
    return event_id if type(event_id) is str else ""


def _audio_delta(payload: _Payload) -> KnownServerEvent:
    return ResponseOutputAudioDelta(
        payload["response_id"],
        payload["item_id"],
        payload.get("output_index", 0),
        payload.get("content_index", 0),
        pybase64.b64decode(payload["delta"], validate=True),
        event_id=_id_of(payload),
    )


def _generic(cls: Any) -> _Builder:
    structure = converter.get_structure_hook(cls)

    def build(payload: _Payload) -> KnownServerEvent:
        if payload.get("event_id") is None:
            payload["event_id"] = ""
        built: KnownServerEvent = structure(payload, cls)
        return built

    return build


_BUILDERS: dict[str, _Builder] = {cls.type: _generic(cls) for cls in SERVER_EVENTS}
_BUILDERS |= {old: _BUILDERS[new] for old, new in beta.EVENT_NAMES.items()}


def encode_server(event: ServerEvent) -> bytes:
    """One event as the service would write it."""
    if isinstance(event, MalformedEvent):
        return event.raw if isinstance(event.raw, bytes) else event.raw.encode()
    if isinstance(event, UnknownEvent):
        return orjson.dumps(event.raw)
    return orjson.dumps(converter.unstructure(event))


# ------------------------------------------------------------------------------------------------ client to server
_APPEND_HEAD = b'{"type":"input_audio_buffer.append","audio":"'


def encode_client(event: ClientEvent) -> bytes:
    """One event, as JSON text in UTF-8."""
    if type(event) is InputAudioBufferAppend and event.event_id is UNSET:
        return _APPEND_HEAD + pybase64.b64encode(event.audio) + b'"}'
    if isinstance(event, RawClientEvent):
        return orjson.dumps(event.payload)
    return orjson.dumps(converter.unstructure(event))

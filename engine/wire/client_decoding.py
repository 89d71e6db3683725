"""What a client sent, as the embedded server reads it: an event, or the error that the API would answer.

Messages and codes follow protocol facts 8.2.
"""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any, get_args

import attrs
import orjson
import pybase64

from engine._messages import json_type, quote, shorten, write_path
from engine.outside.depth import is_too_deep
from engine.wire.check import Problem, ProblemKind, find_problem
from engine.wire.client_events import ClientEvent, ClientEventBase, InputAudioBufferAppend, WebSocketClientEvent
from engine.wire.converter import converter
from engine.wire.formats import PCM16
from engine.wire.struct import UNSET

MAX_AUDIO_BYTES = 15 * 1024 * 1024
"""Most audio in one append (protocol facts, 1.9; taken as bytes, the facts leave open whether base64 is meant)."""

ACCEPTED: Mapping[str, type[ClientEventBase]] = {cls.type: cls for cls in get_args(WebSocketClientEvent)}
"""By type, the events that are accepted."""

_LONGEST_VALUE = 200
"""Characters of a wrong value that an error repeats."""

_Payload = dict[str, Any]


@attrs.frozen
class ClientError:
    """Why a client event was rejected: the fields of the API's error."""

    type: str
    code: str | None
    message: str
    param: str | None = None
    event_id: str | None = None


def _invalid(code: str, message: str, param: str | None = None, event_id: str | None = None) -> ClientError:
    return ClientError("invalid_request_error", code, message, param, event_id)


BINARY_FRAME = _invalid("invalid_event", "Expected a text WebSocket message; binary frames are not supported.")
"""The answer to a binary message."""


# ------------------------------------------------------------------------------------------------ reading
def decode_client(text: str | bytes) -> ClientEvent | ClientError:
    """The event in one text message, or the API's error for it. Never raises."""
    try:
        payload = orjson.loads(text)
    except (orjson.JSONDecodeError, RecursionError) as error:
        return _invalid("invalid_json", f"Invalid event: failed to parse JSON value. {error}")
    if is_too_deep(text, payload):
        event_id = _event_id_of(payload) if type(payload) is dict else None
        return _invalid("invalid_json", "Invalid event: nested too deeply.", event_id=event_id)
    if type(payload) is not dict:
        return _invalid("invalid_event", f"Invalid event: expected an object, but got {json_type(payload)} instead.")
    name = payload.get("type")
    if name == InputAudioBufferAppend.type:
        return _append(payload)
    if name is None:
        message = "Invalid event: missing required parameter 'type'."
        return _invalid("invalid_event", message, event_id=_event_id_of(payload))
    if type(name) is not str:
        return api_error(Problem(ProblemKind.TYPE, ("type",), name, expected="a string"), payload)
    if name not in ACCEPTED:
        return api_error(Problem(ProblemKind.VALUE, ("type",), name, known=tuple(ACCEPTED)), payload)
    return _event(payload, ACCEPTED[name])


def _event(payload: _Payload, cls: Any) -> ClientEvent | ClientError:
    problem = find_problem(payload, cls) or _rate_problem(payload)
    if problem is not None:
        return api_error(problem, payload)
    event: ClientEvent = converter.structure(payload, cls)
    return event


def _rate_problem(payload: _Payload) -> Problem | None:
    """Check the rate of PCM: the API takes one only."""
    only = PCM16.rate
    for path in product(("session", "response"), ("audio",), ("input", "output"), ("format",), ("rate",)):
        rate = _value_at(payload, path)
        if type(rate) is int and rate != only and _value_at(payload, (*path[:-1], "type")) == PCM16.type:
            kind = ProblemKind.BELOW if rate < only else ProblemKind.ABOVE
            return Problem(kind, path, rate, limit=only)
    return None


def _value_at(payload: _Payload, path: Iterable[str]) -> object:
    place: object = payload
    for key in path:
        if type(place) is not dict:
            return None
        place = place.get(key)
    return place


def _append(payload: _Payload) -> ClientEvent | ClientError:
    """By hand, because it comes fifty times a second; what is wrong with it is found the common way."""
    event_id = payload.get("event_id")
    if len(payload) > (2 if event_id is None else 3) or not isinstance(event_id, str | None):
        return _event(payload, InputAudioBufferAppend)
    try:
        audio = pybase64.b64decode(payload["audio"], validate=True)
    except (KeyError, TypeError, ValueError):
        return _event(payload, InputAudioBufferAppend)
    if not audio:
        return api_error(Problem(ProblemKind.BASE64, ("audio",)), payload)
    if len(audio) > MAX_AUDIO_BYTES:
        return api_error(Problem(ProblemKind.TOO_LONG, ("audio",), payload["audio"], limit=MAX_AUDIO_BYTES), payload)
    return InputAudioBufferAppend(audio, event_id=UNSET if event_id is None else event_id)


def _event_id_of(payload: Mapping[str, Any]) -> str | None:
    event_id = payload.get("event_id")
    return event_id if type(event_id) is str else None


# ------------------------------------------------------------------------------------------------ the API's words
def api_error(problem: Problem, payload: Mapping[str, Any]) -> ClientError:
    """The API's error for what is wrong with the event `payload`."""
    param = write_path(problem.path)
    code, message = _describe(problem, param)
    return _invalid(code, message, param, _event_id_of(payload))


def _describe(problem: Problem, param: str) -> tuple[str, str]:
    value, limit = problem.value, problem.limit
    match problem.kind:
        case ProblemKind.UNKNOWN_KEY:
            return "unknown_parameter", f"Unknown parameter: '{param}'."
        case ProblemKind.MISSING:
            return "missing_required_parameter", f"Missing required parameter: '{param}'."
        case ProblemKind.TYPE:
            wrong = f"expected {problem.expected}, but got {json_type(value)} instead"
            return "invalid_type", f"Invalid type for '{param}': {wrong}."
        case ProblemKind.VALUE:
            wrong = shorten(str(value), _LONGEST_VALUE)
            return "invalid_value", f"Invalid value: '{wrong}'. Supported values are: {quote(problem.known)}."
        case ProblemKind.COMBINATION:
            combinations = " and ".join(f"['{each}']" for each in problem.known)
            wrong = shorten(str(value), _LONGEST_VALUE)
            return "invalid_value", f"Invalid value: {wrong}. Supported combinations are: {combinations}."
        case ProblemKind.BASE64:
            got = "but got empty bytes" if value is None else "but it could not be decoded"
            return "invalid_value", f"Invalid '{param}'. Expected base64-encoded audio bytes, {got}."
        case ProblemKind.TOO_MANY:
            wrong = f"too many properties. Expected an object with at most {limit} properties"
            return "object_above_max_properties", f"Invalid '{param}': {wrong}."
        case ProblemKind.TOO_LONG:
            length = len(value) if isinstance(value, str) else 0
            wrong = f"Expected a string with maximum length {limit}, but got a string with length {length} instead"
            return "string_above_max_length", f"Invalid '{param}': string too long. {wrong}."
        case ProblemKind.BELOW | ProblemKind.ABOVE:
            return _out_of_range(problem, param)


def _out_of_range(problem: Problem, param: str) -> tuple[str, str]:
    number = "decimal" if isinstance(problem.value, float) else "integer"
    side, name, sign = ("below", "min", ">=") if problem.kind is ProblemKind.BELOW else ("above", "max", "<=")
    expected = f"Expected a value {sign} {problem.limit}, but got {problem.value} instead"
    # The limit of output tokens is the exception: protocol facts, 2.9.
    code = "invalid_value" if problem.path[-1] == "max_output_tokens" else f"{number}_{side}_{name}_value"
    return code, f"Invalid '{param}': {number} {side} {name}imum value. {expected}."

"""Hypothesis strategies for everything on the wire.

They are derived from the annotations of the wire classes, so a new field is drawn as soon as it exists. Where the
service's published types allow less than an annotation says, `_NARROWER` has the values to draw from.
"""

import string
from collections.abc import Mapping
from functools import cache
from types import NoneType
from typing import Any, get_args

import attrs
import pybase64
from hypothesis import strategies as st

from engine.secret.value import Secret, SecretUrl
from engine.wire import client_events as client
from engine.wire import items, response, session
from engine.wire import server_events as server
from engine.wire.annotations import Member, hints, is_list, is_map, is_raw, members
from engine.wire.constraints import MapLimits, MaxLength, OneOf, Only, Range, ServerOnly
from engine.wire.formats import G711_ALAW, G711_ULAW, PCM16, AudioFormat
from engine.wire.struct import UNSET, UnsetType

_MAX_INT = 2**53

texts = st.text(max_size=12)
"""Text that JSON can hold: no lone surrogates."""

ids = st.text(string.ascii_letters + string.digits, min_size=1, max_size=20)
audio = st.binary(min_size=1, max_size=64)
encoded_audio = st.binary(min_size=2, max_size=16).map(lambda data: pybase64.b64encode(data).decode())
formats = st.sampled_from([PCM16, G711_ULAW, G711_ALAW])

_json_numbers = st.integers(-_MAX_INT, _MAX_INT) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | _json_numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
json_objects = st.dictionaries(texts, json_values, max_size=3)


# ------------------------------------------------------------------------------------------------ from annotations
@cache
def instances(cls: type[Any]) -> st.SearchStrategy[Any]:
    """Instances of a wire class, as a server may send them."""
    if cls is AudioFormat:
        return formats
    fields = {field.name: st.deferred(lambda name=field.name: _field(cls, name)) for field in attrs.fields(cls)}
    return st.builds(cls, **fields)


def _field(cls: type[Any], name: str) -> st.SearchStrategy[Any]:
    if name in cls.beside:
        return st.just(UNSET)
    if (cls, name) in _NARROWER:
        return _NARROWER[cls, name]
    if name == "event_id" and cls in server.SERVER_EVENTS:
        return ids
    if name == "id" and cls in get_args(items.Item):
        return ids
    return _of(hints(cls)[name])


def _of(annotation: object) -> st.SearchStrategy[Any]:
    if any(isinstance(marker, ServerOnly) for each in members(annotation) for marker in each.markers):
        return st.just(UNSET)
    return st.one_of([_of_member(each) for each in members(annotation) if not is_raw(each.type)])


def _of_member(member: Member) -> st.SearchStrategy[Any]:
    kind = member.type
    if kind is UnsetType:
        return st.just(UNSET)
    if kind is NoneType:
        return st.none()
    if kind is items.Message:
        return messages()
    if attrs.has(kind):
        return instances(kind)
    if is_list(kind):
        return _lists(member)
    if is_map(kind):
        return _maps(member)
    return _scalars(member)


def _lists(member: Member) -> st.SearchStrategy[Any]:
    for marker in member.markers:
        if isinstance(marker, Only):
            return st.sampled_from([(each,) for each in marker.values])
    return st.lists(_of(get_args(member.type)[0]), max_size=2).map(tuple)


def _maps(member: Member) -> st.SearchStrategy[Any]:
    value_type = get_args(member.type)[1]
    if value_type is object:
        return json_objects
    keys = ids if any(isinstance(marker, MapLimits) for marker in member.markers) else texts
    return st.dictionaries(keys, _of(value_type), max_size=3)


_SCALARS: Mapping[object, st.SearchStrategy[Any]] = {
    str: texts,
    bytes: audio,
    bool: st.booleans(),
    int: st.integers(0, _MAX_INT),
    float: st.floats(-1e6, 1e6),
    object: json_values,
    Secret: st.builds(Secret, texts),
    SecretUrl: st.builds(SecretUrl, texts),
}


def _scalars(member: Member) -> st.SearchStrategy[Any]:
    for marker in member.markers:
        match marker:
            case OneOf(values=values):
                return st.sampled_from(values)
            case MaxLength():
                return ids
            case Range(minimum=minimum, maximum=maximum):
                low, high = minimum or 0, _MAX_INT if maximum is None else maximum
                return st.integers(int(low), int(high)) if member.type is int else st.floats(low, high)
    return _SCALARS[member.type]


_part_of_response = instances(items.OutputText) | instances(items.OutputAudio)

_audio_of_response = st.builds(
    response.ResponseAudio, output=st.builds(response.ResponseAudioOutput, format=formats, voice=texts)
)

_NARROWER: Mapping[tuple[type, str], st.SearchStrategy[Any]] = {
    (items.InputAudio, "audio"): encoded_audio,
    (items.OutputAudio, "audio"): st.none() | encoded_audio,
    (items.McpCall, "error"): st.none()
    | st.fixed_dictionaries({"type": st.just("tool_execution_error"), "message": texts})
    | st.fixed_dictionaries({"type": st.just("http_error"), "code": st.integers(0, 599), "message": texts}),
    (items.McpListedTool, "input_schema"): json_objects,
    (items.McpListedTool, "annotations"): st.none() | json_objects,
    (session.McpTool, "connector_id"): st.sampled_from([UNSET, None, "connector_gmail", "connector_dropbox"]),
    (session.Prompt, "variables"): st.just(UNSET) | st.dictionaries(texts, texts, max_size=2),
    (session.TracingConfig, "metadata"): st.just(UNSET) | json_objects,
    (response.Response, "status"): st.sampled_from(["in_progress", "completed", "cancelled", "failed", "incomplete"]),
    (response.Response, "output_modalities"): st.sampled_from([("audio",), ("text",)]),
    (response.Response, "max_output_tokens"): st.just("inf") | st.integers(1, 4096),
    (response.Response, "audio"): st.none() | _audio_of_response,
    (response.StatusDetails, "type"): st.sampled_from(["completed", "cancelled", "failed", "incomplete"]),
    (response.StatusDetails, "reason"): st.sampled_from([None, "turn_detected", "client_cancelled", "content_filter"]),
    (server.RateLimit, "name"): st.sampled_from(["requests", "tokens"]),
    (server.ConversationItemInputAudioTranscriptionCompleted, "usage"): instances(server.TranscriptionTokens)
    | instances(server.TranscriptionDuration),
    (server.ResponseContentPartAdded, "part"): _part_of_response,
    (server.ResponseContentPartDone, "part"): _part_of_response,
    (server.ResponseFunctionCallArgumentsDone, "name"): ids,
    (server.Conversation, "object"): st.just("realtime.conversation"),
    (server.InputAudioBufferDtmfEventReceived, "event"): st.sampled_from(list("0123456789*#ABCD")),
    (server.InputAudioBufferDtmfEventReceived, "event_id"): st.just(""),
}


# ------------------------------------------------------------------------------------------------ items
_of_user = instances(items.InputText) | instances(items.InputImage) | instances(items.InputAudio)
_PARTS_OF_SERVER = {"system": instances(items.InputText), "user": _of_user, "assistant": _part_of_response}
_PARTS_OF_CLIENT = {**_PARTS_OF_SERVER, "assistant": instances(items.OutputText)}


@st.composite
def messages(draw: st.DrawFn, parts: Mapping[str, st.SearchStrategy[Any]] = _PARTS_OF_SERVER) -> items.Message:
    """Messages of a server: the parts fit the role."""
    role = draw(st.sampled_from(sorted(parts)))
    return items.Message(
        draw(ids),
        role,
        tuple(draw(st.lists(parts[role], max_size=3))),
        draw(st.sampled_from([None, "completed", "in_progress", "incomplete"])),
        draw(st.sampled_from([None, "commentary", "final_answer"])) if role == "assistant" else None,
    )


def server_items() -> st.SearchStrategy[items.Item]:
    """Items of every known type."""
    return _of(items.Item)


def client_items() -> st.SearchStrategy[items.Item]:
    """Items that a client may create, with and without an id."""
    chosen = messages(_PARTS_OF_CLIENT).map(lambda item: attrs.evolve(item, phase=None))
    named = st.one_of(chosen, instances(items.FunctionCall), instances(items.FunctionCallOutput))
    unnamed = named.map(lambda item: attrs.evolve(item, id=UNSET))
    return named | unnamed | instances(items.McpApprovalResponse)


# ------------------------------------------------------------------------------------------------ sessions
def sessions() -> st.SearchStrategy[session.Session]:
    """Settings that a client may send."""
    return instances(session.Session)


@st.composite
def sessions_of_server(draw: st.DrawFn) -> session.AnySession:
    """Settings as a server echoes them: with what only the server writes."""
    settings = draw(instances(session.Session) | instances(session.TranscriptionSession))
    name = "realtime.session" if isinstance(settings, session.Session) else "realtime.transcription_session"
    return attrs.evolve(settings, object=name, id=draw(ids), expires_at=draw(st.integers(0, _MAX_INT)))


# ------------------------------------------------------------------------------------------------ events
def server_events_of(cls: type[server.ServerEventBase]) -> st.SearchStrategy[Any]:
    """Events of one type, as a server may send them."""
    if cls in (server.SessionCreated, server.SessionUpdated):
        return st.builds(cls, sessions_of_server(), event_id=ids)
    return instances(cls)


def server_events() -> st.SearchStrategy[server.KnownServerEvent]:
    """Any event of the catalogue, as a server may send it."""
    return st.one_of([server_events_of(cls) for cls in server.SERVER_EVENTS])


@st.composite
def response_params(draw: st.DrawFn) -> response.ResponseParams:
    """Options of a response that a client may ask for."""
    params = draw(instances(response.ResponseParams))
    entries = st.lists(client_items() | instances(items.ItemReference), max_size=2).map(tuple)
    return attrs.evolve(params, input=draw(st.just(UNSET) | entries))


_SIMPLE = (
    client.SessionUpdate,
    client.InputAudioBufferAppend,
    client.InputAudioBufferCommit,
    client.InputAudioBufferClear,
    client.ConversationItemRetrieve,
    client.ConversationItemTruncate,
    client.ConversationItemDelete,
    client.ResponseCancel,
)


def client_events() -> st.SearchStrategy[client.ClientEvent]:
    """Every client event that a plain WebSocket accepts."""
    event_ids = st.just(UNSET) | ids
    places = st.sampled_from([UNSET, None, "root", "item_1"])
    return st.one_of(
        st.builds(client.ConversationItemCreate, client_items(), previous_item_id=places, event_id=event_ids),
        st.builds(client.ResponseCreate, st.just(UNSET) | response_params(), event_id=event_ids),
        *[instances(cls) for cls in _SIMPLE],
    )

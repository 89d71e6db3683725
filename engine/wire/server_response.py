"""Server events about a response. All are keyed by ids: events of several items of one response may interleave."""

from typing import ClassVar, Literal

import attrs

from engine.wire.items import Item, Part
from engine.wire.response import Response
from engine.wire.server_base import ServerDeltaBase, ServerEventBase
from engine.wire.unset import UNSET, Unset


@attrs.frozen
class ResponseCreated(ServerEventBase):
    """A response begins."""

    type: ClassVar[Literal["response.created"]] = "response.created"
    response: Response


@attrs.frozen
class ResponseDone(ServerEventBase):
    """A response ended, one way or another: once for each `ResponseCreated`."""

    type: ClassVar[Literal["response.done"]] = "response.done"
    response: Response


@attrs.frozen
class ResponseOutputItemAdded(ServerEventBase):
    """A response begins an item."""

    type: ClassVar[Literal["response.output_item.added"]] = "response.output_item.added"
    response_id: str
    output_index: int
    item: Item


@attrs.frozen
class ResponseOutputItemDone(ServerEventBase):
    """A response ended an item; `item.status` says whether it is complete."""

    type: ClassVar[Literal["response.output_item.done"]] = "response.output_item.done"
    response_id: str
    output_index: int
    item: Item


@attrs.frozen
class ResponseContentPartAdded(ServerEventBase):
    """A message begins a part: `OutputText` or `OutputAudio`. None where a server leaves it out."""

    type: ClassVar[Literal["response.content_part.added"]] = "response.content_part.added"
    response_id: str
    item_id: str
    output_index: int
    content_index: int
    part: Part | None = None


@attrs.frozen
class ResponseContentPartDone(ServerEventBase):
    """A message ended a part. None where a server leaves it out."""

    type: ClassVar[Literal["response.content_part.done"]] = "response.content_part.done"
    response_id: str
    item_id: str
    output_index: int
    content_index: int
    part: Part | None = None


class ResponseOutputTextDelta(ServerDeltaBase, frozen=True):
    """More text."""

    type: ClassVar[Literal["response.output_text.delta"]] = "response.output_text.delta"
    response_id: str
    item_id: str
    output_index: int
    content_index: int
    delta: str
    obfuscation: str | Unset = UNSET


@attrs.frozen
class ResponseOutputTextDone(ServerEventBase):
    """All text of a part."""

    type: ClassVar[Literal["response.output_text.done"]] = "response.output_text.done"
    response_id: str
    item_id: str
    output_index: int
    content_index: int
    text: str


class ResponseOutputAudioDelta(ServerDeltaBase, frozen=True):
    """More audio: `delta` is raw bytes in the session's output format (base64 on the wire)."""

    type: ClassVar[Literal["response.output_audio.delta"]] = "response.output_audio.delta"
    response_id: str
    item_id: str
    output_index: int
    content_index: int
    delta: bytes


@attrs.frozen
class ResponseOutputAudioDone(ServerEventBase):
    """All audio of a part was sent. Playback goes on."""

    type: ClassVar[Literal["response.output_audio.done"]] = "response.output_audio.done"
    response_id: str
    item_id: str
    output_index: int
    content_index: int


class ResponseOutputAudioTranscriptDelta(ServerDeltaBase, frozen=True):
    """More of what the audio says; runs ahead of the audio."""

    type: ClassVar[Literal["response.output_audio_transcript.delta"]] = "response.output_audio_transcript.delta"
    response_id: str
    item_id: str
    output_index: int
    content_index: int
    delta: str
    obfuscation: str | Unset = UNSET


@attrs.frozen
class ResponseOutputAudioTranscriptDone(ServerEventBase):
    """All that the audio of a part says."""

    type: ClassVar[Literal["response.output_audio_transcript.done"]] = "response.output_audio_transcript.done"
    response_id: str
    item_id: str
    output_index: int
    content_index: int
    transcript: str


@attrs.frozen
class ResponseFunctionCallArgumentsDelta(ServerEventBase):
    """More of the arguments of a tool call."""

    type: ClassVar[Literal["response.function_call_arguments.delta"]] = "response.function_call_arguments.delta"
    response_id: str
    item_id: str
    output_index: int
    call_id: str
    delta: str
    obfuscation: str | Unset = attrs.field(default=UNSET, kw_only=True)


@attrs.frozen
class ResponseFunctionCallArgumentsDone(ServerEventBase):
    """All arguments of a tool call.

    Sent for a call that was cut short too: look at the item's status before running it.
    `name` is None where a server leaves it out: the item has it.
    """

    type: ClassVar[Literal["response.function_call_arguments.done"]] = "response.function_call_arguments.done"
    response_id: str
    item_id: str
    output_index: int
    call_id: str
    name: str | None
    arguments: str


@attrs.frozen
class ResponseMcpCallArgumentsDelta(ServerEventBase):
    """More of the arguments of a call that the host runs."""

    type: ClassVar[Literal["response.mcp_call_arguments.delta"]] = "response.mcp_call_arguments.delta"
    response_id: str
    item_id: str
    output_index: int
    delta: str
    obfuscation: str | Unset = attrs.field(default=UNSET, kw_only=True)


@attrs.frozen
class ResponseMcpCallArgumentsDone(ServerEventBase):
    """All arguments of a call that the host runs."""

    type: ClassVar[Literal["response.mcp_call_arguments.done"]] = "response.mcp_call_arguments.done"
    response_id: str
    item_id: str
    output_index: int
    arguments: str


@attrs.frozen
class ResponseMcpCallInProgress(ServerEventBase):
    """The host runs a call."""

    type: ClassVar[Literal["response.mcp_call.in_progress"]] = "response.mcp_call.in_progress"
    item_id: str
    output_index: int


@attrs.frozen
class ResponseMcpCallCompleted(ServerEventBase):
    """The host ran a call."""

    type: ClassVar[Literal["response.mcp_call.completed"]] = "response.mcp_call.completed"
    item_id: str
    output_index: int


@attrs.frozen
class ResponseMcpCallFailed(ServerEventBase):
    """The host could not run a call."""

    type: ClassVar[Literal["response.mcp_call.failed"]] = "response.mcp_call.failed"
    item_id: str
    output_index: int


RESPONSE_EVENTS = (
    ResponseCreated,
    ResponseDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseContentPartAdded,
    ResponseContentPartDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseFunctionCallArgumentsDelta,
    ResponseFunctionCallArgumentsDone,
    ResponseMcpCallArgumentsDelta,
    ResponseMcpCallArgumentsDone,
    ResponseMcpCallInProgress,
    ResponseMcpCallCompleted,
    ResponseMcpCallFailed,
)

"""Server events about a response. All are keyed by ids: events of several items of one response may interleave."""

from typing import ClassVar, Literal

from engine.wire.items import Item, Part
from engine.wire.response import Response
from engine.wire.server_base import ServerEventBase
from engine.wire.struct import UNSET, UnsetType


class ResponseCreated(ServerEventBase, frozen=True):
    """A response begins."""

    type: ClassVar[Literal["response.created"]] = "response.created"
    response: Response


class ResponseDone(ServerEventBase, frozen=True):
    """A response ended, one way or another: once for each `ResponseCreated`."""

    type: ClassVar[Literal["response.done"]] = "response.done"
    response: Response


class ResponseOutputItemAdded(ServerEventBase, frozen=True):
    """A response begins an item."""

    type: ClassVar[Literal["response.output_item.added"]] = "response.output_item.added"
    response_id: str
    output_index: int
    item: Item


class ResponseOutputItemDone(ServerEventBase, frozen=True):
    """A response ended an item; `item.status` says whether it is complete."""

    type: ClassVar[Literal["response.output_item.done"]] = "response.output_item.done"
    response_id: str
    output_index: int
    item: Item


class ResponseContentPartAdded(ServerEventBase, frozen=True):
    """A message begins a part: `OutputText` or `OutputAudio`. None where a server leaves it out."""

    type: ClassVar[Literal["response.content_part.added"]] = "response.content_part.added"
    response_id: str
    item_id: str
    output_index: int
    content_index: int
    part: Part | None = None


class ResponseContentPartDone(ServerEventBase, frozen=True):
    """A message ended a part. None where a server leaves it out."""

    type: ClassVar[Literal["response.content_part.done"]] = "response.content_part.done"
    response_id: str
    item_id: str
    output_index: int
    content_index: int
    part: Part | None = None


class ResponseOutputTextDelta(ServerEventBase, frozen=True):
    """More text."""

    type: ClassVar[Literal["response.output_text.delta"]] = "response.output_text.delta"
    response_id: str
    item_id: str
    output_index: int
    content_index: int
    delta: str
    obfuscation: str | UnsetType = UNSET


class ResponseOutputTextDone(ServerEventBase, frozen=True):
    """All text of a part."""

    type: ClassVar[Literal["response.output_text.done"]] = "response.output_text.done"
    response_id: str
    item_id: str
    output_index: int
    content_index: int
    text: str


class ResponseOutputAudioDelta(ServerEventBase, frozen=True):
    """More audio: `delta` is raw bytes in the session's output format (base64 on the wire)."""

    type: ClassVar[Literal["response.output_audio.delta"]] = "response.output_audio.delta"
    response_id: str
    item_id: str
    output_index: int
    content_index: int
    delta: bytes


class ResponseOutputAudioDone(ServerEventBase, frozen=True):
    """All audio of a part was sent. Playback goes on."""

    type: ClassVar[Literal["response.output_audio.done"]] = "response.output_audio.done"
    response_id: str
    item_id: str
    output_index: int
    content_index: int


class ResponseOutputAudioTranscriptDelta(ServerEventBase, frozen=True):
    """More of what the audio says; runs ahead of the audio."""

    type: ClassVar[Literal["response.output_audio_transcript.delta"]] = "response.output_audio_transcript.delta"
    response_id: str
    item_id: str
    output_index: int
    content_index: int
    delta: str
    obfuscation: str | UnsetType = UNSET


class ResponseOutputAudioTranscriptDone(ServerEventBase, frozen=True):
    """All that the audio of a part says."""

    type: ClassVar[Literal["response.output_audio_transcript.done"]] = "response.output_audio_transcript.done"
    response_id: str
    item_id: str
    output_index: int
    content_index: int
    transcript: str


class ResponseFunctionCallArgumentsDelta(ServerEventBase, frozen=True):
    """More of the arguments of a tool call."""

    type: ClassVar[Literal["response.function_call_arguments.delta"]] = "response.function_call_arguments.delta"
    response_id: str
    item_id: str
    output_index: int
    call_id: str
    delta: str
    obfuscation: str | UnsetType = UNSET


class ResponseFunctionCallArgumentsDone(ServerEventBase, frozen=True):
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


class ResponseMcpCallArgumentsDelta(ServerEventBase, frozen=True):
    """More of the arguments of a call that the host runs."""

    type: ClassVar[Literal["response.mcp_call_arguments.delta"]] = "response.mcp_call_arguments.delta"
    response_id: str
    item_id: str
    output_index: int
    delta: str
    obfuscation: str | UnsetType = UNSET


class ResponseMcpCallArgumentsDone(ServerEventBase, frozen=True):
    """All arguments of a call that the host runs."""

    type: ClassVar[Literal["response.mcp_call_arguments.done"]] = "response.mcp_call_arguments.done"
    response_id: str
    item_id: str
    output_index: int
    arguments: str


class ResponseMcpCallInProgress(ServerEventBase, frozen=True):
    """The host runs a call."""

    type: ClassVar[Literal["response.mcp_call.in_progress"]] = "response.mcp_call.in_progress"
    item_id: str
    output_index: int


class ResponseMcpCallCompleted(ServerEventBase, frozen=True):
    """The host ran a call."""

    type: ClassVar[Literal["response.mcp_call.completed"]] = "response.mcp_call.completed"
    item_id: str
    output_index: int


class ResponseMcpCallFailed(ServerEventBase, frozen=True):
    """The host could not run a call."""

    type: ClassVar[Literal["response.mcp_call.failed"]] = "response.mcp_call.failed"
    item_id: str
    output_index: int


ResponseEvent = (
    ResponseCreated
    | ResponseDone
    | ResponseOutputItemAdded
    | ResponseOutputItemDone
    | ResponseContentPartAdded
    | ResponseContentPartDone
    | ResponseOutputTextDelta
    | ResponseOutputTextDone
    | ResponseOutputAudioDelta
    | ResponseOutputAudioDone
    | ResponseOutputAudioTranscriptDelta
    | ResponseOutputAudioTranscriptDone
    | ResponseFunctionCallArgumentsDelta
    | ResponseFunctionCallArgumentsDone
    | ResponseMcpCallArgumentsDelta
    | ResponseMcpCallArgumentsDone
    | ResponseMcpCallInProgress
    | ResponseMcpCallCompleted
    | ResponseMcpCallFailed
)

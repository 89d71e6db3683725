"""Items of a conversation and the parts of their content (protocol facts, section 5).

A field that is None is left out when an item is written, as the service does; `UNSET` stands for the id of an item
that a client creates and leaves the server to name. `object: "realtime.item"`, which beta servers add, is not kept.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from engine.wire.constraints import MaxLength, OneOf
from engine.wire.struct import UNSET, FrozenStruct, UnsetType

ItemId = Annotated[str, MaxLength(32)]
CallId = Annotated[str, MaxLength(32)]
Role = Annotated[str, OneOf("system", "user", "assistant")]
Status = Annotated[str, OneOf("in_progress", "completed", "incomplete")]


# ------------------------------------------------------------------------------------------------ parts
class InputText(FrozenStruct, frozen=True):
    """Text from the user or the system."""

    type: ClassVar[Literal["input_text"]] = "input_text"
    text: str


class InputAudio(FrozenStruct, frozen=True):
    """User audio: base64, present only when a client creates or retrieves it; `transcript` is None until known."""

    type: ClassVar[Literal["input_audio"]] = "input_audio"
    audio: str | None = None
    transcript: str | None = None


class InputImage(FrozenStruct, frozen=True):
    """An image: `image_url` is a data URI (PNG or JPEG)."""

    type: ClassVar[Literal["input_image"]] = "input_image"
    image_url: str
    detail: Annotated[str, OneOf("auto", "low", "high")] | None = None


class OutputText(FrozenStruct, frozen=True):
    """Assistant text. Events about content parts call this type `text`; so did the beta protocol."""

    type: ClassVar[Literal["output_text"]] = "output_text"
    text: str


class OutputAudio(FrozenStruct, frozen=True):
    """Assistant audio: what was said, and the audio (base64) only where an item was retrieved.

    Events about content parts call this type `audio`.
    """

    type: ClassVar[Literal["output_audio"]] = "output_audio"
    transcript: str | None = None
    audio: str | None = None


class UnknownPart(FrozenStruct, frozen=True):
    """A part of a type that this version does not know, as it came."""

    raw: Mapping[str, object]


Part = InputText | InputAudio | InputImage | OutputText | OutputAudio | UnknownPart


# ------------------------------------------------------------------------------------------------ items
class Message(FrozenStruct, frozen=True):
    """Something said or written. `phase` ("commentary", "final_answer") comes from gpt-realtime-2 models only."""

    type: ClassVar[Literal["message"]] = "message"
    id: ItemId | UnsetType
    role: Role
    content: tuple[Part, ...]
    status: Status | None = None
    phase: str | None = None


class FunctionCall(FrozenStruct, frozen=True):
    """The model asks for a tool. `arguments` is JSON text, possibly cut short when the item is incomplete."""

    type: ClassVar[Literal["function_call"]] = "function_call"
    id: ItemId | UnsetType
    name: str
    call_id: CallId
    arguments: str
    status: Status | None = None


class FunctionCallOutput(FrozenStruct, frozen=True):
    """The answer to a tool call, as text."""

    type: ClassVar[Literal["function_call_output"]] = "function_call_output"
    id: ItemId | UnsetType
    call_id: CallId
    output: str
    status: Status | None = None


class McpListedTool(FrozenStruct, frozen=True):
    """One tool that an MCP server offers."""

    name: str
    input_schema: object
    description: str | None = None
    annotations: object = None


class McpListTools(FrozenStruct, frozen=True):
    """The tools that the model's host imported from an MCP server."""

    type: ClassVar[Literal["mcp_list_tools"]] = "mcp_list_tools"
    id: ItemId | UnsetType
    server_label: str
    tools: tuple[McpListedTool, ...]


class McpCall(FrozenStruct, frozen=True):
    """A tool call that the model's host runs on an MCP server. `error` is {type, code?, message}."""

    type: ClassVar[Literal["mcp_call"]] = "mcp_call"
    id: ItemId | UnsetType
    server_label: str
    name: str
    arguments: str
    output: str | None = None
    error: Mapping[str, object] | None = None
    approval_request_id: str | None = None
    status: Status | None = None


class McpApprovalRequest(FrozenStruct, frozen=True):
    """The host asks whether an MCP call may run."""

    type: ClassVar[Literal["mcp_approval_request"]] = "mcp_approval_request"
    id: ItemId | UnsetType
    server_label: str
    name: str
    arguments: str


class McpApprovalResponse(FrozenStruct, frozen=True):
    """The answer to a `McpApprovalRequest`."""

    type: ClassVar[Literal["mcp_approval_response"]] = "mcp_approval_response"
    id: ItemId | UnsetType
    approval_request_id: str
    approve: bool
    reason: str | None = None


class UnknownItem(FrozenStruct, frozen=True):
    """An item of a type that this version does not know, as it came."""

    raw: Mapping[str, object]

    @property
    def id(self) -> str | UnsetType:
        """Its id, where it has a readable one."""
        value = self.raw.get("id")
        return value if isinstance(value, str) else UNSET


Item = (
    Message
    | FunctionCall
    | FunctionCallOutput
    | McpListTools
    | McpCall
    | McpApprovalRequest
    | McpApprovalResponse
    | UnknownItem
)


class ItemReference(FrozenStruct, frozen=True):
    """Points at an item of the conversation, in the `input` of a response."""

    type: ClassVar[Literal["item_reference"]] = "item_reference"
    id: str

"""Responses: the server's object, the client's options for one, and what it cost (protocol facts, 2.9 and 3.3)."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from msgspec.structs import force_setattr

from engine.wire.constraints import MapLimits, OneOf
from engine.wire.extra import Extra, ExtraKeys
from engine.wire.formats import AudioFormat
from engine.wire.items import Item, ItemReference
from engine.wire.session import (
    MaxOutputTokens,
    Modalities,
    Prompt,
    Reasoning,
    ToolChoice,
    ToolDefinition,
    UnknownSetting,
    Voice,
)
from engine.wire.struct import UNSET, FrozenStruct, UnsetType

Metadata = Annotated[Mapping[str, str], MapLimits(pairs=16, key_length=64, value_length=512)]


class CachedTokensDetails(FrozenStruct, frozen=True):
    """Input tokens that were read from the prompt cache, by modality."""

    text_tokens: int = 0
    audio_tokens: int = 0
    image_tokens: int = 0


class InputTokenDetails(FrozenStruct, frozen=True):
    """Input tokens by modality; `cached_tokens` of them came from the prompt cache."""

    text_tokens: int = 0
    audio_tokens: int = 0
    image_tokens: int = 0
    cached_tokens: int = 0
    cached_tokens_details: CachedTokensDetails = CachedTokensDetails()


class OutputTokenDetails(FrozenStruct, frozen=True):
    """Output tokens by modality."""

    text_tokens: int = 0
    audio_tokens: int = 0
    reasoning_tokens: int | UnsetType = UNSET


class Usage(FrozenStruct, frozen=True):
    """Tokens that a response was billed for. Numbers that a server leaves out are zero."""

    total_tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    input_token_details: InputTokenDetails = InputTokenDetails()
    output_token_details: OutputTokenDetails = OutputTokenDetails()


class ResponseError(FrozenStruct, frozen=True):
    """Why a response failed."""

    type: str | None = None
    code: str | None = None
    message: str | None = None


class StatusDetails(FrozenStruct, frozen=True):
    """How a response ended.

    `reason` is turn_detected or client_cancelled (cancelled), max_output_tokens or content_filter (incomplete).
    A server that sends a mere string has it here as `reason`.
    """

    type: str | None = None
    reason: str | None = None
    error: ResponseError | None = None


class ResponseAudioOutput(FrozenStruct, frozen=True):
    """Format and voice of a response."""

    format: AudioFormat | UnknownSetting | UnsetType | None = UNSET
    voice: Voice | UnsetType | None = UNSET


class ResponseAudio(FrozenStruct, frozen=True):
    """The audio settings of a response."""

    output: ResponseAudioOutput | UnsetType | None = UNSET


class Response(FrozenStruct, frozen=True):
    """A response as the server tells it.

    `status` is in_progress, completed, cancelled, failed or incomplete; `conversation_id` is None for a response
    outside the conversation; `usage` is None until it is done.
    """

    id: str = ""
    status: str | None = None
    status_details: StatusDetails | None = None
    output: tuple[Item, ...] = ()
    conversation_id: str | None = None
    output_modalities: tuple[str, ...] | None = None
    max_output_tokens: int | str | None = None
    audio: ResponseAudio | None = None
    usage: Usage | None = None
    metadata: Mapping[str, str] | None = None


class ResponseParams(FrozenStruct, frozen=True):
    """Options of `response.create`; what is `UNSET` comes from the session.

    `conversation="none"` keeps the response out of the conversation; `input` replaces what the model reads (empty:
    nothing at all). `extra` are keys that only one vendor knows, sent as they are beside the others.
    """

    beside: ClassVar[tuple[str, ...]] = ("extra",)
    output_modalities: Modalities | UnsetType | None = UNSET
    instructions: str | UnsetType | None = UNSET
    audio: ResponseAudio | UnsetType | None = UNSET
    tools: tuple[ToolDefinition, ...] | UnsetType | None = UNSET
    tool_choice: ToolChoice | UnsetType | None = UNSET
    parallel_tool_calls: bool | UnsetType | None = UNSET
    max_output_tokens: MaxOutputTokens | UnsetType | None = UNSET
    reasoning: Reasoning | UnsetType | None = UNSET
    conversation: Annotated[str, OneOf("auto", "none")] | UnsetType | None = UNSET
    metadata: Metadata | UnsetType | None = UNSET
    input: tuple[Item | ItemReference, ...] | UnsetType | None = UNSET
    prompt: Prompt | UnsetType | None = UNSET
    extra: ExtraKeys | UnsetType = UNSET

    def __post_init__(self) -> None:
        if isinstance(self.extra, Mapping):
            force_setattr(self, "extra", Extra.of(self.extra))

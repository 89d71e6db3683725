"""Session settings in the nested GA form (protocol facts, section 4): what is sent to the server, and its echo.

Every field may be `UNSET` (not on the wire, keeps its value) or None (JSON null). Fields stand in the wire's order.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from engine.wire.constraints import SERVER_ONLY, OneOf, Only, Range
from engine.wire.formats import AudioFormat
from engine.wire.struct import Light
from engine.wire.unset import UNSET, Unset

Effort = Annotated[str, OneOf("minimal", "low", "medium", "high", "xhigh")]
MaxOutputTokens = Annotated[int, Range(1, 4096)] | Annotated[str, OneOf("inf")]
Modalities = Annotated[tuple[str, ...], Only(("audio", "text"))]
Includes = tuple[Annotated[str, OneOf("item.input_audio_transcription.logprobs")], ...]
Speed = Annotated[float, Range(0.25, 1.5)]
Milliseconds = Annotated[int, Range(0)]


class UnknownSetting(Light, frozen=True):
    """A setting of a shape that this version does not know (compatible servers have many), as it came."""

    raw: object


# ------------------------------------------------------------------------------------------------ audio
class ServerVad(Light, frozen=True):
    """The turn ends when the user has been silent for a while."""

    type: ClassVar[Literal["server_vad"]] = "server_vad"
    threshold: Annotated[float, Range(0, 1)] | Unset | None = UNSET
    prefix_padding_ms: Milliseconds | Unset | None = UNSET
    silence_duration_ms: Milliseconds | Unset | None = UNSET
    idle_timeout_ms: Annotated[int, Range(5000, 30000)] | Unset | None = UNSET
    create_response: bool | Unset | None = UNSET
    interrupt_response: bool | Unset | None = UNSET


class SemanticVad(Light, frozen=True):
    """The turn ends when a model judges that the user has finished speaking."""

    type: ClassVar[Literal["semantic_vad"]] = "semantic_vad"
    eagerness: Annotated[str, OneOf("low", "medium", "high", "auto")] | Unset | None = UNSET
    create_response: bool | Unset | None = UNSET
    interrupt_response: bool | Unset | None = UNSET


TurnDetection = ServerVad | SemanticVad | UnknownSetting


class Transcription(Light, frozen=True):
    """How user audio is turned into text. `language` is ISO 639-1."""

    model: str | Unset | None = UNSET
    language: str | Unset | None = UNSET
    prompt: str | Unset | None = UNSET
    languages: tuple[str, ...] | Unset | None = UNSET
    keywords: tuple[str, ...] | Unset | None = UNSET
    delay: Effort | Unset | None = UNSET


class NoiseReduction(Light, frozen=True):
    """Noise reduction before voice activity detection: `near_field` is a headset, `far_field` a room."""

    type: Annotated[str, OneOf("near_field", "far_field")] | Unset | None = UNSET
    strength: float | Unset | None = UNSET


class VoiceId(Light, frozen=True):
    """A custom voice."""

    id: str


Voice = str | VoiceId | UnknownSetting


class AudioInput(Light, frozen=True):
    """What the server does with the user's audio."""

    format: AudioFormat | UnknownSetting | Unset | None = UNSET
    transcription: Transcription | UnknownSetting | Unset | None = UNSET
    noise_reduction: NoiseReduction | UnknownSetting | Unset | None = UNSET
    turn_detection: TurnDetection | Unset | None = UNSET


class AudioOutput(Light, frozen=True):
    """How the model's speech is made. `speed` is a factor, changed between turns only."""

    format: AudioFormat | UnknownSetting | Unset | None = UNSET
    voice: Voice | Unset | None = UNSET
    speed: Speed | Unset | None = UNSET


class Audio(Light, frozen=True):
    """Both directions."""

    input: AudioInput | Unset | None = UNSET
    output: AudioOutput | Unset | None = UNSET


# ------------------------------------------------------------------------------------------------ tools
class FunctionToolDefinition(Light, frozen=True):
    """A function that the client runs. `parameters` is a JSON schema."""

    type: ClassVar[Literal["function"]] = "function"
    name: str
    description: str | Unset | None = UNSET
    parameters: Mapping[str, object] | Unset | None = UNSET


class ToolFilter(Light, frozen=True):
    """Some of the tools of an MCP server."""

    tool_names: tuple[str, ...] | Unset | None = UNSET
    read_only: bool | Unset | None = UNSET


class ApprovalFilter(Light, frozen=True):
    """Which MCP tools always, and which never need an approval."""

    always: ToolFilter | Unset | None = UNSET
    never: ToolFilter | Unset | None = UNSET


class McpTool(Light, frozen=True):
    """An MCP server whose tools the model's host runs; `server_url`, `connector_id` or `tunnel_id` says where it is."""

    type: ClassVar[Literal["mcp"]] = "mcp"
    server_label: str
    server_url: str | Unset | None = UNSET
    connector_id: str | Unset | None = UNSET
    tunnel_id: str | Unset | None = UNSET
    server_description: str | Unset | None = UNSET
    authorization: str | Unset | None = UNSET
    headers: Mapping[str, str] | Unset | None = UNSET
    allowed_tools: tuple[str, ...] | ToolFilter | Unset | None = UNSET
    require_approval: Annotated[str, OneOf("always", "never")] | ApprovalFilter | Unset | None = UNSET
    allowed_callers: tuple[Annotated[str, OneOf("direct", "programmatic")], ...] | Unset | None = UNSET
    defer_loading: bool | Unset | None = UNSET


ToolDefinition = FunctionToolDefinition | McpTool | UnknownSetting


class ToolChoiceFunction(Light, frozen=True):
    """The model must call this function."""

    type: ClassVar[Literal["function"]] = "function"
    name: str


class ToolChoiceMcp(Light, frozen=True):
    """The model must call this MCP server, or this one tool of it."""

    type: ClassVar[Literal["mcp"]] = "mcp"
    server_label: str
    name: str | Unset | None = UNSET


ToolChoice = Annotated[str, OneOf("auto", "none", "required")] | ToolChoiceFunction | ToolChoiceMcp | UnknownSetting


# ------------------------------------------------------------------------------------------------ the rest
class Reasoning(Light, frozen=True):
    """How long reasoning models think before they answer."""

    effort: Effort | Unset | None = UNSET


class TracingConfig(Light, frozen=True):
    """How the session appears among the traces of the service."""

    workflow_name: str | Unset | None = UNSET
    group_id: str | Unset | None = UNSET
    metadata: object = UNSET


class TokenLimits(Light, frozen=True):
    """Tokens kept after the instructions when the conversation is cut."""

    post_instructions: Annotated[int, Range(0)] | Unset | None = UNSET


class RetentionRatio(Light, frozen=True):
    """Cut the conversation to this share (0 to 1) of its limit whenever it is full."""

    type: ClassVar[Literal["retention_ratio"]] = "retention_ratio"
    retention_ratio: Annotated[float, Range(0, 1)]
    token_limits: TokenLimits | Unset | None = UNSET


class Prompt(Light, frozen=True):
    """A prompt stored at the service."""

    id: str
    version: str | Unset | None = UNSET
    variables: Mapping[str, object] | Unset | None = UNSET


Tracing = Annotated[str, OneOf("auto")] | TracingConfig | UnknownSetting
Truncation = Annotated[str, OneOf("auto", "disabled")] | RetentionRatio | UnknownSetting


class Session(Light, frozen=True):
    """A speech-to-speech session."""

    type: ClassVar[Literal["realtime"]] = "realtime"
    object: Annotated[str, SERVER_ONLY] | Unset = UNSET
    id: Annotated[str, SERVER_ONLY] | Unset = UNSET
    model: str | Unset | None = UNSET
    output_modalities: Modalities | Unset | None = UNSET
    instructions: str | Unset | None = UNSET
    tools: tuple[ToolDefinition, ...] | Unset | None = UNSET
    tool_choice: ToolChoice | Unset | None = UNSET
    parallel_tool_calls: bool | Unset | None = UNSET
    reasoning: Reasoning | Unset | None = UNSET
    max_output_tokens: MaxOutputTokens | Unset | None = UNSET
    tracing: Tracing | Unset | None = UNSET
    truncation: Truncation | Unset | None = UNSET
    prompt: Prompt | Unset | None = UNSET
    expires_at: Annotated[int, SERVER_ONLY] | Unset | None = UNSET
    audio: Audio | Unset | None = UNSET
    include: Includes | Unset | None = UNSET

    @property
    def audio_input(self) -> AudioInput:
        """What is said about the user's audio; all `UNSET` if nothing is."""
        given = self.audio.input if isinstance(self.audio, Audio) else None
        return given if isinstance(given, AudioInput) else AudioInput()

    @property
    def audio_output(self) -> AudioOutput:
        """What is said about the model's speech; all `UNSET` if nothing is."""
        given = self.audio.output if isinstance(self.audio, Audio) else None
        return given if isinstance(given, AudioOutput) else AudioOutput()


class TranscriptionAudio(Light, frozen=True):
    """A transcription session only listens."""

    input: AudioInput | Unset | None = UNSET


class TranscriptionSession(Light, frozen=True):
    """A session that turns speech into text and never responds."""

    type: ClassVar[Literal["transcription"]] = "transcription"
    object: Annotated[str, SERVER_ONLY] | Unset = UNSET
    id: Annotated[str, SERVER_ONLY] | Unset = UNSET
    expires_at: Annotated[int, SERVER_ONLY] | Unset | None = UNSET
    audio: TranscriptionAudio | Unset | None = UNSET
    include: Includes | Unset | None = UNSET

    @property
    def audio_input(self) -> AudioInput:
        """What is said about the user's audio; all `UNSET` if nothing is."""
        given = self.audio.input if isinstance(self.audio, TranscriptionAudio) else None
        return given if isinstance(given, AudioInput) else AudioInput()


AnySession = Session | TranscriptionSession

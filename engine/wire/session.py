"""Session settings in the nested GA form (protocol facts, section 4): what is sent to the server, and its echo.

Every field may be `UNSET` (not on the wire, keeps its value) or None (JSON null). Fields stand in the wire's order.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from msgspec.structs import force_setattr

from engine.secret.value import Secret, SecretUrl, sealed, sealed_headers
from engine.wire.constraints import SERVER_ONLY, OneOf, Only, Range
from engine.wire.extra import Extra, ExtraKeys
from engine.wire.formats import PCM16, AudioFormat
from engine.wire.struct import UNSET, FrozenStruct, UnsetType

Effort = Annotated[str, OneOf("minimal", "low", "medium", "high", "xhigh")]
MaxOutputTokens = Annotated[int, Range(1, 4096)] | Annotated[str, OneOf("inf")]
Modalities = Annotated[tuple[str, ...], Only(("audio", "text"))]
Includes = tuple[Annotated[str, OneOf("item.input_audio_transcription.logprobs")], ...]
Speed = Annotated[float, Range(0.25, 1.5)]
Milliseconds = Annotated[int, Range(0)]


class UnknownSetting(FrozenStruct, frozen=True):
    """A setting of a shape that this version does not know (compatible servers have many), as it came."""

    raw: object

    def __post_init__(self) -> None:
        force_setattr(self, "raw", sealed_definitions(self.raw))


# ------------------------------------------------------------------------------------------------ audio
class ServerVad(FrozenStruct, frozen=True):
    """The turn ends when the user has been silent for a while."""

    type: ClassVar[Literal["server_vad"]] = "server_vad"
    threshold: Annotated[float, Range(0, 1)] | UnsetType | None = UNSET
    prefix_padding_ms: Milliseconds | UnsetType | None = UNSET
    silence_duration_ms: Milliseconds | UnsetType | None = UNSET
    idle_timeout_ms: Annotated[int, Range(5000, 30000)] | UnsetType | None = UNSET
    create_response: bool | UnsetType | None = UNSET
    interrupt_response: bool | UnsetType | None = UNSET


class SemanticVad(FrozenStruct, frozen=True):
    """The turn ends when a model judges that the user has finished speaking."""

    type: ClassVar[Literal["semantic_vad"]] = "semantic_vad"
    eagerness: Annotated[str, OneOf("low", "medium", "high", "auto")] | UnsetType | None = UNSET
    create_response: bool | UnsetType | None = UNSET
    interrupt_response: bool | UnsetType | None = UNSET


TurnDetection = ServerVad | SemanticVad | UnknownSetting


class Transcription(FrozenStruct, frozen=True):
    """How user audio is turned into text. `language` is ISO 639-1."""

    model: str | UnsetType | None = UNSET
    language: str | UnsetType | None = UNSET
    prompt: str | UnsetType | None = UNSET
    languages: tuple[str, ...] | UnsetType | None = UNSET
    keywords: tuple[str, ...] | UnsetType | None = UNSET
    delay: Effort | UnsetType | None = UNSET


class NoiseReduction(FrozenStruct, frozen=True):
    """Noise reduction before voice activity detection: `near_field` is a headset, `far_field` a room."""

    type: Annotated[str, OneOf("near_field", "far_field")] | UnsetType | None = UNSET
    strength: float | UnsetType | None = UNSET


class VoiceId(FrozenStruct, frozen=True):
    """A custom voice."""

    id: str


Voice = str | VoiceId | UnknownSetting


class AudioInput(FrozenStruct, frozen=True):
    """What the server does with the user's audio."""

    format: AudioFormat | UnknownSetting | UnsetType | None = UNSET
    transcription: Transcription | UnknownSetting | UnsetType | None = UNSET
    noise_reduction: NoiseReduction | UnknownSetting | UnsetType | None = UNSET
    turn_detection: TurnDetection | UnsetType | None = UNSET


class AudioOutput(FrozenStruct, frozen=True):
    """How the model's speech is made. `speed` is a factor, changed between turns only."""

    format: AudioFormat | UnknownSetting | UnsetType | None = UNSET
    voice: Voice | UnsetType | None = UNSET
    speed: Speed | UnsetType | None = UNSET


class Audio(FrozenStruct, frozen=True):
    """Both directions."""

    input: AudioInput | UnsetType | None = UNSET
    output: AudioOutput | UnsetType | None = UNSET


# ------------------------------------------------------------------------------------------------ tools
class FunctionToolDefinition(FrozenStruct, frozen=True):
    """A function that the client runs. `parameters` is a JSON schema."""

    type: ClassVar[Literal["function"]] = "function"
    name: str
    description: str | UnsetType | None = UNSET
    parameters: Mapping[str, object] | UnsetType | None = UNSET


class ToolFilter(FrozenStruct, frozen=True):
    """Some of the tools of an MCP server."""

    tool_names: tuple[str, ...] | UnsetType | None = UNSET
    read_only: bool | UnsetType | None = UNSET


class ApprovalFilter(FrozenStruct, frozen=True):
    """Which MCP tools always, and which never need an approval."""

    always: ToolFilter | UnsetType | None = UNSET
    never: ToolFilter | UnsetType | None = UNSET


class McpTool(FrozenStruct, frozen=True):
    """An MCP server whose tools the model's host runs; `server_url`, `connector_id` or `tunnel_id` says where it is.

    What authenticates (`authorization`, the values of `headers`, the query of `server_url`) is kept as a `Secret`.
    """

    type: ClassVar[Literal["mcp"]] = "mcp"
    server_label: str
    server_url: SecretUrl | str | UnsetType | None = UNSET
    connector_id: str | UnsetType | None = UNSET
    tunnel_id: str | UnsetType | None = UNSET
    server_description: str | UnsetType | None = UNSET
    authorization: Secret | str | UnsetType | None = UNSET
    headers: Mapping[str, Secret | str] | UnsetType | None = UNSET
    allowed_tools: tuple[str, ...] | ToolFilter | UnsetType | None = UNSET
    require_approval: Annotated[str, OneOf("always", "never")] | ApprovalFilter | UnsetType | None = UNSET
    allowed_callers: tuple[Annotated[str, OneOf("direct", "programmatic")], ...] | UnsetType | None = UNSET
    defer_loading: bool | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        if isinstance(self.server_url, str | Secret):
            force_setattr(self, "server_url", SecretUrl.of(self.server_url))
        if isinstance(self.authorization, str):
            force_setattr(self, "authorization", Secret(self.authorization))
        if isinstance(self.headers, Mapping):
            force_setattr(self, "headers", sealed_headers(self.headers))


_DEEPEST_DEFINITION = 32
"""Levels of objects and arrays around the deepest definition of a tool that is looked for."""


def sealed_definitions(value: object, levels: int = _DEEPEST_DEFINITION) -> object:
    """Return JSON data in which what authenticates at MCP servers is a `Secret`."""
    if not levels:
        return value
    if isinstance(value, Mapping):
        inner = {name: sealed_definitions(each, levels - 1) for name, each in value.items()}
        return _sealed_definition(inner) if inner.get("type") == McpTool.type or "server_label" in inner else inner
    if isinstance(value, list | tuple):
        return [sealed_definitions(each, levels - 1) for each in value]
    return value


def _sealed_definition(raw: dict[str, object]) -> dict[str, object]:
    secrets: dict[str, object] = {name: sealed(raw[name]) for name in ("authorization", "headers") if name in raw}
    if isinstance(url := raw.get("server_url"), str | Secret):
        secrets["server_url"] = SecretUrl.of(url)
    return raw | secrets


ToolDefinition = FunctionToolDefinition | McpTool | UnknownSetting


class ToolChoiceFunction(FrozenStruct, frozen=True):
    """The model must call this function."""

    type: ClassVar[Literal["function"]] = "function"
    name: str


class ToolChoiceMcp(FrozenStruct, frozen=True):
    """The model must call this MCP server, or this one tool of it."""

    type: ClassVar[Literal["mcp"]] = "mcp"
    server_label: str
    name: str | UnsetType | None = UNSET


ToolChoice = Annotated[str, OneOf("auto", "none", "required")] | ToolChoiceFunction | ToolChoiceMcp | UnknownSetting


# ------------------------------------------------------------------------------------------------ the rest
class Reasoning(FrozenStruct, frozen=True):
    """How long reasoning models think before they answer."""

    effort: Effort | UnsetType | None = UNSET


class TracingConfig(FrozenStruct, frozen=True):
    """How the session appears among the traces of the service."""

    workflow_name: str | UnsetType | None = UNSET
    group_id: str | UnsetType | None = UNSET
    metadata: object = UNSET


class TokenLimits(FrozenStruct, frozen=True):
    """Tokens kept after the instructions when the conversation is cut."""

    post_instructions: Annotated[int, Range(0)] | UnsetType | None = UNSET


class RetentionRatio(FrozenStruct, frozen=True):
    """Cut the conversation to this share (0 to 1) of its limit whenever it is full."""

    type: ClassVar[Literal["retention_ratio"]] = "retention_ratio"
    retention_ratio: Annotated[float, Range(0, 1)]
    token_limits: TokenLimits | UnsetType | None = UNSET


class Prompt(FrozenStruct, frozen=True):
    """A prompt stored at the service."""

    id: str
    version: str | UnsetType | None = UNSET
    variables: Mapping[str, object] | UnsetType | None = UNSET


Tracing = Annotated[str, OneOf("auto")] | TracingConfig | UnknownSetting
Truncation = Annotated[str, OneOf("auto", "disabled")] | RetentionRatio | UnknownSetting


class Session(FrozenStruct, frozen=True):
    """A speech-to-speech session."""

    type: ClassVar[Literal["realtime"]] = "realtime"
    beside: ClassVar[tuple[str, ...]] = ("extra",)
    object: Annotated[str, SERVER_ONLY] | UnsetType = UNSET
    id: Annotated[str, SERVER_ONLY] | UnsetType = UNSET
    model: str | UnsetType | None = UNSET
    output_modalities: Modalities | UnsetType | None = UNSET
    instructions: str | UnsetType | None = UNSET
    tools: tuple[ToolDefinition, ...] | UnsetType | None = UNSET
    tool_choice: ToolChoice | UnsetType | None = UNSET
    parallel_tool_calls: bool | UnsetType | None = UNSET
    reasoning: Reasoning | UnsetType | None = UNSET
    max_output_tokens: MaxOutputTokens | UnsetType | None = UNSET
    tracing: Tracing | UnsetType | None = UNSET
    truncation: Truncation | UnsetType | None = UNSET
    prompt: Prompt | UnsetType | None = UNSET
    expires_at: Annotated[int, SERVER_ONLY] | UnsetType | None = UNSET
    audio: Audio | UnsetType | None = UNSET
    include: Includes | UnsetType | None = UNSET
    extra: ExtraKeys | UnsetType = UNSET
    """Keys that only one vendor knows, deeply, sent as they are beside the others (`engine.wire.extra`)."""

    def __post_init__(self) -> None:
        if isinstance(self.extra, Mapping):
            force_setattr(self, "extra", Extra.of(self.extra))

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


class TranscriptionAudio(FrozenStruct, frozen=True):
    """A transcription session only listens."""

    input: AudioInput | UnsetType | None = UNSET


class TranscriptionSession(FrozenStruct, frozen=True):
    """A session that turns speech into text and never responds."""

    type: ClassVar[Literal["transcription"]] = "transcription"
    object: Annotated[str, SERVER_ONLY] | UnsetType = UNSET
    id: Annotated[str, SERVER_ONLY] | UnsetType = UNSET
    expires_at: Annotated[int, SERVER_ONLY] | UnsetType | None = UNSET
    audio: TranscriptionAudio | UnsetType | None = UNSET
    include: Includes | UnsetType | None = UNSET

    @property
    def audio_input(self) -> AudioInput:
        """What is said about the user's audio; all `UNSET` if nothing is."""
        given = self.audio.input if isinstance(self.audio, TranscriptionAudio) else None
        return given if isinstance(given, AudioInput) else AudioInput()


AnySession = Session | TranscriptionSession


def format_of(side: AudioInput | AudioOutput) -> AudioFormat:
    """Return the audio format of one side of a session: the protocol's default where the settings name none."""
    return side.format if isinstance(side.format, AudioFormat) else PCM16

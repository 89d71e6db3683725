"""Server events about the conversation: its items, what the user said, and the audio buffers of both directions."""

from typing import ClassVar, Literal

from engine.wire.items import Item
from engine.wire.server_base import ServerEventBase
from engine.wire.struct import UNSET, FrozenStruct, UnsetType


# ------------------------------------------------------------------------------------------------ items
class _PlacedBase(ServerEventBase, frozen=True, kw_only=True):
    previous_item_id: str | None = None


class Conversation(FrozenStruct, frozen=True):
    """The conversation of a session."""

    id: str | None = None
    object: str | None = None


class ConversationCreated(ServerEventBase, frozen=True):
    """Sent by some compatible servers after `session.created`; OpenAI does not."""

    type: ClassVar[Literal["conversation.created"]] = "conversation.created"
    conversation: Conversation


class ConversationItemAdded(_PlacedBase, frozen=True):
    """An item entered the conversation after `previous_item_id` (None: it is the first, or the server does not say).

    Also stands for the beta's `conversation.item.created`.
    """

    type: ClassVar[Literal["conversation.item.added"]] = "conversation.item.added"
    item: Item


class ConversationItemDone(_PlacedBase, frozen=True):
    """An item is final.

    `previous_item_id` is unreliable here (protocol facts, 3.2): take it from `ConversationItemAdded`.
    """

    type: ClassVar[Literal["conversation.item.done"]] = "conversation.item.done"
    item: Item


class ConversationItemRetrieved(ServerEventBase, frozen=True):
    """The item that a client asked for, with its audio."""

    type: ClassVar[Literal["conversation.item.retrieved"]] = "conversation.item.retrieved"
    item: Item


class ConversationItemTruncated(ServerEventBase, frozen=True):
    """Audio after `audio_end_ms` of this item is gone, and so is the item's transcript at the server."""

    type: ClassVar[Literal["conversation.item.truncated"]] = "conversation.item.truncated"
    item_id: str
    content_index: int
    audio_end_ms: int


class ConversationItemDeleted(ServerEventBase, frozen=True):
    """An item is gone."""

    type: ClassVar[Literal["conversation.item.deleted"]] = "conversation.item.deleted"
    item_id: str


# ------------------------------------------------------------------------------------------------ what the user said
class LogProb(FrozenStruct, frozen=True):
    """How sure the recogniser is of a token: natural logarithm of its probability."""

    token: str
    logprob: float
    bytes: tuple[int, ...] = ()


class TranscriptionTokenDetails(FrozenStruct, frozen=True):
    """Input tokens by modality."""

    text_tokens: int = 0
    audio_tokens: int = 0


class TranscriptionTokens(FrozenStruct, frozen=True):
    """A transcription billed by token."""

    type: ClassVar[Literal["tokens"]] = "tokens"
    total_tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    input_token_details: TranscriptionTokenDetails | None = None


class TranscriptionDuration(FrozenStruct, frozen=True):
    """A transcription billed by time, in seconds rounded up."""

    type: ClassVar[Literal["duration"]] = "duration"
    seconds: float


class TranscriptionLanguage(FrozenStruct, frozen=True):
    """A language that was recognised (ISO 639-1)."""

    code: str


TranscriptionUsage = TranscriptionTokens | TranscriptionDuration


class ConversationItemInputAudioTranscriptionDelta(ServerEventBase, frozen=True):
    """More of what the user said."""

    type: ClassVar[Literal["conversation.item.input_audio_transcription.delta"]] = (
        "conversation.item.input_audio_transcription.delta"
    )
    item_id: str
    content_index: int
    delta: str
    logprobs: tuple[LogProb, ...] | None = None
    obfuscation: str | UnsetType = UNSET


class ConversationItemInputAudioTranscriptionCompleted(ServerEventBase, frozen=True):
    """What the user said. May come at any time after the item, even after the response to it.

    `status` is told by servers that send the whole text each time it has grown: "in_progress" until it is final.
    """

    type: ClassVar[Literal["conversation.item.input_audio_transcription.completed"]] = (
        "conversation.item.input_audio_transcription.completed"
    )
    item_id: str
    content_index: int
    transcript: str
    usage: TranscriptionUsage | None = None
    logprobs: tuple[LogProb, ...] | None = None
    languages: tuple[TranscriptionLanguage, ...] | None = None
    status: str | UnsetType = UNSET


class ConversationItemInputAudioTranscriptionSegment(ServerEventBase, frozen=True):
    """What one speaker said, from `start` to `end` (seconds)."""

    type: ClassVar[Literal["conversation.item.input_audio_transcription.segment"]] = (
        "conversation.item.input_audio_transcription.segment"
    )
    item_id: str
    content_index: int
    id: str
    speaker: str
    start: float
    end: float
    text: str


class TranscriptionError(FrozenStruct, frozen=True):
    """Why a transcription failed."""

    type: str | None = None
    code: str | None = None
    message: str | None = None
    param: str | None = None


class ConversationItemInputAudioTranscriptionFailed(ServerEventBase, frozen=True):
    """What the user said could not be recognised. The response goes on without."""

    type: ClassVar[Literal["conversation.item.input_audio_transcription.failed"]] = (
        "conversation.item.input_audio_transcription.failed"
    )
    item_id: str
    content_index: int
    error: TranscriptionError


# ------------------------------------------------------------------------------------------------ audio buffers
class InputAudioBufferCommitted(_PlacedBase, frozen=True):
    """User audio became the item `item_id`, after `previous_item_id`."""

    type: ClassVar[Literal["input_audio_buffer.committed"]] = "input_audio_buffer.committed"
    item_id: str


class InputAudioBufferCleared(ServerEventBase, frozen=True):
    """User audio was forgotten."""

    type: ClassVar[Literal["input_audio_buffer.cleared"]] = "input_audio_buffer.cleared"


class InputAudioBufferSpeechStarted(ServerEventBase, frozen=True):
    """The user speaks. Milliseconds count all audio appended in this session; the padding is already subtracted."""

    type: ClassVar[Literal["input_audio_buffer.speech_started"]] = "input_audio_buffer.speech_started"
    audio_start_ms: int
    item_id: str


class InputAudioBufferSpeechStopped(ServerEventBase, frozen=True):
    """The user is silent. Milliseconds count all audio appended in this session, the silence included."""

    type: ClassVar[Literal["input_audio_buffer.speech_stopped"]] = "input_audio_buffer.speech_stopped"
    audio_end_ms: int
    item_id: str


class InputAudioBufferTimeoutTriggered(ServerEventBase, frozen=True):
    """The user said nothing for too long."""

    type: ClassVar[Literal["input_audio_buffer.timeout_triggered"]] = "input_audio_buffer.timeout_triggered"
    audio_start_ms: int
    audio_end_ms: int
    item_id: str


class InputAudioBufferDtmfEventReceived(ServerEventBase, frozen=True):
    """A key was pressed on the phone (SIP). `received_at` is Unix seconds."""

    type: ClassVar[Literal["input_audio_buffer.dtmf_event_received"]] = "input_audio_buffer.dtmf_event_received"
    event: str
    received_at: int


class OutputAudioBufferStarted(ServerEventBase, frozen=True):
    """The server began to play a response (WebRTC and SIP)."""

    type: ClassVar[Literal["output_audio_buffer.started"]] = "output_audio_buffer.started"
    response_id: str


class OutputAudioBufferStopped(ServerEventBase, frozen=True):
    """The server finished playing a response (WebRTC and SIP)."""

    type: ClassVar[Literal["output_audio_buffer.stopped"]] = "output_audio_buffer.stopped"
    response_id: str


class OutputAudioBufferCleared(ServerEventBase, frozen=True):
    """The server stopped playing a response before its end (WebRTC and SIP)."""

    type: ClassVar[Literal["output_audio_buffer.cleared"]] = "output_audio_buffer.cleared"
    response_id: str


ConversationEvent = (
    ConversationCreated
    | ConversationItemAdded
    | ConversationItemDone
    | ConversationItemRetrieved
    | ConversationItemTruncated
    | ConversationItemDeleted
    | ConversationItemInputAudioTranscriptionDelta
    | ConversationItemInputAudioTranscriptionCompleted
    | ConversationItemInputAudioTranscriptionSegment
    | ConversationItemInputAudioTranscriptionFailed
    | InputAudioBufferCommitted
    | InputAudioBufferCleared
    | InputAudioBufferSpeechStarted
    | InputAudioBufferSpeechStopped
    | InputAudioBufferTimeoutTriggered
    | InputAudioBufferDtmfEventReceived
    | OutputAudioBufferStarted
    | OutputAudioBufferStopped
    | OutputAudioBufferCleared
)

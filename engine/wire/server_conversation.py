"""Server events about the conversation: its items, what the user said, and the audio buffers of both directions."""

from typing import ClassVar, Literal

import attrs

from engine.wire.items import Item
from engine.wire.server_base import ServerEventBase
from engine.wire.unset import UNSET, Unset


# ------------------------------------------------------------------------------------------------ items
@attrs.frozen
class Conversation:
    """The conversation of a session."""

    id: str | None = None
    object: str | None = None


@attrs.frozen
class ConversationCreated(ServerEventBase):
    """Sent by some compatible servers after `session.created`; OpenAI does not."""

    type: ClassVar[Literal["conversation.created"]] = "conversation.created"
    conversation: Conversation


@attrs.frozen
class ConversationItemAdded(ServerEventBase):
    """An item entered the conversation after `previous_item_id` (None: it is the first, or the server does not say).

    Also stands for the beta's `conversation.item.created`.
    """

    type: ClassVar[Literal["conversation.item.added"]] = "conversation.item.added"
    previous_item_id: str | None = attrs.field(default=None, kw_only=True)
    item: Item


@attrs.frozen
class ConversationItemDone(ServerEventBase):
    """An item is final.

    `previous_item_id` is unreliable here (protocol facts, 3.2): take it from `ConversationItemAdded`.
    """

    type: ClassVar[Literal["conversation.item.done"]] = "conversation.item.done"
    previous_item_id: str | None = attrs.field(default=None, kw_only=True)
    item: Item


@attrs.frozen
class ConversationItemRetrieved(ServerEventBase):
    """The item that a client asked for, with its audio."""

    type: ClassVar[Literal["conversation.item.retrieved"]] = "conversation.item.retrieved"
    item: Item


@attrs.frozen
class ConversationItemTruncated(ServerEventBase):
    """Audio after `audio_end_ms` of this item is gone, and so is the item's transcript at the server."""

    type: ClassVar[Literal["conversation.item.truncated"]] = "conversation.item.truncated"
    item_id: str
    content_index: int
    audio_end_ms: int


@attrs.frozen
class ConversationItemDeleted(ServerEventBase):
    """An item is gone."""

    type: ClassVar[Literal["conversation.item.deleted"]] = "conversation.item.deleted"
    item_id: str


# ------------------------------------------------------------------------------------------------ what the user said
@attrs.frozen
class LogProb:
    """How sure the recogniser is of a token: natural logarithm of its probability."""

    token: str
    logprob: float
    bytes: tuple[int, ...] = ()


@attrs.frozen
class TranscriptionTokenDetails:
    """Input tokens by modality."""

    text_tokens: int = 0
    audio_tokens: int = 0


@attrs.frozen
class TranscriptionTokens:
    """A transcription billed by token."""

    type: ClassVar[Literal["tokens"]] = "tokens"
    total_tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    input_token_details: TranscriptionTokenDetails | None = None


@attrs.frozen
class TranscriptionDuration:
    """A transcription billed by time, in seconds rounded up."""

    type: ClassVar[Literal["duration"]] = "duration"
    seconds: float


@attrs.frozen
class TranscriptionLanguage:
    """A language that was recognised (ISO 639-1)."""

    code: str


TranscriptionUsage = TranscriptionTokens | TranscriptionDuration


@attrs.frozen
class ConversationItemInputAudioTranscriptionDelta(ServerEventBase):
    """More of what the user said."""

    type: ClassVar[Literal["conversation.item.input_audio_transcription.delta"]] = (
        "conversation.item.input_audio_transcription.delta"
    )
    item_id: str
    content_index: int
    delta: str
    logprobs: tuple[LogProb, ...] | None = None
    obfuscation: str | Unset = attrs.field(default=UNSET, kw_only=True)


@attrs.frozen
class ConversationItemInputAudioTranscriptionCompleted(ServerEventBase):
    """What the user said. May come at any time after the item, even after the response to it."""

    type: ClassVar[Literal["conversation.item.input_audio_transcription.completed"]] = (
        "conversation.item.input_audio_transcription.completed"
    )
    item_id: str
    content_index: int
    transcript: str
    usage: TranscriptionUsage | None = None
    logprobs: tuple[LogProb, ...] | None = None
    languages: tuple[TranscriptionLanguage, ...] | None = None


@attrs.frozen
class ConversationItemInputAudioTranscriptionSegment(ServerEventBase):
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


@attrs.frozen
class TranscriptionError:
    """Why a transcription failed."""

    type: str | None = None
    code: str | None = None
    message: str | None = None
    param: str | None = None


@attrs.frozen
class ConversationItemInputAudioTranscriptionFailed(ServerEventBase):
    """What the user said could not be recognised. The response goes on without."""

    type: ClassVar[Literal["conversation.item.input_audio_transcription.failed"]] = (
        "conversation.item.input_audio_transcription.failed"
    )
    item_id: str
    content_index: int
    error: TranscriptionError


# ------------------------------------------------------------------------------------------------ audio buffers
@attrs.frozen
class InputAudioBufferCommitted(ServerEventBase):
    """User audio became the item `item_id`, after `previous_item_id`."""

    type: ClassVar[Literal["input_audio_buffer.committed"]] = "input_audio_buffer.committed"
    previous_item_id: str | None = attrs.field(default=None, kw_only=True)
    item_id: str


@attrs.frozen
class InputAudioBufferCleared(ServerEventBase):
    """User audio was forgotten."""

    type: ClassVar[Literal["input_audio_buffer.cleared"]] = "input_audio_buffer.cleared"


@attrs.frozen
class InputAudioBufferSpeechStarted(ServerEventBase):
    """The user speaks. Milliseconds count all audio appended in this session; the padding is already subtracted."""

    type: ClassVar[Literal["input_audio_buffer.speech_started"]] = "input_audio_buffer.speech_started"
    audio_start_ms: int
    item_id: str


@attrs.frozen
class InputAudioBufferSpeechStopped(ServerEventBase):
    """The user is silent. Milliseconds count all audio appended in this session, the silence included."""

    type: ClassVar[Literal["input_audio_buffer.speech_stopped"]] = "input_audio_buffer.speech_stopped"
    audio_end_ms: int
    item_id: str


@attrs.frozen
class InputAudioBufferTimeoutTriggered(ServerEventBase):
    """The user said nothing for too long."""

    type: ClassVar[Literal["input_audio_buffer.timeout_triggered"]] = "input_audio_buffer.timeout_triggered"
    audio_start_ms: int
    audio_end_ms: int
    item_id: str


@attrs.frozen
class InputAudioBufferDtmfEventReceived(ServerEventBase):
    """A key was pressed on the phone (SIP). `received_at` is Unix seconds."""

    type: ClassVar[Literal["input_audio_buffer.dtmf_event_received"]] = "input_audio_buffer.dtmf_event_received"
    event: str
    received_at: int


@attrs.frozen
class OutputAudioBufferStarted(ServerEventBase):
    """The server began to play a response (WebRTC and SIP)."""

    type: ClassVar[Literal["output_audio_buffer.started"]] = "output_audio_buffer.started"
    response_id: str


@attrs.frozen
class OutputAudioBufferStopped(ServerEventBase):
    """The server finished playing a response (WebRTC and SIP)."""

    type: ClassVar[Literal["output_audio_buffer.stopped"]] = "output_audio_buffer.stopped"
    response_id: str


@attrs.frozen
class OutputAudioBufferCleared(ServerEventBase):
    """The server stopped playing a response before its end (WebRTC and SIP)."""

    type: ClassVar[Literal["output_audio_buffer.cleared"]] = "output_audio_buffer.cleared"
    response_id: str


CONVERSATION_EVENTS = (
    ConversationCreated,
    ConversationItemAdded,
    ConversationItemDone,
    ConversationItemRetrieved,
    ConversationItemTruncated,
    ConversationItemDeleted,
    ConversationItemInputAudioTranscriptionDelta,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionSegment,
    ConversationItemInputAudioTranscriptionFailed,
    InputAudioBufferCommitted,
    InputAudioBufferCleared,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    InputAudioBufferTimeoutTriggered,
    InputAudioBufferDtmfEventReceived,
    OutputAudioBufferStarted,
    OutputAudioBufferStopped,
    OutputAudioBufferCleared,
)

"""The eleven events that a client sends (protocol facts, section 2), and a way to send anything else."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from msgspec.structs import force_setattr

from engine.wire.constraints import MaxLength, Range
from engine.wire.items import Item
from engine.wire.response import ResponseParams
from engine.wire.session import Session, TranscriptionSession, sealed_definitions
from engine.wire.struct import UNSET, FrozenStruct, UnsetType

EventId = Annotated[str, MaxLength(512)]


class ClientEventBase(FrozenStruct, frozen=True, kw_only=True):
    """What every client event has: an optional id, which the server names when it rejects the event."""

    type: ClassVar[str]
    event_id: EventId | UnsetType | None = UNSET


class SessionUpdate(ClientEventBase, frozen=True):
    """Change the settings that are present in `session`."""

    type: ClassVar[Literal["session.update"]] = "session.update"
    session: Session | TranscriptionSession


class InputAudioBufferAppend(ClientEventBase, frozen=True):
    """More user audio: raw bytes in the session's input format (base64 on the wire)."""

    type: ClassVar[Literal["input_audio_buffer.append"]] = "input_audio_buffer.append"
    audio: bytes


class InputAudioBufferCommit(ClientEventBase, frozen=True):
    """Make a user item of the audio in the buffer."""

    type: ClassVar[Literal["input_audio_buffer.commit"]] = "input_audio_buffer.commit"


class InputAudioBufferClear(ClientEventBase, frozen=True):
    """Forget the audio in the buffer."""

    type: ClassVar[Literal["input_audio_buffer.clear"]] = "input_audio_buffer.clear"


class ConversationItemCreate(ClientEventBase, frozen=True):
    """Add an item: at the end, or after `previous_item_id` ("root" is the very beginning)."""

    type: ClassVar[Literal["conversation.item.create"]] = "conversation.item.create"
    item: Item
    previous_item_id: str | UnsetType | None = UNSET


class ConversationItemRetrieve(ClientEventBase, frozen=True):
    """Ask for an item with its audio."""

    type: ClassVar[Literal["conversation.item.retrieve"]] = "conversation.item.retrieve"
    item_id: str


class ConversationItemTruncate(ClientEventBase, frozen=True):
    """Cut assistant audio to the `audio_end_ms` milliseconds of this item that were heard."""

    type: ClassVar[Literal["conversation.item.truncate"]] = "conversation.item.truncate"
    item_id: str
    content_index: Annotated[int, Range(0)]
    audio_end_ms: Annotated[int, Range(0)]


class ConversationItemDelete(ClientEventBase, frozen=True):
    """Remove an item."""

    type: ClassVar[Literal["conversation.item.delete"]] = "conversation.item.delete"
    item_id: str


class ResponseCreate(ClientEventBase, frozen=True):
    """Ask for a response."""

    type: ClassVar[Literal["response.create"]] = "response.create"
    response: ResponseParams | UnsetType | None = UNSET


class ResponseCancel(ClientEventBase, frozen=True):
    """Stop a response: the running one, or the one with this id."""

    type: ClassVar[Literal["response.cancel"]] = "response.cancel"
    response_id: str | UnsetType | None = UNSET


class OutputAudioBufferClear(ClientEventBase, frozen=True):
    """Stop playback at the server's end. WebRTC and SIP only: a plain WebSocket is refused."""

    type: ClassVar[Literal["output_audio_buffer.clear"]] = "output_audio_buffer.clear"


class RawClientEvent(FrozenStruct, frozen=True):
    """Any JSON object, sent as it is."""

    payload: Mapping[str, object]

    def __post_init__(self) -> None:
        if isinstance(self.payload, Mapping):
            force_setattr(self, "payload", sealed_definitions(self.payload))

    @property
    def type(self) -> str:
        """The type that the payload names, or an empty string."""
        value = self.payload.get("type")
        return value if isinstance(value, str) else ""


WebSocketClientEvent = (
    SessionUpdate
    | InputAudioBufferAppend
    | InputAudioBufferCommit
    | InputAudioBufferClear
    | ConversationItemCreate
    | ConversationItemTruncate
    | ConversationItemDelete
    | ConversationItemRetrieve
    | ResponseCreate
    | ResponseCancel
)
"""What a plain WebSocket accepts, in the order in which the API lists them when it is sent something else."""

ClientEvent = WebSocketClientEvent | OutputAudioBufferClear | RawClientEvent

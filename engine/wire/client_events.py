"""The eleven events that a client sends (protocol facts, section 2), and a way to send anything else."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import attrs

from engine.wire.constraints import MaxLength, Range
from engine.wire.items import Item
from engine.wire.response import ResponseParams
from engine.wire.session import Session, TranscriptionSession
from engine.wire.unset import UNSET, Unset

EventId = Annotated[str, MaxLength(512)]


@attrs.frozen
class ClientEventBase:
    """What every client event has: an optional id, which the server names when it rejects the event."""

    type: ClassVar[str]
    event_id: EventId | Unset | None = attrs.field(default=UNSET, kw_only=True)


@attrs.frozen
class SessionUpdate(ClientEventBase):
    """Change the settings that are present in `session`."""

    type: ClassVar[Literal["session.update"]] = "session.update"
    session: Session | TranscriptionSession


@attrs.frozen
class InputAudioBufferAppend(ClientEventBase):
    """More user audio: raw bytes in the session's input format (base64 on the wire)."""

    type: ClassVar[Literal["input_audio_buffer.append"]] = "input_audio_buffer.append"
    audio: bytes


@attrs.frozen
class InputAudioBufferCommit(ClientEventBase):
    """Make a user item of the audio in the buffer."""

    type: ClassVar[Literal["input_audio_buffer.commit"]] = "input_audio_buffer.commit"


@attrs.frozen
class InputAudioBufferClear(ClientEventBase):
    """Forget the audio in the buffer."""

    type: ClassVar[Literal["input_audio_buffer.clear"]] = "input_audio_buffer.clear"


@attrs.frozen
class ConversationItemCreate(ClientEventBase):
    """Add an item: at the end, or after `previous_item_id` ("root" is the very beginning)."""

    type: ClassVar[Literal["conversation.item.create"]] = "conversation.item.create"
    item: Item
    previous_item_id: str | Unset | None = UNSET


@attrs.frozen
class ConversationItemRetrieve(ClientEventBase):
    """Ask for an item with its audio."""

    type: ClassVar[Literal["conversation.item.retrieve"]] = "conversation.item.retrieve"
    item_id: str


@attrs.frozen
class ConversationItemTruncate(ClientEventBase):
    """Cut assistant audio to the `audio_end_ms` milliseconds of this item that were heard."""

    type: ClassVar[Literal["conversation.item.truncate"]] = "conversation.item.truncate"
    item_id: str
    content_index: Annotated[int, Range(0)]
    audio_end_ms: Annotated[int, Range(0)]


@attrs.frozen
class ConversationItemDelete(ClientEventBase):
    """Remove an item."""

    type: ClassVar[Literal["conversation.item.delete"]] = "conversation.item.delete"
    item_id: str


@attrs.frozen
class ResponseCreate(ClientEventBase):
    """Ask for a response."""

    type: ClassVar[Literal["response.create"]] = "response.create"
    response: ResponseParams | Unset | None = UNSET


@attrs.frozen
class ResponseCancel(ClientEventBase):
    """Stop a response: the running one, or the one with this id."""

    type: ClassVar[Literal["response.cancel"]] = "response.cancel"
    response_id: str | Unset | None = UNSET


@attrs.frozen
class OutputAudioBufferClear(ClientEventBase):
    """Stop playback at the server's end. WebRTC and SIP only: a plain WebSocket is refused."""

    type: ClassVar[Literal["output_audio_buffer.clear"]] = "output_audio_buffer.clear"


@attrs.frozen
class RawClientEvent:
    """Any JSON object, sent as it is."""

    payload: Mapping[str, object]

    @property
    def type(self) -> str:
        """The type that the payload names, or an empty string."""
        value = self.payload.get("type")
        return value if isinstance(value, str) else ""


ClientEvent = (
    SessionUpdate
    | InputAudioBufferAppend
    | InputAudioBufferCommit
    | InputAudioBufferClear
    | ConversationItemCreate
    | ConversationItemRetrieve
    | ConversationItemTruncate
    | ConversationItemDelete
    | ResponseCreate
    | ResponseCancel
    | OutputAudioBufferClear
    | RawClientEvent
)

"""What a client may do with the items of the conversation: create, retrieve, truncate, delete."""

from __future__ import annotations

from collections.abc import Generator

import pybase64

from engine.audio.streams import Decoder, Encoder
from engine.local.conversation import errors, steps
from engine.local.conversation.effects import Hear
from engine.local.conversation.items import ItemEntry, ItemList, with_id
from engine.local.conversation.outbox import Outbox
from engine.local.conversation.session_settings import SessionSettings
from engine.local.conversation.steps import Steps
from engine.local.conversation.usage import typed_tokens
from engine.wire.client_events import (
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemRetrieve,
    ConversationItemTruncate,
)
from engine.wire.formats import PCM16
from engine.wire.items import (
    FunctionCall,
    FunctionCallOutput,
    InputAudio,
    InputImage,
    InputText,
    Item,
    McpApprovalResponse,
    Message,
    OutputAudio,
    OutputText,
    Part,
)
from engine.wire.server_events import (
    ConversationItemAdded,
    ConversationItemDeleted,
    ConversationItemDone,
    ConversationItemRetrieved,
    ConversationItemTruncated,
)
from engine.wire.struct import evolve

_CREATABLE = (Message, FunctionCall, FunctionCallOutput, McpApprovalResponse)


class ItemRequests:
    """Answers the four `conversation.item.*` requests."""

    def __init__(self, outbox: Outbox, conversation: ItemList, settings: SessionSettings) -> None:
        self._outbox = outbox
        self._conversation = conversation
        self._settings = settings
        self._calls: set[str] = set()

    def create(self, event: ConversationItemCreate) -> Steps:
        """Add the client's item, whose audio is decoded in steps.

        Raises:
            Rejected: the item or its place is not allowed; nothing was changed.
        """
        item = event.item
        if not isinstance(item, _CREATABLE):
            raise errors.not_creatable(getattr(item, "type", "unknown"))
        if isinstance(item, FunctionCallOutput) and not self._is_called(item.call_id):
            raise errors.unknown_call(item.call_id)
        characters = _characters(item)
        self._conversation.check_room(characters)
        entry, pcm = yield from self._entry(item)
        entry.characters = characters
        previous = self._conversation.add(entry, event.previous_item_id)
        ids = self._outbox.ids
        self._outbox.send(ConversationItemAdded(entry.item, previous_item_id=previous, event_id=ids.event()))
        self._outbox.send(ConversationItemDone(entry.item, previous_item_id=previous, event_id=ids.event()))
        if pcm is not None:
            item_id = str(entry.item.id)
            self._conversation.keep_audio(item_id, pcm, PCM16.ms_of(len(pcm)))
            self._outbox.do(Hear(item_id, pcm))

    def retrieve(self, event: ConversationItemRetrieve) -> Steps:
        """Show an item with its audio, which is encoded in steps.

        Raises:
            Rejected: there is no such item.
        """
        entry = self._conversation.get(event.item_id)
        if entry is None:
            raise errors.unknown_item("retrieve", event.item_id)
        item = yield from self._with_audio(entry)
        self._outbox.send(ConversationItemRetrieved(item, event_id=self._outbox.ids.event()))

    def truncate(self, event: ConversationItemTruncate) -> None:
        """Cut an assistant's audio to what was heard; its transcript is forgotten.

        Raises:
            Rejected: there is no such item, it is not assistant audio, or it is not that long.
        """
        entry = self._conversation.get(event.item_id)
        if entry is None:
            raise errors.unknown_item("truncate", event.item_id)
        item = entry.item
        if not isinstance(item, Message) or item.role != "assistant" or not entry.audio_ms:
            raise errors.not_truncatable()
        if event.content_index != 0:
            raise errors.bad_content_index(event.content_index)
        if entry.truncated:
            raise errors.already_truncated(event.item_id)
        if event.audio_end_ms < 0:
            raise errors.negative_truncation(event.audio_end_ms)
        if event.audio_end_ms > entry.audio_ms:
            raise errors.truncated_beyond(entry.audio_ms, event.audio_end_ms)
        self._truncate(entry, event.item_id, event.audio_end_ms)
        self._outbox.send(
            ConversationItemTruncated(event.item_id, 0, event.audio_end_ms, event_id=self._outbox.ids.event())
        )

    def delete(self, event: ConversationItemDelete) -> None:
        """Take an item out of the conversation.

        Raises:
            Rejected: there is no such item.
        """
        if event.item_id not in self._conversation:
            raise errors.unknown_item("delete", event.item_id)
        self._conversation.remove(event.item_id)
        self._outbox.send(ConversationItemDeleted(event.item_id, event_id=self._outbox.ids.event()))

    # ------------------------------------------------------------------------------------------ inside
    def _is_called(self, call_id: str) -> bool:
        if call_id not in self._calls:
            self._calls = {entry.item.call_id for entry in self._conversation if isinstance(entry.item, FunctionCall)}
        return call_id in self._calls

    def _entry(self, item: Item) -> Generator[None, int, tuple[ItemEntry, bytes | None]]:
        """The item as it is stored, and the audio in it."""
        given = getattr(item, "id", None)
        named = with_id(item, given if isinstance(given, str) and given else self._outbox.ids.item())
        if isinstance(named, Message):
            return (yield from self._message(named))
        if isinstance(named, FunctionCall):
            named = evolve(named, status="completed")
        elif isinstance(named, FunctionCallOutput):
            named = evolve(named, status=None)
        return ItemEntry(named), None

    def _message(self, message: Message) -> Generator[None, int, tuple[ItemEntry, bytes | None]]:
        pcm = bytearray()
        transcript = ""
        content: list[Part] = []
        for part in message.content:
            if isinstance(part, InputAudio):
                decoder = Decoder(self._settings.input_format)
                audio = pybase64.b64decode(part.audio or "")
                for number, piece in enumerate(steps.arriving(audio, decoder.audio_format)):
                    if number:
                        yield
                    pcm += decoder.decode(piece)
                pcm += decoder.flush()
                transcript += part.transcript or ""
                part = InputAudio(transcript=part.transcript)
            content.append(part)
        stored = evolve(message, content=tuple(content), status="completed")
        unheard = bool(pcm) and not transcript
        entry = ItemEntry(
            stored,
            transcript=transcript,
            hearing=unheard,
            audio_ms=PCM16.ms_of(len(pcm)),
            typed_tokens=typed_tokens(stored),
        )
        return entry, bytes(pcm) if unheard else None

    def _truncate(self, entry: ItemEntry, item_id: str, audio_end_ms: int) -> None:
        if entry.audio is not None:
            heard = entry.audio[: entry.audio_format.bytes_of(audio_end_ms)]
            self._conversation.keep_audio(item_id, heard, audio_end_ms)
        entry.audio_ms = audio_end_ms
        entry.truncated = True
        entry.transcript = ""

    def _with_audio(self, entry: ItemEntry) -> Generator[None, int, Item]:
        item = entry.item
        if not isinstance(item, Message):
            return item
        encoded = yield from self._encoded(entry)
        audio = pybase64.b64encode(encoded).decode() if encoded else None
        content: list[Part] = []
        for part in item.content:
            if isinstance(part, InputAudio):
                part = InputAudio(audio=audio, transcript=part.transcript)
            elif isinstance(part, OutputAudio):
                said = None if entry.truncated else part.transcript
                part = OutputAudio(transcript=said, audio=audio)
            content.append(part)
        return evolve(item, content=tuple(content))

    def _encoded(self, entry: ItemEntry) -> Generator[None, int, bytes]:
        audio = entry.audio or b""
        if not isinstance(entry.item, Message) or entry.item.role != "user":
            return audio
        encoder = Encoder(self._settings.input_format)
        encoded = bytearray()
        for number, piece in enumerate(steps.leaving(audio, encoder.audio_format)):
            if number:
                yield
            encoded += encoder.encode(piece)
        return bytes(encoded + encoder.encode(b"", last=True))


def _characters(item: Item) -> int:
    """Return how much of `Quotas.kept_characters` an item takes."""
    if isinstance(item, FunctionCall):
        return len(item.name) + len(item.arguments)
    if isinstance(item, FunctionCallOutput):
        return len(item.output)
    if not isinstance(item, Message):
        return 0
    return sum(_length(part) for part in item.content)


def _length(part: Part) -> int:
    if isinstance(part, (InputText, OutputText)):
        return len(part.text)
    if isinstance(part, InputImage):
        return len(part.image_url or "")
    return len(part.transcript or "") if isinstance(part, (InputAudio, OutputAudio)) else 0

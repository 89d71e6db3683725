"""The output items of a response: a message or a function call, from opening to closing, and their events in
order.

    opens    `response.output_item.added`, `conversation.item.added`, for messages `response.content_part.added`
    grows    text, transcript, audio or argument deltas
    closes   its `…done` events (audio before transcript), `response.content_part.done`, `conversation.item.done`,
             `response.output_item.done`

The two `conversation.item.*` events are left out for a response outside the conversation. An item closes
exactly once, `completed` or `incomplete`; what it holds then is exactly what its deltas said.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import attrs

from engine.local.conversation.items import ItemEntry, ItemList
from engine.local.conversation.outbox import Outbox
from engine.local.conversation.tokens import assistant_audio_tokens, text_tokens
from engine.wire.formats import AudioFormat
from engine.wire.items import FunctionCall, Item, Message, OutputAudio, OutputText, Part
from engine.wire.server_events import (
    ConversationItemAdded,
    ConversationItemDone,
    ResponseContentPartAdded,
    ResponseContentPartDone,
    ResponseFunctionCallArgumentsDelta,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
)

IN_PROGRESS, COMPLETED, INCOMPLETE = "in_progress", "completed", "incomplete"


@attrs.frozen
class OutputContext:
    """What all output items of one response share."""

    response_id: str
    outbox: Outbox
    conversation: ItemList | None
    """None for a response outside the conversation."""
    null_previous_when_done: bool
    """The service's `conversation.item.done` names no previous item if that is the first of the
    conversation."""


class _OutputItem(ABC):
    """What messages and function calls have in common."""

    def __init__(self, context: OutputContext, index: int) -> None:
        self._context = context
        self._outbox = context.outbox
        self.index = index
        self.id = context.outbox.ids.item()
        self.status: str | None = None
        """None before it opens, then `in_progress`, then how it closed."""

    @property
    @abstractmethod
    def item(self) -> Item:
        """The item as it stands."""

    @property
    @abstractmethod
    def tokens(self) -> tuple[int, int]:
        """Text and audio tokens so far."""

    def _announce(self) -> None:
        self.status = IN_PROGRESS
        ids, item = self._outbox.ids, self.item
        self._outbox.send(ResponseOutputItemAdded(self._context.response_id, self.index, item, event_id=ids.event()))
        if self._context.conversation is not None:
            previous = self._context.conversation.add(ItemEntry(item))
            self._outbox.send(ConversationItemAdded(item, previous_item_id=previous, event_id=ids.event()))

    def _conclude(self, status: str) -> None:
        self.status = status
        ids, item = self._outbox.ids, self.item
        entry = self._entry()
        if entry is not None:
            entry.item = item
            self._outbox.send(ConversationItemDone(item, previous_item_id=self._previous(entry), event_id=ids.event()))
        self._outbox.send(ResponseOutputItemDone(self._context.response_id, self.index, item, event_id=ids.event()))

    def _entry(self) -> ItemEntry | None:
        """Its place in the conversation; None if it has none, or the client deleted it."""
        conversation = self._context.conversation
        return None if conversation is None else conversation.get(self.id)

    def _previous(self, entry: ItemEntry) -> str | None:
        conversation = self._context.conversation
        if entry.previous is None or conversation is None:
            return None
        before = conversation.get(entry.previous)
        is_first = before is not None and before.previous is None
        return None if is_first and self._context.null_previous_when_done else entry.previous


class MessageOutput(_OutputItem):
    """An assistant message: text, or audio with its transcript."""

    def __init__(
        self, context: OutputContext, index: int, *, audio_format: AudioFormat | None, phase: str | None
    ) -> None:
        super().__init__(context, index)
        self._format = audio_format
        self._phase = phase
        self._text: list[str] = []
        self._audio = bytearray()

    @property
    def speaks(self) -> bool:
        """Whether it is audio."""
        return self._format is not None

    @property
    def audio_ms(self) -> int:
        """How much audio was sent."""
        return self._format.ms_of(len(self._audio)) if self._format is not None else 0

    @property
    def tokens_of_audio(self) -> int:
        """Audio tokens so far."""
        return assistant_audio_tokens(self.audio_ms)

    @property
    def tokens(self) -> tuple[int, int]:
        return text_tokens("".join(self._text)), self.tokens_of_audio

    @property
    def item(self) -> Message:
        content: tuple[Part, ...] = () if self.status == IN_PROGRESS else (self._part(),)
        return Message(id=self.id, role="assistant", content=content, status=self.status, phase=self._phase)

    def open(self) -> None:
        """Announce the item and its one part."""
        self._announce()
        empty: Part = OutputText("") if self._format is None else OutputAudio("")
        self._outbox.send(
            ResponseContentPartAdded(
                self._context.response_id, self.id, self.index, 0, empty, event_id=self._outbox.ids.event()
            )
        )

    def write(self, delta: str) -> None:
        """More text, or more of the transcript."""
        self._text.append(delta)
        ids = self._outbox.ids
        kind = ResponseOutputTextDelta if self._format is None else ResponseOutputAudioTranscriptDelta
        self._outbox.send(
            kind(
                self._context.response_id,
                self.id,
                self.index,
                0,
                delta,
                obfuscation=ids.obfuscation(delta),
                event_id=ids.event(),
            )
        )
        entry = self._entry()
        if entry is not None and not entry.truncated:
            entry.transcript += delta

    def play(self, audio: bytes) -> None:
        """More audio, in the format of the response."""
        self._audio += audio
        self._outbox.send(
            ResponseOutputAudioDelta(
                self._context.response_id, self.id, self.index, 0, audio, event_id=self._outbox.ids.event()
            )
        )
        entry = self._entry()
        if entry is not None and not entry.truncated:
            entry.audio_ms = self.audio_ms
            entry.audio_format = self._format or entry.audio_format

    def close(self, status: str) -> None:
        """Say that it is whole (`completed`) or cut short (`incomplete`)."""
        ids, response_id = self._outbox.ids, self._context.response_id
        text = "".join(self._text)
        if self._format is None:
            self._outbox.send(ResponseOutputTextDone(response_id, self.id, self.index, 0, text, event_id=ids.event()))
        else:
            self._outbox.send(ResponseOutputAudioDone(response_id, self.id, self.index, 0, event_id=ids.event()))
            self._outbox.send(
                ResponseOutputAudioTranscriptDone(response_id, self.id, self.index, 0, text, event_id=ids.event())
            )
        self._outbox.send(
            ResponseContentPartDone(response_id, self.id, self.index, 0, self._part(), event_id=ids.event())
        )
        self._conclude(status)
        self._keep_audio()

    def _part(self) -> OutputText | OutputAudio:
        text = "".join(self._text)
        return OutputText(text) if self._format is None else OutputAudio(text)

    def _keep_audio(self) -> None:
        entry, conversation = self._entry(), self._context.conversation
        if entry is not None and conversation is not None and self._audio and not entry.truncated:
            conversation.keep_audio(self.id, bytes(self._audio), self.audio_ms)


class CallOutput(_OutputItem):
    """A function call."""

    def __init__(self, context: OutputContext, index: int, name: str) -> None:
        super().__init__(context, index)
        self._name = name
        self._call_id = context.outbox.ids.call()
        self._arguments: list[str] = []

    @property
    def tokens(self) -> tuple[int, int]:
        return text_tokens(self._name) + text_tokens("".join(self._arguments)), 0

    @property
    def item(self) -> FunctionCall:
        return FunctionCall(
            id=self.id,
            name=self._name,
            call_id=self._call_id,
            arguments="" if self.status == IN_PROGRESS else "".join(self._arguments),
            status=self.status,
        )

    def open(self) -> None:
        """Announce the call: its name and `call_id` are known from here on."""
        self._announce()

    def write(self, delta: str) -> None:
        """More of the arguments."""
        self._arguments.append(delta)
        ids = self._outbox.ids
        self._outbox.send(
            ResponseFunctionCallArgumentsDelta(
                self._context.response_id,
                self.id,
                self.index,
                self._call_id,
                delta,
                obfuscation=ids.obfuscation(delta),
                event_id=ids.event(),
            )
        )

    def close(self, status: str) -> None:
        """Say that the arguments are whole (`completed`) or cut short (`incomplete`)."""
        self._outbox.send(
            ResponseFunctionCallArgumentsDone(
                self._context.response_id,
                self.id,
                self.index,
                self._call_id,
                self._name,
                "".join(self._arguments),
                event_id=self._outbox.ids.event(),
            )
        )
        self._conclude(status)


OutputItem = MessageOutput | CallOutput

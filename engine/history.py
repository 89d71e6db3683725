"""Items of a conversation as an application reads them: frozen, in the server's order."""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs

from engine.wire.items import InputImage, InputText, Item

ItemStatus = Literal["in_progress", "completed", "incomplete"]


@attrs.frozen
class UserAudio:
    """What the user said. ``transcript`` is None until (or unless) it has been transcribed."""

    type: ClassVar[Literal["input_audio"]] = "input_audio"
    transcript: str | None = None


@attrs.frozen
class AssistantText:
    """What the agent wrote."""

    type: ClassVar[Literal["output_text"]] = "output_text"
    text: str


@attrs.frozen
class AssistantAudio:
    """What the agent said, and after an interruption, how much of it reached the user's ear."""

    type: ClassVar[Literal["output_audio"]] = "output_audio"
    transcript: str
    audio_end_ms: int | None = None
    """The millisecond of this item's audio at which the interruption cut it; None if it was not cut."""
    heard: str | None = None
    """The part of the transcript up to there (an estimate: the protocol aligns no words). None if it was not cut."""
    unheard: str | None = None


@attrs.frozen(kw_only=True)
class UserMessage:
    """Something the user said, typed or showed."""

    type: ClassVar[Literal["message"]] = "message"
    role: ClassVar[Literal["user"]] = "user"
    item_id: str
    previous_item_id: str | None = None
    status: ItemStatus = "completed"
    content: tuple[InputText | InputImage | UserAudio, ...] = ()


@attrs.frozen(kw_only=True)
class SystemMessage:
    """A note to the model that is part of the conversation."""

    type: ClassVar[Literal["message"]] = "message"
    role: ClassVar[Literal["system"]] = "system"
    item_id: str
    previous_item_id: str | None = None
    status: ItemStatus = "completed"
    content: tuple[InputText, ...] = ()


@attrs.frozen(kw_only=True)
class AssistantMessage:
    """Something the agent said or wrote."""

    type: ClassVar[Literal["message"]] = "message"
    role: ClassVar[Literal["assistant"]] = "assistant"
    item_id: str
    previous_item_id: str | None = None
    status: ItemStatus = "in_progress"
    content: tuple[AssistantText | AssistantAudio, ...] = ()


@attrs.frozen(kw_only=True)
class ToolCall:
    """A call the model made, with its output once there is one."""

    type: ClassVar[Literal["function_call"]] = "function_call"
    item_id: str
    previous_item_id: str | None = None
    status: ItemStatus = "in_progress"
    name: str
    call_id: str
    arguments: str
    output: str | None = None


@attrs.frozen(kw_only=True)
class OtherItem:
    """An item of a kind the engine does not interpret, as it came."""

    type: ClassVar[Literal["other"]] = "other"
    item_id: str
    previous_item_id: str | None = None
    item: Item


HistoryItem = UserMessage | SystemMessage | AssistantMessage | ToolCall | OtherItem

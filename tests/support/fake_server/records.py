"""What the server remembers: its items, its responses, and the order in which things happened to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from engine.wire.formats import AudioFormat
from engine.wire.items import FunctionCall, FunctionCallOutput, Item, Message, OutputAudio, OutputText
from engine.wire.items import Status as ItemStatus

BYTES_PER_MS = 48
"""PCM16 at 24 kHz."""


@attrs.frozen
class Quirks:
    """How servers differ, within what has been seen of them (protocol notes, 3.4, 6.8, 6.9, 9)."""

    done_before_started: bool = False
    """The cancelled `response.done` comes before `speech_started`, not after it."""
    silent_clash: bool = False
    """A response of its own that cannot begin is left out without a word, instead of an error without `event_id`."""
    late_done: bool = False
    """The `done` events of an item come only when the next one is done, too."""
    stray_audio: bool = False
    """A last delta comes after `output_audio.done`, where that is not late itself: audio is sent in playing order."""
    whole_text: bool = False
    """What is said or written comes as a whole when its item is done, without deltas."""
    rewords: bool = False
    """The final transcript of an item has other words than its deltas."""
    never_cancels: bool = False
    """The user's voice cancels nothing: that is left to the client."""
    reuses_ids: bool = False
    """Ids of responses, and those of items and calls in a response, are counted from 0 each time."""
    forgets_response_ids: bool = False
    """Only the beginning and the end of a response of the conversation name it."""
    repeats: bool = False
    """Beginnings, items and ends are told twice, with another `event_id`."""
    never_ends: bool = False
    """A response that is cancelled stops without a word: `response.done` never comes."""
    anonymous: bool = False
    """Refusals name no `event_id`."""
    refuses_metadata: bool = False
    """A response with metadata is refused, by an error that names neither the event nor the metadata."""
    other_format: AudioFormat | None = None
    """Its audio is in this format, whatever was asked for."""
    denies_detection: bool = False
    """It says that it detects no turns while it does."""
    refuses_changes: Literal["", "by id", "by place"] = ""
    """It refuses settings that come without an agent's instructions, and names the client event, or only a setting."""
    sparse: bool = False
    """Nothing is told of items but by the responses that make them, and by the commit of speech."""
    adds_late: bool = False
    """The item that speech became is announced only after the model has begun to answer it."""
    null_places: Literal["none", "some", "all"] = "none"
    """The item before an item is not told: of every second item, or of none."""
    repeats_transcripts: bool = False
    """What the user said is told as it grows, each time from its beginning, and once more when it is final."""


@attrs.define
class FarItem:
    """One item of the conversation, or of a response outside of it."""

    item_id: str
    kind: Literal["message", "call", "other"]
    item: Item
    response_id: str | None = None
    output_index: int = 0
    spoken: bool = True
    text: str = ""
    audio_bytes: int = 0
    status: ItemStatus = "completed"
    truncated: bool = False
    bytes_per_ms: int = BYTES_PER_MS

    @property
    def audio_ms(self) -> int:
        """How much audio has been made."""
        return self.audio_bytes // self.bytes_per_ms

    def shown(self) -> Item:
        """The item as the server would send it now."""
        match self.item:
            case Message(role="assistant"):
                part = OutputAudio(self.text) if self.spoken else OutputText(self.text)
                content = () if self.status == "in_progress" else (part,)
                return Message(self.item_id, "assistant", content, self.status)
            case FunctionCall() as call:
                arguments = "" if self.status == "in_progress" else self.text
                return attrs.evolve(call, arguments=arguments, status=self.status)
            case Message() as message:
                return attrs.evolve(message, status="completed")
            case FunctionCallOutput() as output:
                return attrs.evolve(output, id=self.item_id)
        return self.item


@attrs.define
class FarResponse:
    """One response."""

    response_id: str
    own: bool
    """The server began it by itself."""
    out_of_band: bool
    agent: str
    """The instructions it was begun with."""
    metadata: Mapping[str, str] | None
    status: str = "in_progress"
    items: list[FarItem] = attrs.field(factory=list)
    reads: frozenset[str] = frozenset()
    """The items of the conversation when it began."""

    @property
    def running(self) -> bool:
        return self.status == "in_progress"

    def open_items(self) -> list[FarItem]:
        """What is still being written, oldest first."""
        return [item for item in self.items if item.status == "in_progress"]


@attrs.frozen
class Began:
    """A response began."""

    response: FarResponse


@attrs.frozen
class Arrived:
    """The output of a call (`what` is its id) or a message of the user's (the item's) is in the conversation."""

    what: str


@attrs.frozen
class Conflicted:
    """A request was refused because a response ran."""

    token: str | None
    running: FarResponse


Fact = Began | Arrived | Conflicted

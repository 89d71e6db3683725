"""Speaking: what the server's model does, and the events that this makes: responses, their items, their ends."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Sequence

from engine.wire.items import FunctionCall, FunctionCallOutput, Item, Message, OutputAudio, OutputText
from engine.wire.response import Response, StatusDetails, Usage
from engine.wire.server_events import (
    ConversationItemAdded,
    ConversationItemDone,
    ResponseContentPartAdded,
    ResponseContentPartDone,
    ResponseCreated,
    ResponseDone,
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
    ServerEvent,
)
from tests.support.fake_server.records import BYTES_PER_MS, Began, Fact, FarItem, FarResponse, Quirks


class Speaking:
    """The conversation, and the model that speaks in it."""

    def __init__(self, quirks: Quirks) -> None:
        self.quirks = quirks
        self.out: deque[ServerEvent] = deque()
        self.facts: list[Fact] = []
        self.order: list[str] = []
        """The conversation: ids of its items."""
        self.items: dict[str, FarItem] = {}
        self.responses: list[FarResponse] = []
        self.agent = ""
        """The instructions in force."""
        self._closed_late: list[tuple[FarResponse, FarItem]] = []
        self._ids = 0
        self._words = 0
        self._samples = 0

    @property
    def bytes_per_ms(self) -> int:
        """Of its audio."""
        other = self.quirks.other_format
        return BYTES_PER_MS if other is None else other.bytes_per_ms

    @property
    def active(self) -> FarResponse | None:
        """The response of the conversation that runs now."""
        return next((each for each in self.responses if each.running and not each.out_of_band), None)

    def running(self) -> list[FarResponse]:
        """Every response that runs now."""
        return [response for response in self.responses if response.running]

    def say(self, *events: ServerEvent) -> None:
        """Send events as they are."""
        self.out.extend(events)

    @property
    def fresh_count(self) -> int:
        """How many ids have been given out."""
        return self._ids

    def fresh(self, prefix: str) -> str:
        """An id that nothing has yet."""
        self._ids += 1
        return f"{prefix}{self._ids}"

    # --- what the model does

    def begin(self, *, own: bool, out_of_band: bool = False, metadata: object = None) -> FarResponse:
        self._close_late_items()
        known = dict(metadata) if isinstance(metadata, dict) else None
        response = FarResponse(self.fresh("resp_"), own, out_of_band, self.agent, known)
        self.responses.append(response)
        if not out_of_band:
            self.facts.append(Began(response))
        self.say(ResponseCreated(self._shown(response)))
        return response

    def _shown(self, response: FarResponse, reason: str | None = None) -> Response:
        return Response(
            id=response.response_id,
            status=response.status,
            status_details=StatusDetails(response.status, reason) if reason else None,
            output=() if response.running else tuple(item.shown() for item in response.items),
            conversation_id=None if response.out_of_band else "conv_1",
            usage=None if response.running else Usage(3, 2, 1),
            metadata=response.metadata,
        )

    def opens_message(self, response: FarResponse, *, spoken: bool = True) -> FarItem:
        """The model begins an item of speech or text, one after another: two messages are never open at once."""
        for open_item in response.open_items():
            if open_item.kind == "message":
                self.closes(response, open_item)
        item_id = self.fresh("item_")
        message = Message(item_id, "assistant", ())
        item = FarItem(item_id, "message", message, spoken=spoken, bytes_per_ms=self.bytes_per_ms)
        self._opens(response, item)
        part = OutputAudio("") if spoken else OutputText("")
        self.say(ResponseContentPartAdded(response.response_id, item_id, item.output_index, 0, part))
        return item

    def opens_call(self, response: FarResponse, name: str, arguments: str) -> FarItem:
        """The model begins a call, and has written half of its arguments."""
        item_id = self.fresh("item_")
        call_id = self.fresh("call_")
        item = FarItem(item_id, "call", FunctionCall(item_id, name, call_id, ""))
        self._opens(response, item)
        item.text = arguments[: len(arguments) // 2]
        self.say(
            ResponseFunctionCallArgumentsDelta(response.response_id, item_id, item.output_index, call_id, item.text)
        )
        item.text = arguments
        return item

    def _opens(self, response: FarResponse, item: FarItem) -> FarItem:
        item.response_id, item.output_index, item.status = response.response_id, len(response.items), "in_progress"
        response.items.append(item)
        self.items[item.item_id] = item
        self.say(ResponseOutputItemAdded(response.response_id, item.output_index, item.shown()))
        if not response.out_of_band:
            self.place(item, None)
            self.announce(item)
        return item

    def speaks(self, response: FarResponse, item: FarItem, words: int, ms: int) -> None:
        """The model goes on: so many words, and so many milliseconds of audio."""
        at = (response.response_id, item.item_id, item.output_index, 0)
        for _ in range(words):
            self._words += 1
            delta = f"word{self._words} "
            item.text += delta
            if self.quirks.whole_text:
                continue
            kind = ResponseOutputAudioTranscriptDelta if item.spoken else ResponseOutputTextDelta
            self.say(kind(*at, delta))
        if item.spoken and ms:
            self.say(ResponseOutputAudioDelta(*at, self._audio(ms)))
            item.audio_bytes += ms * self.bytes_per_ms

    def _audio(self, ms: int) -> bytes:
        """Audio in which no two pieces are alike: the samples count up."""
        first = self._samples
        self._samples += ms * self.bytes_per_ms // 2
        return array("H", (at & 0xFFFF for at in range(first, self._samples))).tobytes()

    def closes(self, response: FarResponse, item: FarItem) -> None:
        """The model ends an item."""
        self._close_late_items()
        item.status = "completed"
        if self.quirks.late_done and item.kind == "message" and item.audio_bytes:
            self._closed_late.append((response, item))
        else:
            self._close_out(response, item)

    def _close_late_items(self) -> None:
        late, self._closed_late = self._closed_late, []
        for response, item in late:
            self._close_out(response, item)

    def _close_out(self, response: FarResponse, item: FarItem) -> None:
        if self.quirks.rewords and item.kind == "message" and item.text:
            self._words += 1
            item.text = f"word{self._words} {item.text[item.text.index(' ') + 1 :]}"
        at = (response.response_id, item.item_id, item.output_index)
        match item.item:
            case FunctionCall(call_id=call_id, name=name):
                self.say(ResponseFunctionCallArgumentsDone(*at, call_id, name, self._arguments(item)))
            case Message() if item.spoken:
                self.say(ResponseOutputAudioDone(*at, 0))
                if self.quirks.stray_audio and not self.quirks.late_done and item.status == "completed":
                    self.say(ResponseOutputAudioDelta(*at, 0, self._audio(10)))
                    item.audio_bytes += 10 * self.bytes_per_ms
                self.say(ResponseOutputAudioTranscriptDone(*at, 0, item.text))
                self.say(ResponseContentPartDone(*at, 0, OutputAudio(item.text)))
            case _:
                self.say(ResponseOutputTextDone(*at, 0, item.text))
                self.say(ResponseContentPartDone(*at, 0, OutputText(item.text)))
        if not response.out_of_band:
            self.finalise(item)
        self.say(ResponseOutputItemDone(response.response_id, item.output_index, item.shown()))

    def _arguments(self, item: FarItem) -> str:
        if item.status != "completed":
            item.text = item.text[: len(item.text) // 2]
        return item.text

    def ends(self, response: FarResponse, status: str, reason: str | None = None) -> None:
        """The response ends. What is still open is closed: complete if the response is, else cut off."""
        self._close_late_items()
        for item in response.open_items():
            item.status = "completed" if status == "completed" else "incomplete"
            self._close_out(response, item)
        response.status = status
        self.say(ResponseDone(self._shown(response, reason)))

    # --- the conversation

    def place(self, item: FarItem, after: str | None) -> None:
        self.items[item.item_id] = item
        at = len(self.order) if after is None else 0 if after == "root" else self.order.index(after) + 1
        self.order.insert(at, item.item_id)

    def _previous(self, item: FarItem) -> str | None:
        at = self.order.index(item.item_id) if item.item_id in self.order else 0
        return self.order[at - 1] if at else None

    def announce(self, item: FarItem) -> None:
        self.say(ConversationItemAdded(item=item.shown(), previous_item_id=self._previous(item)))

    def finalise(self, item: FarItem) -> None:
        previous = self._previous(item)
        first = previous is not None and previous == self.order[0]
        told = None if item.response_id and first else previous
        self.say(ConversationItemDone(item=item.shown(), previous_item_id=told))

    def history(self) -> list[str]:
        """The conversation as an application sees it: outputs are shown with their calls."""
        return [each for each in self.order if not isinstance(self.items[each].item, FunctionCallOutput)]

    def finished_calls(self, *, out_of_band: bool = False) -> list[str]:
        """Calls of the conversation, or outside of it, that are complete and wait to be answered, or have been."""
        responses = (response for response in self.responses if response.out_of_band == out_of_band)
        found: Iterable[FarItem] = (item for response in responses for item in response.items)
        complete: Sequence[Item] = [each.item for each in found if each.kind == "call" and each.status == "completed"]
        return [item.call_id for item in complete if isinstance(item, FunctionCall)]

"""FarEnd: the rules of a realtime server, without time.

Client events go in by `take`; what the model and the user do is told by the other methods; server events come out in
`out`. Whatever a client must never do ends up in `complaints`, next to the error that a real server would send.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Sequence

import attrs

from engine.wire.client_events import (
    ClientEvent,
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemTruncate,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    ResponseCancel,
    ResponseCreate,
    SessionUpdate,
)
from engine.wire.items import (
    FunctionCall,
    FunctionCallOutput,
    InputAudio,
    Item,
    Message,
    OutputAudio,
    OutputText,
)
from engine.wire.response import Response, ResponseParams, StatusDetails, Usage
from engine.wire.server_events import (
    ConversationItemAdded,
    ConversationItemDeleted,
    ConversationItemDone,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemTruncated,
    ErrorDetail,
    ErrorEvent,
    InputAudioBufferCleared,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    InputAudioBufferTimeoutTriggered,
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
    SessionUpdated,
)
from engine.wire.session import Audio, AudioInput, SemanticVad, ServerVad, Session
from tests.support.far_end.records import (
    BYTES_PER_MS,
    Arrived,
    Began,
    Conflicted,
    Fact,
    FarItem,
    FarResponse,
    Quirks,
)

CONFLICT = "conversation_already_has_active_response"


class FarEnd:
    """One conversation as the server sees it."""

    def __init__(self, quirks: Quirks = Quirks()) -> None:  # noqa: B008 - frozen
        self.quirks = quirks
        self.out: deque[ServerEvent] = deque()
        self.complaints: list[str] = []
        self.facts: list[Fact] = []
        self.order: list[str] = []
        """The conversation: ids of its items."""
        self.items: dict[str, FarItem] = {}
        self.responses: list[FarResponse] = []
        self.agent = ""
        """The instructions in force."""
        self.speaking: str | None = None
        """The id that the item of the user's speech will have."""
        self.vad, self.creates, self.interrupts = True, True, True
        self._unheard_audio = 0
        self._closed_late: list[tuple[FarResponse, FarItem]] = []
        self._ids = 0
        self._words = 0
        self._samples = 0

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

    def fresh(self, prefix: str) -> str:
        self._ids += 1
        return f"{prefix}{self._ids}"

    # --- what the client wants

    def take(self, event: ClientEvent) -> None:
        """Process one client event."""
        match event:
            case SessionUpdate(session=Session() as session):
                self._configure(session)
            case ConversationItemCreate():
                self._create_item(event)
            case ConversationItemTruncate():
                self._truncate(event)
            case ConversationItemDelete():
                self._delete(event)
            case ResponseCreate():
                self._respond(event)
            case ResponseCancel():
                self._cancel(event)
            case InputAudioBufferAppend(audio=audio):
                self._unheard_audio += len(audio)
            case InputAudioBufferCommit():
                self._commit(event)
            case InputAudioBufferClear():
                self.speaking, self._unheard_audio = None, 0
                self.say(InputAudioBufferCleared())
            case _:
                self._refuse(event, "invalid_value", f"unknown event {event!r}")

    def _configure(self, session: Session) -> None:
        if isinstance(session.instructions, str):
            self.agent = session.instructions
        if isinstance(session.audio, Audio) and isinstance(session.audio.input, AudioInput):
            detection = session.audio.input.turn_detection
            if detection is None:
                self.vad, self.speaking = False, None
            elif isinstance(detection, ServerVad | SemanticVad):
                self.vad = True
                self.creates = detection.create_response is not False
                self.interrupts = detection.interrupt_response is not False
        self.say(SessionUpdated(session))

    def _create_item(self, event: ConversationItemCreate) -> None:
        item = event.item
        if isinstance(item, FunctionCallOutput):
            calls = [known for known in self.items.values() if isinstance(known.item, FunctionCall)]
            made = next((known for known in calls if known.item.call_id == item.call_id), None)
            if made is None:
                self._complain(event, "invalid_tool_call_id", f"an output for the unknown call {item.call_id}")
                return
            if any(isinstance(fact, Arrived) and fact.what == item.call_id for fact in self.facts):
                self._complain(event, "invalid_tool_call_id", f"a second output for the call {item.call_id}")
                return
            self.facts.append(Arrived(item.call_id))
        item_id = item.id if isinstance(item.id, str) else self.fresh("item_")
        if item_id in self.items:
            self._complain(event, None, f"the id {item_id} is taken")
            return
        after = event.previous_item_id if isinstance(event.previous_item_id, str) else None
        if after not in (None, "root", *self.order):
            self._refuse(event, "item_create_invalid_previous_item_id", f"there is no item {after}")
            return
        if isinstance(item, Message) and item.role == "user":
            self.facts.append(Arrived(item_id))
        self._place(FarItem(item_id, "other", attrs.evolve(item, id=item_id)), after)
        self._announce(self.items[item_id])
        self._finalise(self.items[item_id])

    def _truncate(self, event: ConversationItemTruncate) -> None:
        item = self.items.get(event.item_id)
        if item is None or event.item_id not in self.order:
            self._complain(event, "item_truncate_invalid_item_id", f"truncating the unknown item {event.item_id}")
        elif not item.audio_bytes:
            self._complain(event, None, f"truncating {event.item_id}, which has no audio")
        elif event.audio_end_ms > item.audio_ms:
            self._complain(event, "invalid_value", f"truncating {event.item_id} beyond its {item.audio_ms} ms")
        elif item.truncated:
            self._complain(event, "item_already_truncated", f"truncating {event.item_id} a second time")
        else:
            item.truncated = True
            self.say(ConversationItemTruncated(event.item_id, event.content_index, event.audio_end_ms))

    def _delete(self, event: ConversationItemDelete) -> None:
        if event.item_id not in self.order:
            self._complain(event, "item_delete_invalid_item_id", f"deleting the unknown item {event.item_id}")
        elif self.items[event.item_id].status == "in_progress":
            self._complain(event, None, f"deleting {event.item_id} while it is being written")
        else:
            self.order.remove(event.item_id)
            self.say(ConversationItemDeleted(event.item_id))

    def _respond(self, event: ResponseCreate) -> None:
        params = event.response if isinstance(event.response, ResponseParams) else ResponseParams()
        out_of_band = params.conversation == "none"
        metadata = params.metadata or None
        if (running := self.active) is not None and not out_of_band:
            token = event.event_id if isinstance(event.event_id, str) else None
            self.facts.append(Conflicted(token, running))
            self._refuse(event, CONFLICT, f"the conversation already has an active response: {running.response_id}")
            return
        self._begin(own=False, out_of_band=out_of_band, metadata=metadata)

    def _cancel(self, event: ResponseCancel) -> None:
        wanted = event.response_id if isinstance(event.response_id, str) else None
        running = self.running() if wanted else [each for each in (self.active,) if each]
        response = next((each for each in running if wanted in (None, each.response_id)), None)
        if response is None:
            self._refuse(event, "response_cancel_not_active", "Cancellation failed: no active response found")
        else:
            self.ends(response, "cancelled", "client_cancelled")

    def _commit(self, event: InputAudioBufferCommit) -> None:
        if self._unheard_audio < 100 * BYTES_PER_MS and self.speaking is None:
            self._refuse(event, "input_audio_buffer_commit_empty", "the buffer is too small")
            return
        self._commit_speech(self.speaking or self.fresh("user_"))

    def _complain(self, event: ClientEvent, code: str | None, what: str) -> None:
        self.complaints.append(what)
        self._refuse(event, code, what)

    def _refuse(self, event: ClientEvent, code: str | None, message: str) -> None:
        event_id = getattr(event, "event_id", None)
        known = event_id if isinstance(event_id, str) else None
        self.say(ErrorEvent(ErrorDetail("invalid_request_error", message, code, None, known)))

    # --- what the model does

    def _begin(self, *, own: bool, out_of_band: bool = False, metadata: object = None) -> FarResponse:
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
        item = self._opens(response, FarItem(item_id, "message", Message(item_id, "assistant", ()), spoken=spoken))
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
            self._place(item, None)
            self._announce(item)
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
            item.audio_bytes += ms * BYTES_PER_MS

    def _audio(self, ms: int) -> bytes:
        """Audio in which no two pieces are alike: the samples count up."""
        first = self._samples
        self._samples += ms * BYTES_PER_MS // 2
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
        at = (response.response_id, item.item_id, item.output_index)
        match item.item:
            case FunctionCall(call_id=call_id, name=name):
                self.say(ResponseFunctionCallArgumentsDone(*at, call_id, name, self._arguments(item)))
            case Message() if item.spoken:
                self.say(ResponseOutputAudioDone(*at, 0))
                if self.quirks.stray_audio and not self.quirks.late_done and item.status == "completed":
                    self.say(ResponseOutputAudioDelta(*at, 0, self._audio(10)))
                    item.audio_bytes += 10 * BYTES_PER_MS
                self.say(ResponseOutputAudioTranscriptDone(*at, 0, item.text))
                self.say(ResponseContentPartDone(*at, 0, OutputAudio(item.text)))
            case _:
                self.say(ResponseOutputTextDone(*at, 0, item.text))
                self.say(ResponseContentPartDone(*at, 0, OutputText(item.text)))
        if not response.out_of_band:
            self._finalise(item)
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

    # --- what the user does

    def user_starts(self) -> None:
        """The user begins to speak."""
        if not self.vad or self.speaking is not None:
            return
        self.speaking = self.fresh("user_")
        started = InputAudioBufferSpeechStarted(audio_start_ms=0, item_id=self.speaking)
        cut = self.active if self.interrupts and not self.quirks.never_cancels else None
        if cut is not None and self.quirks.done_before_started:
            self.ends(cut, "cancelled", "turn_detected")
            self.say(started)
            return
        self.say(started)
        if cut is not None:
            self.ends(cut, "cancelled", "turn_detected")

    def user_stops(self) -> None:
        """The user stops, and the server may answer by itself."""
        if self.speaking is not None:
            self.say(InputAudioBufferSpeechStopped(audio_end_ms=100, item_id=self.speaking))
            self._commit_speech(self.speaking)
            self._respond_by_itself()

    def falls_silent(self) -> None:
        """Nobody has said anything for the idle timeout."""
        if self.vad and self.speaking is None and self.active is None:
            item_id = self.fresh("user_")
            self.say(InputAudioBufferTimeoutTriggered(audio_start_ms=0, audio_end_ms=100, item_id=item_id))
            self._commit_speech(item_id)
            self._respond_by_itself()

    def transcribes(self, item_id: str, text: str) -> None:
        """What the user said is known in words."""
        self.say(ConversationItemInputAudioTranscriptionCompleted(item_id=item_id, content_index=0, transcript=text))

    def _respond_by_itself(self) -> None:
        if not self.creates:
            return
        if self.active is None:
            self._begin(own=True)
        elif not self.quirks.silent_clash:
            self.say(ErrorEvent(ErrorDetail("invalid_request_error", "a response runs already", CONFLICT)))

    def _commit_speech(self, item_id: str) -> None:
        self.speaking, self._unheard_audio = None, 0
        previous = self.order[-1] if self.order else None
        self.say(InputAudioBufferCommitted(item_id=item_id, previous_item_id=previous))
        self._place(FarItem(item_id, "other", Message(item_id, "user", (InputAudio(),))), None)
        self._announce(self.items[item_id])
        self._finalise(self.items[item_id])

    # --- the conversation

    def _place(self, item: FarItem, after: str | None) -> None:
        self.items[item.item_id] = item
        at = len(self.order) if after is None else 0 if after == "root" else self.order.index(after) + 1
        self.order.insert(at, item.item_id)

    def _previous(self, item: FarItem) -> str | None:
        at = self.order.index(item.item_id) if item.item_id in self.order else 0
        return self.order[at - 1] if at else None

    def _announce(self, item: FarItem) -> None:
        self.say(ConversationItemAdded(item=item.shown(), previous_item_id=self._previous(item)))

    def _finalise(self, item: FarItem) -> None:
        previous = self._previous(item)
        first = previous is not None and previous == self.order[0]
        told = None if item.response_id and first else previous
        self.say(ConversationItemDone(item=item.shown(), previous_item_id=told))

    def history(self) -> list[str]:
        """The conversation as an application sees it: outputs are shown with their calls."""
        return [each for each in self.order if not isinstance(self.items[each].item, FunctionCallOutput)]

    def finished_calls(self) -> list[str]:
        """Calls that are complete and wait to be answered, or have been."""
        found: Iterable[FarItem] = (item for response in self.responses for item in response.items)
        complete: Sequence[Item] = [each.item for each in found if each.kind == "call" and each.status == "completed"]
        return [item.call_id for item in complete if isinstance(item, FunctionCall)]

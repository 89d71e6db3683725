"""Server: the rules of a realtime server, without time.

Client events go in by `take`; what the model and the user do is told by the other methods; server events come out in
`out`. Whatever a client must never do ends up in `complaints`, next to the error that a real server would send.
"""

from __future__ import annotations

import attrs

from engine.wire.asked_settings import settings_asked
from engine.wire.client_events import (
    ClientEvent,
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemTruncate,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    RawClientEvent,
    ResponseCancel,
    ResponseCreate,
    SessionUpdate,
)
from engine.wire.items import (
    FunctionCall,
    FunctionCallOutput,
    InputAudio,
    Message,
)
from engine.wire.merge import merge
from engine.wire.response import ResponseParams
from engine.wire.server_events import (
    ConversationItemDeleted,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemTruncated,
    ErrorDetail,
    ErrorEvent,
    InputAudioBufferCleared,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    InputAudioBufferTimeoutTriggered,
    SessionUpdated,
)
from engine.wire.session import Audio, AudioInput, SemanticVad, ServerVad, Session
from tests.support.fake_server.records import (
    BYTES_PER_MS,
    Arrived,
    Conflicted,
    FarItem,
    FarResponse,
    Quirks,
)
from tests.support.fake_server.speaking import Speaking

CONFLICT = "conversation_already_has_active_response"


class Server(Speaking):
    """One conversation as the server sees it."""

    def __init__(self, quirks: Quirks = Quirks()) -> None:  # noqa: B008 - frozen
        super().__init__(quirks)
        self.complaints: list[str] = []
        self.speaking: str | None = None
        """The id that the item of the user's speech will have."""
        self.vad, self.creates, self.interrupts = True, True, True
        self._unheard_audio = 0
        self.settings = Session()
        self.agreed: dict[str, object] = {}
        """What was changeable at the beginning, or as it was last changed: no agent's settings may alter it."""

    # --- what the client wants

    def take(self, event: ClientEvent) -> None:
        """Process one client event."""
        match event:
            case SessionUpdate() | RawClientEvent() if isinstance(asked := settings_asked(event), Session):
                self._configure(event, asked)
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

    def changeable(self) -> dict[str, object]:
        """Those settings in force that an application changes in mid-call."""
        return {"speed": self.settings.audio_output.speed}

    def _configure(self, event: ClientEvent, session: Session) -> None:
        if isinstance(session.instructions, str):
            self.agent = session.instructions
        elif self.quirks.refuses_changes:
            by_id = self.quirks.refuses_changes == "by id"
            self._refuse(event, "invalid_value", "settings are not changed", "session.audio", known=by_id)
            return
        self.settings = merge(self.settings, session)
        if not self.agreed or not isinstance(session.instructions, str):
            self.agreed = self.changeable()
        if isinstance(session.audio, Audio) and isinstance(session.audio.input, AudioInput):
            detection = session.audio.input.turn_detection
            if detection is None:
                self.vad, self.speaking = False, None
            elif isinstance(detection, ServerVad | SemanticVad):
                self.vad = True
                self.creates = detection.create_response is not False
                self.interrupts = detection.interrupt_response is not False
        self.say(SessionUpdated(self._shown_settings()))

    def _shown_settings(self) -> Session:
        user, agent = self.settings.audio_input, self.settings.audio_output
        if self.quirks.denies_detection:
            user = attrs.evolve(user, turn_detection=None)
        if self.quirks.other_format is not None:
            agent = attrs.evolve(agent, format=self.quirks.other_format)
        return attrs.evolve(self.settings, audio=Audio(user, agent))

    def _create_item(self, event: ConversationItemCreate) -> None:
        item = event.item
        if isinstance(item, FunctionCallOutput):
            calls = [known for known in self.items.values() if isinstance(known.item, FunctionCall)]
            made = next((known for known in calls if known.item.call_id == item.call_id), None)
            if made is None:
                self._complain(event, "invalid_tool_call_id", f"an output for the unknown call {item.call_id}")
                return
            if made.item_id not in self.order:
                self._complain(event, "invalid_tool_call_id", f"an output for {item.call_id}, which is out of band")
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
        self.place(FarItem(item_id, "other", attrs.evolve(item, id=item_id)), after)
        self.announce(self.items[item_id])
        self.finalise(self.items[item_id])

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
        if metadata and self.quirks.refuses_metadata:
            self.say(ErrorEvent(ErrorDetail("invalid_request_error", "this cannot be read", "bad_request")))
            return
        if (running := self.active) is not None and not out_of_band:
            token = event.event_id if isinstance(event.event_id, str) else None
            self.facts.append(Conflicted(token, running))
            self._refuse(event, CONFLICT, f"the conversation already has an active response: {running.response_id}")
            return
        self.begin(own=False, out_of_band=out_of_band, metadata=metadata)

    def _cancel(self, event: ResponseCancel) -> None:
        wanted = event.response_id if isinstance(event.response_id, str) else None
        running = self.running() if wanted else [each for each in (self.active,) if each]
        response = next((each for each in running if wanted in (None, each.response_id)), None)
        if response is None:
            self._refuse(event, "response_cancel_not_active", "Cancellation failed: no active response found")
        else:
            self._is_cancelled(response, "client_cancelled")

    def _is_cancelled(self, response: FarResponse, why: str) -> None:
        if not self.quirks.never_ends:
            self.ends(response, "cancelled", why)
            return
        response.status = "cancelled"
        self._closed_late = [late for late in self._closed_late if late[0] is not response]
        for item in response.open_items():
            item.status = "incomplete"

    def _commit(self, event: InputAudioBufferCommit) -> None:
        if self._unheard_audio < 100 * BYTES_PER_MS and self.speaking is None:
            self._refuse(event, "input_audio_buffer_commit_empty", "the buffer is too small")
            return
        self._commit_speech(self.speaking or self.fresh("user_"))

    def _complain(self, event: ClientEvent, code: str | None, what: str) -> None:
        self.complaints.append(what)
        self._refuse(event, code, what)

    def _refuse(
        self, event: ClientEvent, code: str | None, message: str, param: str | None = None, *, known: bool = True
    ) -> None:
        given = event.payload.get("event_id") if isinstance(event, RawClientEvent) else event.event_id
        event_id = given if isinstance(given, str) and known and not self.quirks.anonymous else None
        self.say(ErrorEvent(ErrorDetail("invalid_request_error", message, code, param, event_id)))

    # --- what the user does

    def user_starts(self) -> None:
        """The user begins to speak."""
        if not self.vad or self.speaking is not None:
            return
        self.speaking = self.fresh("user_")
        started = InputAudioBufferSpeechStarted(audio_start_ms=0, item_id=self.speaking)
        cut = self.active if self.interrupts and not self.quirks.never_cancels else None
        if cut is not None and self.quirks.done_before_started:
            self._is_cancelled(cut, "turn_detected")
            self.say(started)
            return
        self.say(started)
        if cut is not None:
            self._is_cancelled(cut, "turn_detected")

    def user_stops(self) -> None:
        """The user stops, and the server may answer by itself."""
        if self.speaking is not None:
            self.say(InputAudioBufferSpeechStopped(audio_end_ms=100, item_id=self.speaking))
            self._commit_speech(self.speaking)
            self._respond_by_itself()

    def hears_nothing_more(self, *, stopped: bool) -> None:
        """Nothing comes of what the user said: a cough (`stopped`), or a microphone that was muted in mid-speech."""
        if self.speaking is not None and stopped:
            self.say(InputAudioBufferSpeechStopped(audio_end_ms=100, item_id=self.speaking))
        self.speaking = None

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
            self.begin(own=True)
        elif not self.quirks.silent_clash:
            self.say(ErrorEvent(ErrorDetail("invalid_request_error", "a response runs already", CONFLICT)))

    def _commit_speech(self, item_id: str) -> None:
        self.speaking, self._unheard_audio = None, 0
        previous = self.order[-1] if self.order else None
        self.say(InputAudioBufferCommitted(item_id=item_id, previous_item_id=previous))
        self.place(FarItem(item_id, "other", Message(item_id, "user", (InputAudio(),))), None)
        self.announce(self.items[item_id])
        self.finalise(self.items[item_id])

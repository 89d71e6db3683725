"""Items and their places, the user's turn, and what the user said."""

from __future__ import annotations

import pytest

from engine.core.inputs import AudioSent, Respond, SendMessage, TimePassed
from engine.events import (
    HistoryAdded,
    HistoryUpdated,
    InputAudioTimeoutTriggered,
    TranscriptDelta,
    TranscriptDone,
    TranscriptionFailed,
    UserSpeechStarted,
    UserSpeechStopped,
)
from engine.history import UserAudio, UserMessage
from engine.wire.client_events import ResponseCancel, ResponseCreate
from engine.wire.items import FunctionCallOutput, Message, OutputAudio
from engine.wire.server_events import (
    ConversationItemAdded,
    ConversationItemDeleted,
    ConversationItemDone,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionDelta,
    ConversationItemInputAudioTranscriptionFailed,
    InputAudioBufferCleared,
    InputAudioBufferCommitted,
    InputAudioBufferTimeoutTriggered,
    SessionUpdated,
    TranscriptionError,
)
from engine.wire.session import Audio, AudioInput, ServerVad, Session
from engine.wire.struct import UNSET
from tests.core.driving import MS, Driven
from tests.support.talk import accepts, begins, calls, ends, speaks, typed, user_starts, user_stops

COMMITTED = InputAudioBufferCommitted(item_id="user_1", previous_item_id=None)


def ids(d: Driven) -> list[str]:
    return [item.item_id for item in d.machine.history]


# --- items


def test_an_item_is_added_once_and_completed_once() -> None:
    d = Driven().tell(*accepts(typed("m", "hello")), *accepts(typed("m", "hello")))
    assert len(d.seen(HistoryAdded)) == 1
    assert ids(d) == ["m"]


def test_a_server_may_announce_an_item_only_when_it_is_done() -> None:
    d = Driven().tell(*accepts(typed("a", "1")), ConversationItemDone(item=typed("b", "2")))
    assert ids(d) == ["a", "b"]


def test_the_place_in_done_is_not_believed() -> None:
    d = Driven().tell(*accepts(typed("a", "1")), *accepts(typed("b", "2"), "a"))
    d.tell(ConversationItemDone(item=typed("b", "2, really"), previous_item_id=None))
    assert ids(d) == ["a", "b"]
    assert len(d.seen(HistoryUpdated)) == 1


def test_an_item_without_an_id_is_given_a_name() -> None:
    d = Driven().tell(ConversationItemAdded(item=Message(UNSET, "user", ())))
    assert ids(d) == ["item~1"]


def test_a_deleted_item_is_told_as_it_was() -> None:
    d = Driven().tell(*accepts(typed("a", "1")))
    shown = d.machine.history[0]
    d.forget().tell(ConversationItemDeleted("a"), ConversationItemDeleted("a"))
    (event,) = d.seen(HistoryUpdated)
    assert event.removed
    assert event.item == shown
    assert not ids(d)


def test_an_output_is_shown_with_its_call() -> None:
    d = Driven().tell(begins("r"), *calls("r", ("c", "tool", "{}"))).forget()
    output = FunctionCallOutput("o", "c", "42")
    d.tell(ConversationItemAdded(item=output, previous_item_id="item_c"), ConversationItemDone(item=output))
    assert [event.item.output for event in d.seen(HistoryUpdated)] == ["42"]
    assert ids(d) == ["item_c"]


# --- the user's turn


def test_speech_is_told() -> None:
    d = Driven().tell(user_starts(), *user_stops())
    (started,), (stopped,) = d.seen(UserSpeechStarted), d.seen(UserSpeechStopped)
    assert (started.item_id, started.audio_start_ms) == ("user_1", 100)
    assert (stopped.item_id, stopped.audio_end_ms) == ("user_1", 900)
    assert d.machine.history[0] == UserMessage(item_id="user_1", content=(UserAudio(None),))


def test_nothing_is_asked_while_the_user_speaks() -> None:
    d = Driven().tell(user_starts(), Respond(1))
    assert not d.sent(ResponseCreate)
    d.tell(InputAudioBufferCleared())
    assert len(d.sent(ResponseCreate)) == 1


@pytest.mark.parametrize("interrupts", [True, False])
def test_the_users_voice_interrupts_where_the_settings_say_so(interrupts: bool) -> None:
    vad = ServerVad(interrupt_response=interrupts)
    d = Driven().tell(SessionUpdated(Session(audio=Audio(AudioInput(turn_detection=vad)))))
    d.tell(begins("r"), *speaks("r", "a", "a story", 1), user_starts())
    assert ("audio_interrupted" in d.types()) is interrupts


def test_a_server_that_responds_by_itself_is_waited_for() -> None:
    d = Driven().tell(user_starts(), SendMessage(typed("m", "and this")), *user_stops())
    assert not d.sent(ResponseCreate)


def test_a_commit_of_the_applications_own_is_not_waited_for() -> None:
    d = Driven().tell(AudioSent("commit"), COMMITTED, Respond(1))
    assert len(d.sent(ResponseCreate)) == 1


def test_a_response_that_runs_over_the_users_turn_is_followed_by_one() -> None:
    vad = ServerVad(interrupt_response=False)
    d = Driven().tell(SessionUpdated(Session(audio=Audio(AudioInput(turn_detection=vad)))))
    d.tell(begins("r"), user_starts(), *user_stops())
    d.tell(ends("r"))
    assert not d.sent(ResponseCreate)
    wake_at = d.machine.wake_at()
    assert wake_at is not None
    d.tell(TimePassed(), at_ms=wake_at // MS)
    assert len(d.sent(ResponseCreate)) == 1


def test_silence_for_too_long_is_told_and_answered() -> None:
    d = Driven().tell(InputAudioBufferTimeoutTriggered(item_id="user_1", audio_start_ms=5, audio_end_ms=9), COMMITTED)
    (event,) = d.seen(InputAudioTimeoutTriggered)
    assert (event.item_id, event.audio_start_ms, event.audio_end_ms) == ("user_1", 5, 9)
    d.tell(Respond(1))
    assert not d.sent(ResponseCreate)


def test_the_server_is_told_to_cancel_if_it_does_not_by_itself() -> None:
    d = Driven(server_interrupts=False).tell(begins("r"), user_starts())
    assert len(d.sent(ResponseCancel)) == 1


# --- what the user said


def test_words_of_the_user() -> None:
    d = Driven().tell(COMMITTED).forget()
    d.tell(ConversationItemInputAudioTranscriptionDelta(item_id="user_1", content_index=0, delta="hel"))
    d.tell(ConversationItemInputAudioTranscriptionCompleted(item_id="user_1", content_index=0, transcript="hello"))
    (delta,), (done,) = d.seen(TranscriptDelta), d.seen(TranscriptDone)
    assert (delta.role, delta.response_id, delta.delta) == ("user", None, "hel")
    assert (done.role, done.transcript) == ("user", "hello")
    item = d.machine.history[0]
    assert isinstance(item, UserMessage)
    assert item.content == (UserAudio("hello"),)


def test_words_may_come_before_their_item() -> None:
    d = Driven()
    d.tell(ConversationItemInputAudioTranscriptionDelta(item_id="user_1", content_index=0, delta="hel"))
    d.tell(ConversationItemInputAudioTranscriptionCompleted(item_id="user_1", content_index=0, transcript="hello"))
    assert d.types() == ["transcript_delta", "transcript_done"]


def test_what_cannot_be_transcribed_is_told() -> None:
    error = TranscriptionError("transcription_error", "audio_unintelligible", "?")
    d = Driven().tell(ConversationItemInputAudioTranscriptionFailed(item_id="user_1", content_index=0, error=error))
    assert d.seen(TranscriptionFailed)[0].error == error


def test_the_end_of_a_deleted_item_of_a_response_is_no_news() -> None:
    d = Driven().tell(begins("r"), *speaks("r", "a", "some words", 0), ConversationItemDeleted("a")).forget()
    item = Message("a", "assistant", (OutputAudio("some words"),), "completed")
    d.tell(ConversationItemDone(item=item), ConversationItemAdded(item=item))
    assert not d.seen(HistoryAdded)
    assert not d.seen(HistoryUpdated)
    assert ids(d) == []

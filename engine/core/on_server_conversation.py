"""Events of the server about the conversation: items and their places, the user's turn, and what the user said."""

from __future__ import annotations

from functools import partial

from engine.core.interruption import stop_speaking
from engine.core.item_steps import complete_item, item_told
from engine.core.naming import id_of, of_commit, of_conversation, of_deletion, of_speech
from engine.core.responses import delete_if_unheard, read_conversation_item
from engine.core.state import State
from engine.core.tool_call_steps import stop_tools
from engine.core.user_turn import begin_turn, end_turn
from engine.core.user_words import words_end, words_grow, words_in_item, words_so_far
from engine.events import (
    HistoryUpdated,
    InputAudioTimeoutTriggered,
    TranscriptionFailed,
    UserSpeechStarted,
    UserSpeechStopped,
)
from engine.wire.items import FunctionCallOutput, InputAudio, Message
from engine.wire.server_events import (
    ConversationItemAdded,
    ConversationItemDeleted,
    ConversationItemDone,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionDelta,
    ConversationItemInputAudioTranscriptionFailed,
    InputAudioBufferCleared,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    InputAudioBufferTimeoutTriggered,
)

# --- items


@partial(of_conversation, final=False)
def added(s: State, event: ConversationItemAdded) -> None:
    """An item takes its place."""
    s.tells_items = True
    s.unseen.discard(event.item.call_id if isinstance(event.item, FunctionCallOutput) else id_of(event.item))
    item_told(s, event.item, event.previous_item_id, known_place=True)
    words_in_item(s, event.item)
    read_conversation_item(s, event.item, begins=True)


@partial(of_conversation, final=True)
def done(s: State, event: ConversationItemDone) -> None:
    """An item is final. Some servers announce it only here."""
    s.tells_items = True
    if not item_told(s, event.item, event.previous_item_id, known_place=False):
        complete_item(s, event.item)
    words_in_item(s, event.item)
    read_conversation_item(s, event.item, begins=False)
    for live in s.responses.values():
        if id_of(event.item) in live.delete_when_done:
            delete_if_unheard(s, live, id_of(event.item))


@of_deletion
def deleted(s: State, event: ConversationItemDeleted) -> None:
    """An item is gone."""
    if (item := s.conversation.remove(event.item_id)) is not None:
        s.emit(HistoryUpdated, item=item, removed=True, history=s.history)


# --- the user's turn


@partial(of_speech, begins=True)
def speech_started(s: State, event: InputAudioBufferSpeechStarted) -> None:
    """The user begins to speak: barge-in, where the settings say so."""
    s.user_takes_part()
    begin_turn(s)
    s.turn_rules = s.turn_rules.heard()
    s.emit(UserSpeechStarted, item_id=event.item_id, audio_start_ms=event.audio_start_ms)
    s.arbiter.user_speaks(server_cancels=s.turn_rules.interrupts)
    if s.turn_rules.interrupts:
        unheard = stop_speaking(s, tell_server=not s.rules.server_interrupts, for_user=True)
        stop_tools(s, for_user=True)
        if unheard is not None:  # if nothing comes of the speech, the reply is still to be given
            s.arbiter.follow_up(after=unheard.response_id)


@of_speech
def speech_stopped(s: State, event: InputAudioBufferSpeechStopped) -> None:
    """The user stops."""
    end_turn(s, "stopped")
    s.turn.announced(event.item_id)
    s.turn_rules = s.turn_rules.heard()
    s.emit(UserSpeechStopped, item_id=event.item_id, audio_end_ms=event.audio_end_ms)
    s.arbiter.user_done(s.now, server_responds=s.turn_rules.creates_response, committed=False)


@of_commit
def committed(s: State, event: InputAudioBufferCommitted) -> None:
    """What the user said becomes an item. It is the server's own doing if it followed the end of speech; a commit that
    the application sent never makes the server respond by itself."""
    s.user_takes_part()
    by_server = s.turn.commits_itself(event.item_id)
    end_turn(s, "committed")
    s.arbiter.user_done(s.now, server_responds=by_server and s.turn_rules.creates_response)
    speech = Message(event.item_id, "user", (InputAudio(),))
    if not item_told(s, speech, event.previous_item_id, known_place=True):
        s.conversation.close(event.item_id, "completed")


def cleared(s: State, event: InputAudioBufferCleared) -> None:
    """What the user said is forgotten."""
    end_turn(s, "cleared")
    s.arbiter.user_done(s.now, server_responds=False)


@partial(of_speech, begins=True)
def timeout_triggered(s: State, event: InputAudioBufferTimeoutTriggered) -> None:
    """The user said nothing for too long; the server will say something."""
    s.turn.expect_commit()
    s.turn_rules = s.turn_rules.heard()
    s.emit(
        InputAudioTimeoutTriggered,
        item_id=event.item_id, audio_start_ms=event.audio_start_ms, audio_end_ms=event.audio_end_ms,
    )  # fmt: skip


# --- what the user said


@of_speech
def transcription_delta(s: State, event: ConversationItemInputAudioTranscriptionDelta) -> None:
    """Take in more of what the user said."""
    words_grow(s, event.item_id, event.content_index, event.delta)


@of_speech
def transcription_completed(s: State, event: ConversationItemInputAudioTranscriptionCompleted) -> None:
    """Take in all that the user said in an item, or all that has been understood of it so far."""
    s.user_takes_part()
    tell = words_so_far if event.status == "in_progress" else words_end
    tell(s, event.item_id, event.content_index, event.transcript)


@of_speech
def transcription_failed(s: State, event: ConversationItemInputAudioTranscriptionFailed) -> None:
    """What the user said could not be transcribed; the response goes on without."""
    s.emit(TranscriptionFailed, item_id=event.item_id, error=event.error)

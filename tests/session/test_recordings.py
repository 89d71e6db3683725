"""Real conversations of the real service, played to a session: it must give the right events and the right history."""

from __future__ import annotations

from itertools import groupby

import pytest

from engine.events import RealtimeSessionEvent
from engine.history import AssistantAudio, AssistantMessage, AssistantText, ToolCall, UserAudio, UserMessage
from engine.wire.client_events import ConversationItemCreate, ResponseCreate
from engine.wire.codec import decode_server
from engine.wire.items import InputText, Message
from tests.recordings import Line, Recording, folder, recorded, recordings
from tests.session.recorded import play


def kinds(events: list[RealtimeSessionEvent]) -> list[str]:
    return [kind for kind, _ in groupby(event.type for event in events)]


def named(name: str) -> tuple[Line, ...]:
    found = {recording.name: recording.lines for recording in recordings()}
    return found.get(name) or pytest.skip(f"there is no recording {name} in {folder()}")


@recorded
def test_every_recording_is_understood(recording: Recording) -> None:
    events, _, _ = play(recording.lines)
    assert not [event for event in events if event.type in ("error", "raw_model_event")]
    starts = [event.response_id for event in events if event.type == "agent_start"]
    ends = [event.response_id for event in events if event.type == "agent_end"]
    assert starts
    assert starts == ends


@pytest.mark.parametrize("name", ["openai_ws__text_in_audio_out_turn", "azure_ws__text_in_audio_out_turn"])
def test_a_typed_turn_that_is_answered_in_audio(name: str) -> None:
    lines = named(name)
    events, session, _ = play(lines)
    deltas = [decode_server(line.text) for line in lines if line.data["type"] == "response.output_audio.delta"]
    audio = [event.data for event in events if event.type == "audio"]
    assert audio == [delta.delta for delta in deltas]  # type: ignore[union-attr]
    transcript = next(event.transcript for event in events if event.type == "transcript_done")
    assert transcript == "".join(event.delta for event in events if event.type == "transcript_delta")
    seen = kinds(events)
    assert seen.index("agent_start") < seen.index("audio") < seen.index("audio_end") < seen.index("agent_end")
    user, answer = session.history
    assert isinstance(user, UserMessage)
    assert isinstance(answer, AssistantMessage)
    assert answer.content == (AssistantAudio(transcript),)
    assert answer.status == "completed"
    assert answer.previous_item_id == user.item_id


def test_a_spoken_turn() -> None:
    events, session, _ = play(named("openai_ws__audio_in_server_vad_turn"))
    seen = kinds(events)
    assert seen[:2] == ["user_speech_started", "user_speech_stopped"]
    assert seen.index("user_speech_stopped") < seen.index("history_added") < seen.index("agent_start")
    said = next(event for event in events if event.type == "transcript_done" and event.role == "user")
    user, answer = session.history
    assert isinstance(user, UserMessage)
    assert user.content == (UserAudio(said.transcript),)
    assert isinstance(answer, AssistantMessage)
    assert answer.content == (AssistantAudio("Hello, Marcelo! Great to meet you. How can I help you today?"),)


def test_a_tool_call_round() -> None:
    events, session, model = play(named("openai_ws__tool_call_round"))
    seen = kinds(events)
    assert seen.index("tool_start") < seen.index("tool_end")
    assert [type(item).__name__ for item in session.history] == ["UserMessage", "ToolCall", "AssistantMessage"]
    user, call, answer = session.history
    assert isinstance(user, UserMessage)
    assert user.content == (InputText("What is the weather in London?"),)
    assert isinstance(call, ToolCall)
    assert call.output == "It is foggy and 12 degrees in London."
    assert isinstance(answer, AssistantMessage)
    assert answer.content == (AssistantText("It is foggy and 12 degrees in London."),)
    outputs = [e for e in model.sent if isinstance(e, ConversationItemCreate) and not isinstance(e.item, Message)]
    assert len(outputs) == 1
    assert sum(isinstance(event, ResponseCreate) for event in model.sent) == 2

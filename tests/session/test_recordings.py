"""Real conversations of the real service, played to a session: it must give the right events and the right history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from engine import FunctionTool, RealtimeAgent, RealtimeRunner, RealtimeSession, ScriptedModel, function_tool
from engine.events import RealtimeSessionEvent
from engine.history import AssistantAudio, AssistantMessage, AssistantText, ToolCall, UserAudio, UserMessage
from engine.models.scripted import Expect, HangUp, Pause, Say, Step
from engine.wire.client_events import ConversationItemCreate, InputAudioBufferAppend, ResponseCreate, SessionUpdate
from engine.wire.codec import decode_server
from engine.wire.items import InputText, Message
from tests.recordings import Line, Recording, folder, recorded, recordings

KINDS = {kind.type: kind for kind in (SessionUpdate, ConversationItemCreate, InputAudioBufferAppend, ResponseCreate)}


@function_tool
def get_weather(city: str) -> str:
    """Look up the weather for a city."""
    return f"It is foggy and 12 degrees in {city}."


def script_of(lines: Sequence[Line]) -> Iterator[Step]:
    """Each received run of lines is one batch; each sent kind is waited for once in a row."""
    for direction, run in groupby(lines, key=lambda line: line.direction):
        if direction == "received":
            yield Say([decode_server(line.text) for line in run])
            yield Pause(0.01)
        else:
            for kind, _ in groupby(line.data["type"] for line in run):
                yield Expect(KINDS[kind])
    yield HangUp()


async def converse(session: RealtimeSession[None], lines: Sequence[Line]) -> None:
    """What the recorded application did, said in this library's words."""
    sent = [line.data for line in lines if line.direction == "sent"]
    for event in sent:
        if event["type"] == "conversation.item.create" and event["item"]["type"] == "message":
            await session.send_message(event["item"]["content"][0]["text"])
    if any(event["type"] == "input_audio_buffer.append" for event in sent):
        await session.send_audio(b"\0\0" * 2400)


def asked(lines: Sequence[Line]) -> tuple[dict[str, Any], list[FunctionTool]]:
    """The settings and tools that the recorded application asked for: it is they that the server confirms."""
    updates = [line.data["session"] for line in lines if line.data["type"] == "session.update"]
    settings = dict(updates[0]) if updates else {}
    named = [tool["name"] for tool in settings.pop("tools", ())]
    settings.pop("instructions", None)
    return settings, [tool for tool in (get_weather,) if tool.name in named]


def play(lines: Sequence[Line]) -> tuple[list[RealtimeSessionEvent], RealtimeSession[None], ScriptedModel]:
    model = ScriptedModel(list(script_of(lines)))
    settings, tools = asked(lines)
    agent: RealtimeAgent[None] = RealtimeAgent(name="Recorded", instructions="Answer briefly.", tools=tools)
    events: list[RealtimeSessionEvent] = []

    async def main() -> RealtimeSession[None]:
        session = await RealtimeRunner(agent, model=model, config={"model_settings": settings}).run()
        async with session:
            await converse(session, lines)
            async for event in session:
                events.append(event)
        return session

    session = trio.run(main, clock=MockClock(autojump_threshold=0))
    assert model.finished, model.unmet()
    return events, session, model


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

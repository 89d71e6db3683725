"""Real conversations of compatible servers, played to a session: each has an order of telling of its own."""

from __future__ import annotations

import pytest

from engine.events import RealtimeSessionEvent
from engine.history import AssistantAudio, AssistantMessage, AssistantText, HistoryItem, ToolCall, UserMessage
from engine.models.scripted import HangUp
from engine.wire.codec import decode_server
from engine.wire.items import InputText
from engine.wire.server_events import MalformedEvent
from tests.recordings import Line, Recording, folder, recorded_by_vendors, recordings
from tests.session.recorded import play


def named(name: str) -> tuple[Line, ...]:
    found = {recording.name: recording.lines for recording in recordings("vendors")}
    return found.get(name) or pytest.skip(f"there is no recording {name} in {folder()}/vendors")


def words(item: HistoryItem) -> str:
    """Who said what."""
    match item:
        case UserMessage(content=(InputText(text=text),)):
            return f"user: {text}"
        case AssistantMessage(content=(AssistantAudio(transcript=text) | AssistantText(text=text),)):
            return f"agent: {text}"
        case ToolCall(name=name, arguments=arguments, output=output):
            return f"{name}({''.join(arguments.split())}): {output}"
        case _:
            return str(item)


def check(events: list[RealtimeSessionEvent], history: list[HistoryItem]) -> None:
    """What is true of every conversation."""
    assert not [event for event in events if event.type == "error"]
    begun = [event.response_id for event in events if event.type == "agent_start"]
    assert begun == [event.response_id for event in events if event.type == "agent_end"]
    added = [event.item.item_id for event in events if event.type == "history_added"]
    assert added == [item.item_id for item in history]
    assert {item.status for item in history} <= {"completed"}
    said = [event for event in events if event.type == "transcript_done"]
    assert len({event.item_id for event in said}) == len(said)
    for event in said:
        deltas = [each.delta for each in events if each.type == "transcript_delta" and each.item_id == event.item_id]
        assert "".join(deltas) == event.transcript
        (item,) = (item for item in history if item.item_id == event.item_id)
        assert words(item) == f"agent: {event.transcript}"
    assert [event.type for event in events].count("tool_start") == sum(isinstance(item, ToolCall) for item in history)


@recorded_by_vendors
def test_every_event_is_read(recording: Recording) -> None:
    for line in recording.received:
        assert not isinstance(event := decode_server(line.text), MalformedEvent), event


def test_xai_calls_a_tool() -> None:
    """The places of the call and of its output are not told."""
    events, session, _ = play(named("xai_ws__tool_call_round"))
    history = list(session.history)
    check(events, history)
    assert [words(item) for item in history] == [
        "user: What is the weather in London?",
        "agent: I'll check the weather for London right away.",
        'get_weather({"city":"London"}): It is foggy and 12 degrees in London.',
        "agent: It is foggy and 12 degrees in London. The weather is foggy and 12 degrees.",
    ]


def test_voice_live_calls_a_tool() -> None:
    """Items are only created; ends of parts are empty."""
    events, session, _ = play(named("azure_voice_live_ws__tool_call_round"))
    history = list(session.history)
    check(events, history)
    assert [words(item) for item in history] == [
        "user: What is the weather in London?",
        'get_weather({"city":"London"}): It is foggy and 12 degrees in London.',
        "agent: It's foggy and 12 degrees in London right now.",
    ]


def test_xai_drops_the_connection() -> None:
    """The session ends with it; until then it is as any other."""
    lines = named("xai_ws__session_resumption_after_drop")
    begins = [at for at, line in enumerate(lines) if line.data["type"] == "session.created"]
    events, session, _ = play(lines[: begins[1]], HangUp(None))
    history = list(session.history)
    check(events, history)
    assert [words(item) for item in history] == [
        "user: Remember exactly: the code word is cobalt. Briefly acknowledge it.",
        "agent: Got it\u2014code word is cobalt.",
    ]

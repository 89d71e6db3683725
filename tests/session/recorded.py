"""Plays a recorded conversation to a session: the server's events as they were, at the points where they came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import groupby
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from engine import FunctionTool, RealtimeAgent, RealtimeRunner, RealtimeSession, ScriptedModel, function_tool
from engine.errors import TransportLost
from engine.events import RealtimeSessionEvent
from engine.models.scripted import Expect, HangUp, Pause, Say, Step
from engine.wire.client_events import ConversationItemCreate, InputAudioBufferAppend, ResponseCreate, SessionUpdate
from engine.wire.codec import decode_server
from tests.recordings import Line

KINDS = {kind.type: kind for kind in (SessionUpdate, ConversationItemCreate, InputAudioBufferAppend, ResponseCreate)}


@function_tool
async def get_weather(city: str) -> str:
    """Look up the weather for a city."""
    return f"It is foggy and 12 degrees in {city}."


def script_of(lines: Sequence[Line], end: HangUp) -> Iterator[Step]:
    """Each received run of lines is one batch; each sent kind is waited for once in a row."""
    for direction, run in groupby(lines, key=lambda line: line.direction):
        if direction == "received":
            yield Say([decode_server(line.text) for line in run])
            yield Pause(0.01)
        else:
            for kind, _ in groupby(line.data["type"] for line in run):
                yield Expect(KINDS[kind])
    yield end


async def converse(session: RealtimeSession[None], lines: Sequence[Line]) -> None:
    """What the recorded application did, said in this library's words."""
    sent = [line.data for line in lines if line.direction == "sent"]
    for event in sent:
        if event["type"] == "conversation.item.create" and event["item"]["type"] == "message":
            await session.send_message(event["item"]["content"][0]["text"])
    if any(event["type"] == "input_audio_buffer.append" for event in sent):
        await session.send_audio(b"\0\0" * 2400)


OF_VENDORS = ("resumption", "input_audio_sampling_rate")
"""Settings that only some servers have."""


def asked(lines: Sequence[Line]) -> tuple[dict[str, Any], list[FunctionTool]]:
    """The settings and tools that the recorded application asked for: it is they that the server confirms."""
    updates = [line.data["session"] for line in lines if line.data["type"] == "session.update"]
    settings = dict(updates[0]) if updates else {}
    named = [tool["name"] for tool in settings.pop("tools", ())]
    settings.pop("instructions", None)
    settings["extra"] = {key: settings.pop(key) for key in OF_VENDORS if key in settings}
    return settings, [tool for tool in (get_weather,) if tool.name in named]


def play(
    lines: Sequence[Line],
    end: HangUp = HangUp(),  # noqa: B008 - frozen
) -> tuple[list[RealtimeSessionEvent], RealtimeSession[None], ScriptedModel]:
    """Returns what the application saw, the session, and the model that played the server. A connection that `end`
    breaks ends the session."""
    model = ScriptedModel(list(script_of(lines, end)))
    settings, tools = asked(lines)
    agent: RealtimeAgent[None] = RealtimeAgent(name="Recorded", instructions="Answer briefly.", tools=tools)
    events: list[RealtimeSessionEvent] = []

    async def main() -> RealtimeSession[None]:
        session = await RealtimeRunner(agent, model=model, config={"model_settings": settings}).run()
        async with session:
            await converse(session, lines)
            with pytest.raises(TransportLost) if end.code is None else nullcontext():
                async for event in session:
                    events.append(event)
        return session

    session = trio.run(main, clock=MockClock(autojump_threshold=0))
    assert model.finished, model.unmet()
    return events, session, model

"""Values of the application: whatever is given to a session is taken, or refused in that call; the session goes on."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from engine import LocalModel, RealtimeAgent, RealtimePlaybackTracker, RealtimeRunner, RealtimeSession
from engine.errors import Misuse, SettingsError
from engine.events import Audio
from engine.wire.response import ResponseParams

AGENT: RealtimeAgent[Any] = RealtimeAgent(name="A")


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


ODD: dict[str, Any] = {
    "none": None,
    "true": True,
    "negative": -1,
    "whole": 5,
    "beyond 64 bits": 2**70,
    "broken": 12.7,
    "not a number": math.nan,
    "infinite": -math.inf,
    "digits": "100",
    "half a pair": "\ud800",
    "a long text": "x" * 20_000,
    "bytes": b"xx",
    "object": object(),
    "list": [1],
    "mapping": {1: 2},
    "set": {1},
    "function": print,
    "nested": nested(5000),
}

Call = Callable[[RealtimeSession[Any], str, Any], Any]
CALLS: dict[str, Call] = {
    "audio": lambda s, item, odd: s.send_audio(odd),
    "rate": lambda s, item, odd: s.send_audio(bytes(960), rate=odd),
    "message": lambda s, item, odd: s.send_message(odd),
    "text": lambda s, item, odd: s.send_message([{"type": "input_text", "text": odd}]),
    "image": lambda s, item, odd: s.send_message([{"type": "input_image", "image_url": "data:,", "detail": odd}]),
    "content": lambda s, item, odd: s.send_message({"type": "message", "role": odd, "content": odd}),
    "event": lambda s, item, odd: s.send_event(odd),
    "type": lambda s, item, odd: s.send_event({"type": odd}),
    "event's id": lambda s, item, odd: s.send_event({"type": "session.update", "event_id": odd, "session": {}}),
    "settings of an event": lambda s, item, odd: s.send_event({"type": "session.update", "session": odd}),
    "truncation": lambda s, item, odd: s.send_event(
        {"type": "conversation.item.truncate", "item_id": odd, "content_index": odd, "audio_end_ms": odd}
    ),
    "item": lambda s, item, odd: s.send_event({"type": "conversation.item.create", "item": odd}),
    "response": lambda s, item, odd: s.send_event({"type": "response.create", "response": odd}),
    "instructions": lambda s, item, odd: s.respond(instructions=odd),
    "tools": lambda s, item, odd: s.respond(tools=odd),
    "metadata": lambda s, item, odd: s.respond(metadata=odd),
    "pair": lambda s, item, odd: s.respond(metadata={"a": odd}),
    "seventeen pairs": lambda s, item, odd: s.respond(metadata={f"{n}": "" for n in range(17)}),
    "params": lambda s, item, odd: s.respond(params=odd),
    **{
        f"params.{name}": lambda s, item, odd, name=name: s.respond(params=ResponseParams(**{name: odd}))
        for name in ("metadata", "input", "conversation", "max_output_tokens", "audio", "extra", "tools", "prompt")
    },
    "agent": lambda s, item, odd: s.update_agent(odd),
    "settings": lambda s, item, odd: s.update_settings(odd),
    **{
        f"settings.{name}": lambda s, item, odd, name=name: s.update_settings(**{name: odd})
        for name in ("turn_detection", "voice", "speed", "output_audio_format", "extra", "max_output_tokens", "none")
    },
    "approval": lambda s, item, odd: s.approve_tool_call(odd),
    "rejection": lambda s, item, odd: s.reject_tool_call(odd),
    "milliseconds": lambda s, item, odd: s.playback.on_play_ms(item, 0, odd),
    "milliseconds of": lambda s, item, odd: s.playback.on_play_ms(odd, odd, 5),
    "played": lambda s, item, odd: s.playback.on_play_bytes(item, 0, odd),
    "position": lambda s, item, odd: s.playback.on_position(item, 0, odd),
    "position of": lambda s, item, odd: s.playback.on_position(item, odd, 5),
    "mark": lambda s, item, odd: s.playback.on_mark(s.playback.mark(item, 0, odd)),
    "mark of": lambda s, item, odd: s.playback.on_mark(odd),
    "instant": lambda s, item, odd: s.latency.mark(odd),
    "field of an instant": lambda s, item, odd: s.latency.mark("user.speech.end.truth", turn=odd),
    "time of an instant": lambda s, item, odd: s.latency.mark("user.speech.end.truth", at_ns=odd),
}


async def give_all(call: Call) -> None:
    """Give every odd value in the middle of an answer, which is interrupted then and asked for again."""
    tracker = RealtimePlaybackTracker()
    session = await RealtimeRunner(AGENT, model=LocalModel()).run(model_config={"playback_tracker": tracker})
    sizes: list[int] = []
    async with session:
        for odd in ODD.values():
            await session.send_message("hello")
            item_id = (await next_of(session, "audio")).item_id  # type: ignore[union-attr]
            try:
                given = call(session, item_id, odd)
                if inspect.isawaitable(given):
                    await given
            except Misuse as refused:
                sizes.append(len(str(refused)))
            await session.interrupt()
            await next_of(session, "agent_end")
    assert max(sizes, default=0) < 1000


async def next_of(session: RealtimeSession[Any], kind: str) -> Audio | object:
    async for event in session:
        if event.type == kind:
            return event
    raise AssertionError(f"the session ended before {kind}")


@pytest.mark.parametrize("name", CALLS)
def test_an_odd_value_is_taken_or_refused_in_the_call(name: str) -> None:
    async def main() -> None:
        with trio.fail_after(3000):
            await give_all(CALLS[name])

    trio.run(main, clock=MockClock(autojump_threshold=0))


async def test_a_tracker_belongs_to_one_session_at_a_time(autojump_clock: MockClock) -> None:
    tracker = RealtimePlaybackTracker()
    for _ in range(2):  # one after another
        tracker.on_play_ms("of an earlier call", 0, 5)
        async with await RealtimeRunner(AGENT, model=LocalModel()).run(model_config={"playback_tracker": tracker}):
            assert not tracker.reports()
            other = await RealtimeRunner(AGENT, model=LocalModel()).run(model_config={"playback_tracker": tracker})
            with pytest.raises(SettingsError, match="make a RealtimePlaybackTracker for each session"):
                await other.enter()


async def test_a_tracker_is_free_again_where_opening_failed(autojump_clock: MockClock) -> None:
    tracker = RealtimePlaybackTracker()
    config = {"playback_tracker": tracker, "url": "ws://127.0.0.1:1/v1/realtime", "api_key": "none"}
    for _ in range(2):
        session = await RealtimeRunner(AGENT).run(model_config=config)
        with pytest.raises(Exception, match=r"127\.0\.0\.1:1"):
            await session.enter()

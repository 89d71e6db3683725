"""Events as JSON: every kind has a form, and nothing in it is a Python object's name."""

from __future__ import annotations

import json
from typing import Any, get_args

import attrs
import pytest

from engine.agents.agent import RealtimeAgent
from engine.caller.call_events import CallBegan, CallEvent
from engine.cli.demo import no_card_numbers
from engine.cli.event_json import event_line, event_object
from engine.errors import ServerError
from engine.events import (
    AgentEnd,
    AgentStart,
    Audio,
    Error,
    GuardrailResult,
    GuardrailTripped,
    HistoryUpdated,
    RateLimits,
    RawModelEvent,
    ToolStart,
    UsageReported,
)
from engine.history import AssistantAudio, AssistantMessage, UserAudio, UserMessage
from engine.wire.response import ResponseError, Usage
from engine.wire.server_events import MalformedEvent, RateLimit, SessionCreated, UnknownEvent
from engine.wire.session import Session

AGENT = RealtimeAgent[None]("Reception", instructions="secret")
NOW: dict[str, Any] = {"context": object(), "at_ns": 1_500_000_000}
MESSAGE = AssistantMessage(item_id="i", content=(AssistantAudio("one two", 400, "one ", "two"),))


def fields(event: CallEvent) -> dict[str, object]:
    return {name: value for name, value in event_object(event).items() if name not in ("type", "t", "at_ns")}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (AgentStart(agent=AGENT, response_id="r", **NOW), {"agent": "Reception", "response_id": "r"}),
        (
            AgentEnd(agent=AGENT, response_id="r", status="failed", error=ResponseError(code="x"), **NOW),
            {
                "agent": "Reception",
                "response_id": "r",
                "status": "failed",
                "reason": None,
                "error": {"type": None, "code": "x", "message": None},
                "usage": None,
            },
        ),
        (
            Audio(response_id="r", item_id="i", content_index=0, data=bytes(960), **NOW),
            {"response_id": "r", "item_id": "i", "content_index": 0, "bytes": 960, "ms": 20},
        ),
        (
            ToolStart(agent=AGENT, tool=object(), name="look", call_id="c", arguments="{}", **NOW),
            {"agent": "Reception", "name": "look", "call_id": "c", "arguments": "{}"},
        ),
        (Error(error=ServerError("no"), **NOW), {"error": {"type": "ServerError", "message": "no"}, "code": None}),
        (
            GuardrailTripped(
                response_id="r",
                guardrail_results=(GuardrailResult(guardrail=no_card_numbers, name="n", output_info={"found": True}),),
                message="m",
                **NOW,
            ),
            {
                "response_id": "r",
                "guardrail_results": [{"guardrail": "no_card_numbers", "name": "n", "output_info": {"found": True}}],
                "message": "m",
            },
        ),
        (
            HistoryUpdated(item=MESSAGE, history=(MESSAGE,), **NOW),
            {
                "item": {
                    "type": "message",
                    "role": "assistant",
                    "item_id": "i",
                    "previous_item_id": None,
                    "status": "in_progress",
                    "content": [
                        {
                            "type": "output_audio",
                            "transcript": "one two",
                            "audio_end_ms": 400,
                            "heard": "one ",
                            "unheard": "two",
                        }
                    ],
                },
                "removed": False,
            },
        ),
        (
            RateLimits(limits=(RateLimit("tokens", 10, 9, 0.5),), **NOW),
            {"limits": [{"name": "tokens", "limit": 10, "remaining": 9, "reset_seconds": 0.5}]},
        ),
        (
            RawModelEvent(data=UnknownEvent("new", {"type": "new", "x": [1]}), **NOW),
            {"data": {"type": "new", "x": [1]}},
        ),
        (RawModelEvent(data=MalformedEvent("no JSON", b"{\xff"), **NOW), {"data": "{\N{REPLACEMENT CHARACTER}"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_events_as_objects(event: CallEvent, expected: dict[str, object]) -> None:
    assert fields(event) == expected
    assert json.loads(event_line(event))["type"] == event.type


def test_a_known_wire_event_is_written_as_on_the_wire() -> None:
    written = fields(RawModelEvent(data=SessionCreated(Session(model="m")), **NOW))["data"]
    assert isinstance(written, dict)
    assert written["session"] == {"type": "realtime", "model": "m"}


def test_times_count_from_the_beginning_of_the_call() -> None:
    event = CallBegan(at_ns=3_000_000_000, agent="a", model="m", wall_clock="w")
    assert event_object(event, began_ns=1_000_000_000)["t"] == 2.0
    assert event_line(event).endswith(b"\n")


def test_usage_is_numbers() -> None:
    usage = fields(UsageReported(response_id="r", usage=Usage(total_tokens=3), total=Usage(), **NOW))["usage"]
    assert isinstance(usage, dict)
    assert usage["total_tokens"] == 3
    assert usage["output_token_details"] == {"text_tokens": 0, "audio_tokens": 0}, "what is unset is left out"


def test_the_user_s_items() -> None:
    event = HistoryUpdated(item=UserMessage(item_id="u", content=(UserAudio("hello"),)), history=(), **NOW)
    item = fields(event)["item"]
    assert isinstance(item, dict)
    assert item["content"] == [{"type": "input_audio", "transcript": "hello"}]


def test_every_kind_of_event_has_a_name_of_its_own() -> None:
    kinds = get_args(CallEvent)
    names = [kind.type for kind in kinds]
    assert len(set(names)) == len(kinds)
    assert all(attrs.has(kind) for kind in kinds)

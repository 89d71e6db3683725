"""Servers that tell little, or everything twice: the same words, calls and history as with others."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from engine import LocalModel, RealtimeAgent, RealtimeModel, RealtimeRunner, function_tool
from engine.core.repeats import Repeats
from engine.events import AgentEnd, AgentStart, Audio, Error, HistoryAdded, TranscriptDone, UsageReported
from engine.history import AssistantMessage, ToolCall, UserMessage
from engine.models.scripted import Pause, Say, ScriptedModel
from engine.testing.odd_servers import RepeatingServer, SparseServer
from engine.wire.server_events import ResponseDone, ServerEvent
from tests.support.talk import begins, calls, ends, falls_silent, speaks, user_starts, user_stops


@attrs.define
class Call:
    """What came of a conversation."""

    ran: list[str] = attrs.field(factory=list)
    history: list[tuple[str, str]] = attrs.field(factory=list)
    events: list[Any] = attrs.field(factory=list)

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def audio(self) -> bytes:
        return b"".join(event.data for event in self.of(Audio))


def converse(model: RealtimeModel) -> Call:
    """Two typed questions, each answered by a call and a reply."""
    call = Call()

    @function_tool
    async def get_weather(city: str) -> str:
        """Get the current weather for a city."""
        call.ran.append(city)
        return f"It is sunny in {city}, 22 degrees."

    agent: RealtimeAgent[Any] = RealtimeAgent(name="Assistant", instructions="Help.", tools=[get_weather])

    async def main() -> None:
        session = await RealtimeRunner(agent, model=model).run()
        async with session, trio.open_nursery() as nursery:
            nursery.start_soon(read, session)
            for city in ("Tokyo", "Paris"):
                await session.send_message(f"What is the weather in {city}?")
                await trio.sleep(30)
            call.history = [(type(item).__name__, words(item)) for item in session.history]
            nursery.cancel_scope.cancel()

    async def read(session: Any) -> None:
        async for event in session:
            call.events.append(event)

    trio.run(main, clock=MockClock(autojump_threshold=0))
    return call


def words(item: object) -> str:
    match item:
        case UserMessage(content=content) | AssistantMessage(content=content):
            return " ".join(str(getattr(part, "text", getattr(part, "transcript", ""))) for part in content)
        case ToolCall():
            return f"{item.name} {item.arguments} {item.output}"
    return "?"


ODD = {
    "sparse": lambda: SparseServer(LocalModel()),
    "repeats": lambda: RepeatingServer(LocalModel()),
    "repeats under other ids": lambda: RepeatingServer(LocalModel(), same_ids=False),
}


@pytest.mark.parametrize("how", ODD)
def test_an_odd_server_gives_the_same_conversation(how: str) -> None:
    plain, odd = converse(LocalModel()), converse(ODD[how]())
    assert odd.ran == plain.ran == ["Tokyo", "Paris"]
    assert odd.history == plain.history
    assert len(odd.of(HistoryAdded)) == len(plain.of(HistoryAdded))
    for kind in (AgentStart, AgentEnd, UsageReported):
        assert len(odd.of(kind)) == len(plain.of(kind))
    assert len(odd.audio()) == len(plain.audio()) * (2 if how == "repeats under other ids" else 1)
    assert not odd.of(Error)
    if how != "sparse":
        said = [event.transcript for event in odd.of(TranscriptDone)]
        assert said == [event.transcript for event in plain.of(TranscriptDone)]


def test_a_beginning_after_the_end_is_another_response() -> None:
    script = [
        Say([begins("r1"), *speaks("r1", "i1", "one", 0.1), *falls_silent("r1", "i1", "one"), ends("r1")]),
        Pause(1),
        Say([begins("r1"), *speaks("r1", "i1", "two", 0.1), *falls_silent("r1", "i1", "two"), ends("r1")]),
        Pause(70),
    ]
    call = converse(RepeatingServer(ScriptedModel(script), same_ids=False))
    assert [event.response_id for event in call.of(AgentStart)][:2] == ["r1", "r1~2"]
    assert [text for kind, text in call.history if kind == "AssistantMessage"] == ["one", "two"]


# --- repeats by id

SAID: list[ServerEvent] = [
    user_starts(), *user_stops(), begins("r1"), *speaks("r1", "i1", "hello there", 1.0),
    *calls("r1", ("c", "tool", "{}")), *falls_silent("r1", "i1", "hello there"), ends("r1"),
]  # fmt: skip


def numbered(events: list[ServerEvent]) -> list[ServerEvent]:
    return [type(event)(**{**_fields(event), "event_id": f"event_{at}"}) for at, event in enumerate(events)]


def _fields(event: ServerEvent) -> dict[str, Any]:
    return {name: getattr(event, name) for name in type(event).__struct_fields__}  # type: ignore[union-attr]


@given(st.lists(st.tuples(st.integers(0, len(SAID) - 1), st.integers(1, 3)), max_size=12), st.integers(1, 9))
def test_what_is_told_again_under_its_id_is_left_out(again: list[tuple[int, int]], batch: int) -> None:
    once = numbered(SAID)
    told = list(once)
    for at, times in sorted(again, reverse=True):
        told[at + 1 : at + 1] = [once[at]] * times
    repeats = Repeats()
    left = [event for at in range(0, len(told), batch) for event in repeats.without(told[at : at + batch])]
    assert left == once


@given(st.sampled_from(["", "event_TODO"]))
def test_ids_that_mean_nothing_are_not_looked_at(event_id: str) -> None:
    told = [type(event)(**{**_fields(event), "event_id": event_id}) for event in SAID * 20]
    repeats = Repeats()
    assert [event for event in told for event in repeats.without([event])] == told


def test_counters_that_begin_anew_with_each_response_lose_nothing() -> None:
    told = [
        type(event)(**{**_fields(event), "event_id": f"event_{at}"})
        for number in range(5)
        for at, event in enumerate([begins(f"r{number}"), ends(f"r{number}")])
    ]
    assert [event for event in Repeats().without(told) if isinstance(event, ResponseDone)] == told[1::2]

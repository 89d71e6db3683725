"""The machine as a whole: complete, silent about nothing, the same every time, and no slower in a long conversation."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core import inputs
from engine.core.inputs import AudioConsumed, Connected, PlaybackReported, Respond, TimePassed
from engine.core.machine import OWN_INPUTS, SILENT, TABLE, Machine
from engine.core.playback import PlaybackLedger
from engine.core.state import Rules
from engine.events import RawModelEvent
from engine.wire.server_events import (
    SERVER_EVENTS,
    InputAudioBufferSpeechStarted,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    ServerEventBase,
)
from tests.core.driving import AGENT, MS, Driven
from tests.strategies.wire import instances
from tests.support.counting import lines_run
from tests.support.talk import begins, ends, falls_silent, speaks

COMMANDS_AND_REPORTS = {
    kind
    for kind in vars(inputs).values()
    if isinstance(kind, type) and kind.__module__ == inputs.__name__
}  # fmt: skip


def test_every_input_of_our_own_has_a_handler() -> None:
    assert COMMANDS_AND_REPORTS == OWN_INPUTS
    assert set(get_args(inputs.Command)) | set(get_args(inputs.Report)) <= OWN_INPUTS


@pytest.mark.parametrize("kind", SERVER_EVENTS, ids=lambda kind: kind.type)
@given(data=st.data())
def test_every_server_event_is_handled_shown_raw_or_known_to_tell_nothing(
    kind: type[ServerEventBase], data: st.DataObject
) -> None:
    event = data.draw(instances(kind))
    d = Driven().tell(event)
    raw = [shown.data for shown in d.seen(RawModelEvent)]
    assert raw == ([] if kind in TABLE or kind in SILENT else [event])


events = st.sampled_from(SERVER_EVENTS).flatmap(instances)


@given(st.lists(events, max_size=30), st.booleans())
def test_no_order_of_valid_events_is_too_much(story: list[ServerEventBase], raw_events: bool) -> None:
    d = Driven(raw_events=raw_events)
    for event in story:
        d.tell(event)  # type: ignore[arg-type]
    assert d.types().count("agent_start") >= d.types().count("agent_end")
    list(d.machine.history)
    d.tell(inputs.Disconnected(None))
    assert d.types().count("agent_start") == d.types().count("agent_end")


@given(st.lists(events, max_size=20))
def test_the_same_inputs_have_the_same_effects(story: list[ServerEventBase]) -> None:
    one, other = Driven(), Driven()
    for d in (one, other):
        for event in story:
            d.tell(event)  # type: ignore[arg-type]
    assert one.wire == other.wire
    assert [str(event) for event in one.events] == [str(event) for event in other.events]
    assert one.tools == other.tools


def test_effects_are_handed_over_once() -> None:
    machine = Machine(Rules(context=None), AGENT, PlaybackLedger())
    machine.handle(Connected(AGENT), 0)
    first = machine.take_effects()
    assert first.wire
    assert not machine.take_effects().wire
    assert machine.handle(TimePassed(), 5) is not first


def test_what_an_event_carries() -> None:
    d = Driven().tell(begins("r"), at_ms=12)
    (event,) = d.events
    assert (event.context, event.at_ns) == ("ctx", 12 * MS)  # type: ignore[union-attr]


def test_the_ledger_can_be_read() -> None:
    d = Driven().tell(begins("r"), *speaks("r", "a", "hi", 1))
    d.take_audio(at_ms=0)
    assert d.machine.heard_ms("a", 0, 300 * MS) == 300
    d.tell(PlaybackReported("a", 0, 250), AudioConsumed("r", "unknown", 0, 4, 0))
    assert d.machine.heard_ms("a", 0, 300 * MS) == 250
    assert d.machine.heard_ms("b", 0, 0) is None


def test_a_wake_up_is_only_asked_for_when_it_can_change_something() -> None:
    d = Driven()
    assert d.machine.wake_at() is None
    d.tell(Respond(1))
    assert d.machine.wake_at() == d.now + 10_000 * MS  # the server owes a response
    d.tell(begins("r"))
    assert d.machine.wake_at() == d.now + 60_000 * MS
    d.tell(ends("r"))
    assert d.machine.wake_at() is None


# --- what an event costs


def after_turns(turns: int) -> Driven:
    """A machine that has had so many turns, each heard to its end, and is in the middle of another one."""
    d = Driven()
    previous = None
    for at in range(turns):
        response, item = f"r{at}", f"a{at}"
        d.tell(begins(response), *speaks(response, item, "some words", 0.1, previous=previous), at_ms=at * 1000)
        d.take_audio()
        d.tell(*falls_silent(response, item, "some words"), ends(response))
        d.forget()
        previous = item
    d.tell(begins("last"), *speaks("last", "a", "words", 0.1, previous=previous), at_ms=turns * 1000)
    d.take_audio()
    return d.forget()


STEPS = {
    "audio": ResponseOutputAudioDelta("last", "a", 0, 0, b"\0\0" * 100),
    "words": ResponseOutputAudioTranscriptDelta("last", "a", 0, 0, "word "),
    "barge-in": InputAudioBufferSpeechStarted(audio_start_ms=0, item_id="u"),
    "end": ends("last"),
    "tick": TimePassed(),
}


@pytest.mark.parametrize("step", STEPS)
def test_an_event_costs_the_same_in_a_long_conversation(step: str) -> None:
    # Both are longer than the responses that are remembered.
    short, long = after_turns(100), after_turns(1000)
    costs = [lines_run(lambda d=d: d.machine.handle(STEPS[step], d.now)) for d in (short, long)]  # type: ignore
    assert costs[0] == costs[1]

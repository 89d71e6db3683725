"""What an interruption does: section 4 of the design, case by case."""

from __future__ import annotations

import pytest

from engine.core.effects import CancelCall, Discard, DropChecks
from engine.core.inputs import AudioConsumed, Connected, Interrupt, PlaybackReported, Respond, SendMessage, ToolDone
from engine.core.requests import TOKEN
from engine.core.tool_call_steps import CANCELLED_OUTPUT
from engine.events import AudioInterrupted, HistoryUpdated, ToolEnd
from engine.history import AssistantAudio, AssistantMessage
from engine.wire.client_events import (
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemTruncate,
    ResponseCancel,
    ResponseCreate,
)
from engine.wire.items import FunctionCallOutput
from engine.wire.response import Response, ResponseParams
from engine.wire.server_events import InputAudioBufferSpeechStarted, ResponseCreated, ServerEvent
from tests.core.driving import AGENT, MS, Driven
from tests.support.fake_server.records import Quirks
from tests.support.talk import accepts, begins, calls, ends, falls_silent, speaks, typed, user_starts, user_stops
from tests.support.world import Setting, World

BARGE_IN: list[ServerEvent] = [InputAudioBufferSpeechStarted(audio_start_ms=0, item_id="user_1")]
MEMORY = (ConversationItemTruncate, ConversationItemDelete)


def talking(*items: tuple[str, float], over: bool = False, reported: bool = False) -> Driven:
    """A response that says so many items of so many seconds; the last one goes on unless it is all over."""
    d = Driven(reported=reported)
    d.tell(begins("r"))
    previous = None
    for at, (item, seconds) in enumerate(items):
        d.tell(*speaks("r", item, "some words here", seconds, previous=previous))
        if over or at < len(items) - 1:
            d.tell(*falls_silent("r", item, "some words here"))
        previous = item
    if over:
        d.tell(ends("r"))
    return d


def memory(d: Driven) -> list[tuple[str, int | None]]:
    """What the server is told of items: truncated where, or deleted."""
    return [
        (event.item_id, event.audio_end_ms if isinstance(event, ConversationItemTruncate) else None)
        for event in d.wire
        if isinstance(event, MEMORY)
    ]


# --- which item, where


def test_the_item_that_plays_is_truncated_where_it_was_heard() -> None:
    d = talking(("a", 2))
    d.take_audio(at_ms=0)
    d.tell(*BARGE_IN, at_ms=700)
    assert memory(d) == [("a", 700)]
    (event,) = d.seen(AudioInterrupted)
    assert (event.response_id, event.item_id, event.audio_end_ms) == ("r", "a", 700)


def test_of_two_items_the_finished_one_stays_and_the_playing_one_is_truncated() -> None:
    d = talking(("a", 1), ("b", 2))
    d.take_audio(at_ms=0)
    d.tell(*BARGE_IN, at_ms=1300)
    assert memory(d) == [("b", 300)]
    assert d.seen(AudioInterrupted)[0].item_id == "b"


def test_of_two_items_the_playing_one_is_truncated_and_the_next_deleted() -> None:
    d = talking(("a", 1), ("b", 2), over=True)
    d.take_audio(at_ms=0)
    d.tell(*BARGE_IN, at_ms=400)
    assert memory(d) == [("a", 400), ("b", None)]


def test_an_item_that_nobody_heard_is_deleted_once_the_server_has_finished_it() -> None:
    d = talking(("a", 1))
    d.tell(*BARGE_IN, at_ms=400)
    assert memory(d) == []
    assert d.seen(AudioInterrupted)[0].item_id is None
    d.tell(*falls_silent("r", "a", "some words here", status="incomplete"))
    assert memory(d) == [("a", None)]
    d.tell(ends("r", "cancelled"))
    assert memory(d) == [("a", None)]


def test_an_unfinished_item_is_deleted_at_the_end_of_its_response_at_the_latest() -> None:
    d = talking(("a", 1))
    d.tell(*BARGE_IN)
    d.tell(ends("r", "cancelled"))
    assert memory(d) == [("a", None)]


def test_an_item_that_begins_after_the_interruption_is_deleted_too() -> None:
    d = talking(("a", 1))
    d.take_audio(at_ms=0)
    d.tell(*BARGE_IN, at_ms=400)
    d.tell(*speaks("r", "b", "late", 1, previous="a"), *falls_silent("r", "b", "late"), ends("r", "cancelled"))
    assert memory(d) == [("a", 400), ("b", None)]
    assert "audio" not in d.types()


def test_a_response_that_is_over_but_still_plays_is_interrupted() -> None:
    d = talking(("a", 5), over=True)
    d.take_audio(at_ms=0)
    d.tell(*BARGE_IN, at_ms=1000)
    assert memory(d) == [("a", 1000)]
    assert len(d.seen(AudioInterrupted)) == 1
    assert not d.sent(ResponseCancel)


def test_a_response_that_was_heard_to_its_end_is_not_interrupted() -> None:
    d = talking(("a", 1), over=True)
    d.take_audio(at_ms=0)
    d.tell(*BARGE_IN, at_ms=1000)
    assert memory(d) == []
    assert not d.seen(AudioInterrupted)


def test_two_responses_in_the_players_queue() -> None:
    d = talking(("a", 2), over=True)
    d.tell(begins("s"), *speaks("s", "b", "more", 3, previous="a"), *falls_silent("s", "b", "more"), ends("s"))
    d.take_audio(at_ms=0)
    d.tell(*BARGE_IN, at_ms=1500)
    assert memory(d) == [("a", 1500), ("b", None)]
    assert [(event.response_id, event.item_id) for event in d.seen(AudioInterrupted)] == [("r", "a"), ("s", None)]


def test_of_two_responses_the_first_may_have_been_heard() -> None:
    d = talking(("a", 1), over=True)
    d.tell(begins("s"), *speaks("s", "b", "more", 3, previous="a"))
    d.take_audio(at_ms=0)
    d.tell(*BARGE_IN, at_ms=1500)
    assert memory(d) == [("b", 500)]
    assert [event.response_id for event in d.seen(AudioInterrupted)] == ["s"]


def test_a_response_without_audio_yet_is_interrupted_and_the_one_before_stays() -> None:
    d = talking(("a", 1), over=True)
    d.take_audio(at_ms=0)
    d.tell(begins("s"), at_ms=3000)
    d.tell(*BARGE_IN, at_ms=3100)
    assert memory(d) == []
    assert [event.response_id for event in d.seen(AudioInterrupted)] == ["s"]


def test_truncation_is_never_beyond_what_was_received() -> None:
    d = talking(("a", 0.5))
    d.take_audio(at_ms=0)
    d.tell(*BARGE_IN, at_ms=5000)
    assert memory(d) == [("a", 500)]


def test_reports_decide_where_they_are_given() -> None:
    d = talking(("a", 2), reported=True)
    d.take_audio(at_ms=0)
    d.tell(PlaybackReported("a", 0, 320))
    d.tell(*BARGE_IN, at_ms=1500)
    assert memory(d) == [("a", 320)]


def test_a_second_interruption_finds_nothing_to_cut() -> None:
    d = talking(("a", 2))
    d.take_audio(at_ms=0)
    d.tell(*BARGE_IN, at_ms=400)
    d.forget().tell(Interrupt(), at_ms=500)
    assert not d.wire
    assert not d.seen(AudioInterrupted)


@pytest.mark.parametrize("truncates", [True, False])
def test_a_server_that_cannot_truncate_is_not_asked_to(truncates: bool) -> None:
    d = Driven(server_truncates=truncates)
    d.tell(begins("r"), *speaks("r", "a", "some words", 2))
    d.take_audio(at_ms=0)
    d.tell(*BARGE_IN, at_ms=400)
    d.tell(*falls_silent("r", "a", "some words"), ends("r", "cancelled"))
    assert memory(d) == ([("a", 400)] if truncates else [])
    assert isinstance(d.machine.history[0], AssistantMessage)
    assert d.machine.history[0].status == "incomplete"


# --- who cuts, who is told


@pytest.mark.parametrize(("by_itself", "cancels"), [(True, 0), (False, 1)])
def test_a_server_that_does_not_cancel_by_itself_is_told_to(by_itself: bool, cancels: int) -> None:
    d = Driven(server_interrupts=by_itself)
    d.tell(begins("r"), *speaks("r", "a", "some words", 2))
    d.tell(*BARGE_IN)
    assert [event.response_id for event in d.sent(ResponseCancel)] == ["r"] * cancels


def test_the_application_interrupts_and_the_server_is_told_first() -> None:
    d = talking(("a", 2))
    d.take_audio(at_ms=0)
    d.tell(Interrupt(), at_ms=400)
    assert [type(event) for event in d.wire] == [ResponseCancel, ConversationItemTruncate]


def test_audio_is_discarded_before_the_application_hears_of_it() -> None:
    d = talking(("a", 2))
    d.forget().tell(*BARGE_IN)
    assert d.types()[:3] == ["user_speech_started", "discard", "audio_interrupted"]
    assert d.events[1] == Discard("r")
    assert DropChecks("r") in d.checks


def test_nothing_of_an_interrupted_response_is_delivered() -> None:
    d = talking(("a", 2))
    d.tell(*BARGE_IN)
    d.forget().tell(*speaks("r", "b", "late words", 1), *falls_silent("r", "a", "some words here"))
    assert not {"audio", "audio_end", "transcript_delta", "transcript_done"} & set(d.types())


def test_an_out_of_band_response_goes_on() -> None:
    d = Driven()
    d.tell(Respond(1, ResponseParams(conversation="none")))
    d.tell(ResponseCreated(Response("side", "in_progress", metadata={TOKEN: "req_1"})))
    d.tell(*BARGE_IN)
    assert not d.seen(AudioInterrupted)
    assert not d.sent(ResponseCancel)


# --- history


def test_history_holds_what_was_heard_and_what_was_not() -> None:
    d = talking(("a", 3))
    d.take_audio(at_ms=0)
    d.tell(*falls_silent("r", "a", "some words here"))
    d.tell(*BARGE_IN, at_ms=1500)
    item = d.machine.history[0]
    assert isinstance(item, AssistantMessage)
    assert item.content == (AssistantAudio("some words here", 1500, "some ", "words here"),)
    assert d.seen(HistoryUpdated)[-1].item == item


# --- tools


def test_tools_finish_unless_they_declare_otherwise() -> None:
    d = Driven()
    d.tell(begins("r"), *calls("r", ("c1", "tool", "{}"), ("c2", "stoppable", "{}")), ends("r"))
    d.forget().tell(*BARGE_IN)
    assert d.tools == [CancelCall("c2")]
    (end,) = d.seen(ToolEnd)
    assert (end.call_id, end.outcome, end.output) == ("c2", "cancelled", CANCELLED_OUTPUT)
    (output,) = d.sent(ConversationItemCreate)
    assert isinstance(output.item, FunctionCallOutput)
    d.forget().tell(ToolDone("c2", "result", "too late"))
    assert not d.wire
    assert not d.events


def test_the_reply_to_a_tool_waits_for_the_user() -> None:
    d = Driven()
    d.tell(begins("r"), *calls("r", ("c1", "tool", "{}")))
    d.tell(Interrupt())
    d.tell(ends("r", "cancelled"))
    d.tell(ToolDone("c1", "result", "42"), *accepts(FunctionCallOutput("out", "c1", "42"), "item_c1"))
    assert not d.sent(ResponseCreate)
    d.tell(*user_stops(), begins("s"), ends("s"))
    assert not d.sent(ResponseCreate)


def test_nothing_is_remembered_of_calls_that_were_stopped() -> None:
    d = Driven()
    for at in range(50):
        d.tell(begins(f"r{at}"), *calls(f"r{at}", (f"c{at}", "stoppable", "{}")), ends(f"r{at}"), Interrupt())
    assert not d.machine._state.tool_calls._groups


# --- the same with the server's own rules, whatever its quirks

quirks = [Quirks(), Quirks(done_before_started=True), Quirks(late_done=True), Quirks(never_cancels=True)]


@pytest.mark.parametrize("quirk", quirks, ids=str)
@pytest.mark.parametrize("heard_ms", [0, 200, 600, 1100, 1700, 2500])
@pytest.mark.parametrize("last_is_over", [True, False])
@pytest.mark.parametrize("by_voice", [True, False])
def test_three_items_cut_anywhere(quirk: Quirks, heard_ms: int, last_is_over: bool, by_voice: bool) -> None:
    world = World(Setting(quirks=quirk, instant=True))
    world.command(SendMessage(typed("m", "hello")))
    world.after()
    response = world.far.active
    assert response is not None
    for at in range(3):
        item = world.far.opens_message(response)
        world.far.speaks(response, item, 3, 500)
        if last_is_over or at < 2:
            world.far.closes(response, item)
    world.after()
    world.take()
    world.passes(heard_ms * MS)
    if by_voice:
        world.far.user_starts()
    else:
        world.command(Interrupt())
    world.after()
    world.settle()
    world.end()


def test_an_interruption_of_nothing_is_nothing() -> None:
    d = Driven(AGENT, opened=False)
    d.tell(Connected(AGENT)).forget()
    d.tell(Interrupt(), user_starts(), AudioConsumed("r", "a", 0, 5, 0))
    assert d.types() == ["user_speech_started"]
    assert not d.wire


@pytest.mark.parametrize("ms", [1, 2, 1999])
def test_an_item_of_which_anything_was_heard_is_named(ms: int) -> None:
    d = talking(("a", 2))
    d.take_audio(at_ms=0)
    d.tell(*BARGE_IN, at_ms=ms)
    assert [(event.item_id, event.audio_end_ms) for event in d.seen(AudioInterrupted)] == [("a", ms)]

"""What the guardrails read of a response: all that is kept of it, as it is kept, each part by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.debounce import Debounce
from engine.core.effects import CheckText, HandleDone, HookEnd
from engine.core.inputs import Interrupt, Respond
from engine.history import AssistantMessage
from engine.wire.items import Message, OutputAudio, OutputText
from engine.wire.response import Response, ResponseParams
from engine.wire.server_events import (
    ConversationItemAdded,
    ConversationItemDone,
    ResponseContentPartDone,
    ResponseCreated,
    ResponseDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    ServerEvent,
)
from tests.core.driving import AGENT, Driven
from tests.support.talk import begins, ends


def message(item_id: str, *texts: str, spoken: bool = True, status: str = "completed") -> Message:
    part = OutputAudio if spoken else OutputText
    return Message(item_id, "assistant", tuple(part(text) for text in texts), status)


def opened(item_id: str, at: int = 0) -> list[ServerEvent]:
    begun = message(item_id, status="in_progress")
    return [ResponseOutputItemAdded("r", at, begun), ConversationItemAdded(item=begun)]


def delta(item_id: str, text: str, part: int = 0) -> ServerEvent:
    return ResponseOutputAudioTranscriptDelta("r", item_id, 0, part, text)


def read_last(d: Driven) -> str:
    return d.checks[-1].text if d.checks else ""


def kept(d: Driven) -> list[str]:
    """What history says of the agent's words, part by part."""
    items = [item for item in d.machine.history if isinstance(item, AssistantMessage)]
    return [part.transcript if hasattr(part, "transcript") else part.text for item in items for part in item.content]


# --- parts stay apart


words = st.text("ab ", min_size=1, max_size=6)
parts = st.sampled_from([("a", 0), ("a", 1), ("b", 0)])


@given(step=st.integers(1, 12), said=st.lists(st.tuples(parts, words), max_size=20))
def test_deltas_of_several_parts_may_come_in_any_order(step: int, said: list[tuple[tuple[str, int], str]]) -> None:
    d = Driven(debounce_length=step).tell(Respond(1), begins("r", "req_1"), *opened("a"), *opened("b", 1))
    whole: dict[tuple[str, int], str] = {}
    for part, text in said:
        whole[part] = whole.get(part, "") + text
        d.tell(ResponseOutputTextDelta("r", part[0], 0, part[1], text))
        expected = "\n".join(whole[part] for part in sorted(whole))
        assert len(expected.replace("\n", "")) - len(read_last(d).replace("\n", "")) < step
    d.tell(ends("r"))
    expected = "\n".join(whole[part] for part in sorted(whole))
    assert read_last(d) == expected
    assert d.tools[-1] == HookEnd(AGENT, expected)
    assert d.handles[-1] == HandleDone(1, "completed", expected)
    assert len(d.checks) == len({check.text for check in d.checks})


def test_the_end_of_one_item_and_the_beginning_of_the_next_are_two_words() -> None:
    d = Driven().tell(begins("r"), *opened("a"), delta("a", "check"), *opened("b", 1), delta("b", "secret"), ends("r"))
    assert read_last(d) == "check\nsecret"


def test_items_are_read_in_the_order_in_which_they_began() -> None:
    d = Driven().tell(begins("r"), *opened("a"), *opened("b", 1), delta("b", "second"))
    d.tell(ResponseOutputItemDone("r", 0, message("a", "first")), ends("r"))
    assert read_last(d) == "first\nsecond"


# --- words that are told again


def by_item_done(text: str) -> list[ServerEvent]:
    return [ResponseOutputItemDone("r", 0, message("a", text))]


def by_conversation_item(text: str) -> list[ServerEvent]:
    return [ConversationItemDone(item=message("a", text))]


def by_transcript_done(text: str) -> list[ServerEvent]:
    return [ResponseOutputAudioTranscriptDone("r", "a", 0, 0, text)]


def by_text_done(text: str) -> list[ServerEvent]:
    return [ResponseOutputTextDone("r", "a", 0, 0, text)]


def by_part_done(text: str) -> list[ServerEvent]:
    return [ResponseContentPartDone("r", "a", 0, 0, OutputAudio(text))]


def by_the_end(text: str) -> list[ServerEvent]:
    return [ResponseDone(Response("r", "completed", output=(message("a", text),), conversation_id="conv"))]


Tells = Callable[[str], list[ServerEvent]]
WAYS: list[Tells] = [
    by_item_done,
    by_conversation_item,
    by_transcript_done,
    by_text_done,
    by_part_done,
    by_the_end,
]


@pytest.mark.parametrize("told", ["", "not good", "not bad at all, we think", "no", "NOT GOOD"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_final_words_are_read_as_they_are_kept(way: Tells, told: str) -> None:
    d = Driven().tell(Respond(1), begins("r", "req_1"), *opened("a"))
    d.tell(*([delta("a", told)] if told else []), *way("not good"), ends("r"))
    assert read_last(d) == "not good"
    assert kept(d) == ["not good"]
    assert [handle.text for handle in d.handles if isinstance(handle, HandleDone)] == ["not good"]


@given(order=st.permutations(WAYS[:-1]))
def test_words_that_are_told_several_times_are_read_once(order: list[Tells]) -> None:
    d = Driven(debounce_length=5).tell(begins("r"), *opened("a"), delta("a", "all of it"))
    d.tell(*(event for way in order for event in way("all of it")), *by_the_end("all of it"))
    assert d.checks == [CheckText("r", AGENT, "all of it", final=False)]


@given(told=st.lists(st.tuples(st.sampled_from(WAYS[:-1]), st.sampled_from(["one", "two", "one two"])), max_size=6))
def test_the_last_words_count(told: list[tuple[Tells, str]]) -> None:
    d = Driven(debounce_length=4).tell(begins("r"), *opened("a"), delta("a", "zero"))
    for way, text in told:
        d.tell(*way(text))
    d.tell(ends("r"))
    last = told[-1][1] if told else "zero"
    assert read_last(d) == last
    assert kept(d) == [last]


def test_a_server_that_says_nothing_at_the_end_means_what_it_said() -> None:
    d = Driven().tell(begins("r"), *opened("a"), delta("a", "hello"), *by_transcript_done(""), ends("r"))
    assert read_last(d) == "hello"
    assert kept(d) == ["hello"]


@pytest.mark.parametrize("whole", [True, False])
def test_words_that_come_with_the_beginning_of_an_item_are_read(whole: bool) -> None:
    begun = message("a", "all" if not whole else "all of it", status="in_progress")
    d = Driven().tell(begins("r"), ResponseOutputItemAdded("r", 0, begun), ConversationItemAdded(item=begun))
    d.tell(*([] if whole else [delta("a", " of it")]), ends("r"))
    assert read_last(d) == "all of it"
    assert kept(d) == ["all of it"]


def test_an_item_that_only_the_conversation_tells_is_what_the_running_response_says() -> None:
    d = Driven().tell(Respond(1), begins("r", "req_1"))
    d.tell(ConversationItemAdded(item=message("a", status="in_progress")), *by_conversation_item("hello"), ends("r"))
    assert read_last(d) == "hello"
    assert isinstance(d.handles[-1], HandleDone)
    assert d.handles[-1].text == "hello"


def test_an_item_of_the_applications_own_is_not_what_a_response_says() -> None:
    d = Driven().tell(begins("r"), *opened("a"), delta("a", "mine"))
    d.tell(ConversationItemAdded(item=message("seed", "yours")), ConversationItemDone(item=message("seed", "yours")))
    d.tell(ends("r"))
    assert read_last(d) == "mine"


def test_words_that_change_after_the_end_are_read_then() -> None:
    d = Driven().tell(begins("r"), *opened("a"), delta("a", "hello"), ends("r")).forget()
    d.tell(*by_conversation_item("goodbye"))
    assert d.checks == [CheckText("r", AGENT, "goodbye", final=True)]
    d.forget().tell(*by_conversation_item("goodbye"))
    assert not d.checks


def test_nothing_of_an_interrupted_response_is_read() -> None:
    d = Driven().tell(begins("r"), *opened("a"), delta("a", "hello"), Interrupt()).forget()
    for way in WAYS:
        d.tell(*way("goodbye"))
    assert not [check for check in d.checks if isinstance(check, CheckText)]


@pytest.mark.parametrize("way", [way for way in WAYS if way is not by_conversation_item], ids=lambda way: way.__name__)
def test_an_out_of_band_response_is_read_as_well(way: Tells) -> None:
    d = Driven().tell(Respond(1, ResponseParams(conversation="none")))
    d.tell(ResponseCreated(Response("r", "in_progress", metadata={"engine_request": "req_1"})))
    d.tell(*way("hello"), ends("r"))
    assert read_last(d) == "hello"
    assert isinstance(d.handles[-1], HandleDone)
    assert d.handles[-1].text == "hello"
    assert not kept(d)


# --- when it is due


@given(
    step=st.integers(1, 8),
    told=st.lists(st.tuples(parts, st.booleans(), st.text("ab", max_size=8)), max_size=15),
)
def test_nothing_is_read_twice_and_the_last_reading_saw_all(
    step: int, told: list[tuple[tuple[str, int], bool, str]]
) -> None:
    text = Debounce(step)
    readings = [""]
    for part, grows, words in told:
        due = text.grow(*part, words) if grows else text.replace(*part, words)
        if due is not None:
            assert due != readings[-1]
            assert due == text.text()
            readings.append(due)
    last = text.end()
    assert (last or readings[-1]) == text.text() or not text.text()
    assert text.end() is None
